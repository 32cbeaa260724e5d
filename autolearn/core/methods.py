"""The training methods: their titles, and what the rest of autolearn asks of them."""

from dataclasses import dataclass
from typing import Literal

Method = Literal[
    "refined_sft", "al1", "al2", "self", "meta", "cpt", "pairs", "unrefined"
]


@dataclass(frozen=True)
class TrainingMethod:
    """The title of a method, and how it differs from the others."""

    title: str
    """Shown in lists; the part before the colon is the short name."""
    trains_preferences: bool = False
    """Learns which of two answers is better (DPO), not one answer."""
    is_second_stage: bool = False
    """Continues a round that learned open-book answers, and studies with it first."""
    reads_texts_only: bool = False
    """Learns open-book answers, so that answers to instructions are left out."""
    is_first_stage: bool = False
    """Learns open-book answers, so that a second stage may continue its rounds."""
    evolves: bool = False
    """Runs in several rounds; the setting ``evolution`` says what each begins with."""
    teaches_skills: bool = False
    """Learns meta-skills, from corpora among others."""
    teaches_facts: bool = True
    """Learns facts, not only how to work with a text."""
    reads_passages: bool = False
    """Learns the raw passages of the documents."""
    learns_pairs: bool = False
    """Learns questions and answers by people, from corpora."""

    @property
    def uses_corpora(self) -> bool:
        """Return whether corpora of the library are learned from."""
        return self.teaches_skills or self.learns_pairs

    @property
    def needs_samples(self) -> bool:
        """Return whether nothing can be learned before a sample is approved."""
        return self.teaches_facts and not self.learns_pairs


METHODS: dict[str, TrainingMethod] = {
    "refined_sft": TrainingMethod(
        "both papers combined (refined SFT): refined answers and paraphrases",
        is_first_stage=True,
    ),
    "al1": TrainingMethod(
        "Autonomous Learning, stage 1 (SFT): question to open-book answer",
        reads_texts_only=True,
        is_first_stage=True,
    ),
    "al2": TrainingMethod(
        "Autonomous Learning, stage 2 (DPO): open-book over closed-book answer",
        trains_preferences=True,
        reads_texts_only=True,
        is_second_stage=True,
    ),
    "self": TrainingMethod(
        "SELF evolution (SFT): all refined answers so far, with meta-skill replay",
        is_first_stage=True,
        evolves=True,
        teaches_skills=True,
    ),
    "meta": TrainingMethod(
        "SELF meta-skills (SFT): asking, answering, judging and refining, learned "
        "from gold corpora and your corrections",
        teaches_skills=True,
        teaches_facts=False,
    ),
    "cpt": TrainingMethod(
        "continued pre-training (baseline): on the raw passages", reads_passages=True
    ),
    "pairs": TrainingMethod(
        "SFT on people's pairs (baseline): gold questions and answers of corpora",
        learns_pairs=True,
    ),
    "unrefined": TrainingMethod(
        "SFT on unrefined answers (baseline): open-book answers, and the first answers "
        "to instructions"
    ),
}

_OLD_METHODS = {"join": "refined_sft"}
"""Names of earlier versions; old workspaces and old commands have them."""


def method_name(name: str) -> str:
    """Return the name of a method, which may be that of an earlier version."""
    return _OLD_METHODS.get(name, name)


def method_title(name: str) -> str:
    """Return the title of a method, or the name itself if there is no such method."""
    return METHODS[name].title if name in METHODS else name
