"""Approved samples with the texts that the training methods need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from autolearn.core.methods import TrainingMethod
from autolearn.core.records import Sample
from autolearn.text import matching


@dataclass(frozen=True)
class ApprovedExample:
    """An approved sample with the texts that the methods need."""

    sample: Sample
    passage: str
    open_answer: str
    closed_answer: str
    evidence: str = ""
    """The quote from the passage that the open-book answer rests on; empty: none."""
    short_answer: str = ""
    """The words of the passage that the question was made for; empty: unknown."""
    critique: str | None = None
    wordings: tuple[str, ...] = ()
    """Other wordings of the question. They are checked, and none is in the quiz."""
    prompt_name: str = "closed_book"
    """The prompt that asked for the closed-book answer."""
    heading: str = ""
    """That of the passage."""
    edits: frozenset[str] = frozenset()
    """What a person has edited: ``chosen``, ``refined``, ``feedback``, ``gap``."""

    @property
    def has_own_answer(self) -> bool:
        """Return whether a person wrote another answer."""
        return bool({"chosen", "refined"} & self.edits)

    @property
    def is_gap(self) -> bool:
        """Return whether there is something to learn.

        There is if a person has written another answer, unless they also marked that
        there is no gap.
        """
        says_so = self.has_own_answer and "gap" not in self.edits
        return self.sample.gap or says_so

    @property
    def target(self) -> str:
        """Return the open-book answer, or what a person wrote in its place."""
        if self.has_own_answer or not self.open_answer:
            return self.sample.chosen
        return self.open_answer

    @property
    def is_instruction(self) -> bool:
        """Return whether the model answered it by itself, with no text to read."""
        is_own = self.has_own_answer or not self.closed_answer
        return not (self.passage or is_own)

    @property
    def unrefined(self) -> str:
        """Return the answer before feedback: of an instruction, the first one."""
        return self.closed_answer if self.is_instruction else self.target


def learned_by(
    method: TrainingMethod, examples: Sequence[ApprovedExample]
) -> list[ApprovedExample]:
    """Return the examples that a method can learn from."""
    return [e for e in examples if not (method.reads_texts_only and e.is_instruction)]


def without_repeats(
    examples: Sequence[ApprovedExample], *, prefers_gaps: bool
) -> list[ApprovedExample]:
    """Return one example for each question about a passage.

    Several studies of a text ask the same questions. What a person has edited counts,
    or else the newest, with ``prefers_gaps`` the newest that has a gap: a round may
    have closed it since, and another one still lacks it. The wordings of all are kept.
    """
    groups: dict[tuple[str, str], list[ApprovedExample]] = {}
    for example in examples:
        key = matching.normalise(example.sample.prompt), example.passage
        groups.setdefault(key, []).append(example)
    return [_merged(group, prefers_gaps) for group in groups.values()]


def _merged(group: Sequence[ApprovedExample], prefers_gaps: bool) -> ApprovedExample:
    best = max(
        group, key=lambda e: (bool(e.edits), prefers_gaps and e.is_gap, e.sample.id)
    )
    if not any(example.wordings for example in group):
        return best
    seen, wordings = {matching.normalise(best.sample.prompt)}, []
    for text in chain.from_iterable(example.wordings for example in group):
        if matching.normalise(text) not in seen:
            seen.add(matching.normalise(text))
            wordings.append(text)
    return replace(best, wordings=tuple(wordings))
