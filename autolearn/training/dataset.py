"""Turn approved samples into what a round trains on, and keep the quiz out of it.

Each method of the two papers is one function from lessons to items. The prompt of
a knowledge item is the closed-book prompt: the passage is not in it, so that the
knowledge has to go into the weights (arXiv 2406.00606, stage 1).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Chat
from autolearn.core.records import Sample, TrainItem
from autolearn.core.settings import Method, TrainSettings
from autolearn.study import prompts
from autolearn.text import matching

LEAK = 0.92
"""Likeness to a quiz question from which an item counts as the same question."""

FEWEST = 20
"""Validation items below which there are none: so few would tell nothing."""


@dataclass(frozen=True)
class ApprovedExample:
    """A sample with the texts that the methods need."""

    sample: Sample
    passage: str
    opened: str
    closed: str
    critique: str | None = None
    wordings: tuple[str, ...] = ()
    """Other wordings of the question, checked, none of them in the quiz."""
    corrected: bool = False
    """A person has edited the feedback or the refinement."""


@dataclass(frozen=True)
class Dataset:
    """What a round trains on, and what was left out and why."""

    items: tuple[TrainItem, ...]
    leaked: int = 0
    """Items dropped because they ask what the quiz asks."""
    validation: tuple[TrainItem, ...] = ()
    """Wordings that are not trained: they tell when enough is learned."""


def build(
    settings: TrainSettings,
    examples: Sequence[ApprovedExample],
    corpus: Sequence[MetaExample],
    quiz: Iterable[str],
    skills: Sequence[TrainItem] = (),
) -> Dataset:
    """Return the items of a round by its method.

    ``corpus`` holds imported meta-skill examples; corrected lessons are added to it.
    ``quiz`` are the questions that must not be trained on. ``skills`` are meta-skill
    items that were made of gold examples already, without these questions.
    """
    quiz = list(quiz)
    if settings.only_gaps:
        examples = [example for example in examples if example.sample.gap]
    corpus = [*corpus, *(_as_meta(one) for one in examples if one.corrected)]
    kept, leaked = without_leaks(examples, quiz)
    kept, validation = hold_out(settings, kept)
    blocks = blocker(quiz)
    allowed = [one for one in corpus if not blocks(one.prompt)]
    given = (*(item for one in allowed for item in _meta_items(one)), *skills)
    items = _METHODS[settings.method](settings, kept, given)
    if settings.method in ("meta", "self"):
        leaked += len(corpus) - len(allowed)
    return Dataset(tuple(items), leaked, tuple(validation))


def blocker(quiz: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a question is, or nearly is, one of the quiz."""
    asked = list(quiz)
    exact = {matching.normalise(text) for text in asked}

    def blocks(text: str) -> bool:
        return matching.normalise(text) in exact or any(
            matching.similarity(text, other) >= LEAK for other in asked
        )

    return blocks


def without_leaks(
    examples: Sequence[ApprovedExample], quiz: Iterable[str]
) -> tuple[list[ApprovedExample], int]:
    """Drop questions and wordings that are, or nearly are, questions of the quiz.

    Returns the lessons that are left, and how many questions were dropped. A lesson
    whose own question leaks goes with all its wordings.
    """
    leaks = blocker(quiz)
    kept: list[ApprovedExample] = []
    dropped = 0
    for example in examples:
        if leaks(example.sample.prompt):
            dropped += 1 + len(example.wordings)
            continue
        clean = tuple(text for text in example.wordings if not leaks(text))
        dropped += len(example.wordings) - len(clean)
        kept.append(replace(example, wordings=clean))
    return kept, dropped


def hold_out(
    settings: TrainSettings, examples: Sequence[ApprovedExample]
) -> tuple[list[ApprovedExample], list[TrainItem]]:
    """Take one wording from a share of the lessons, as validation items.

    Only a wording that nothing else asks is taken, whatever the order of its words:
    one that another lesson trains would tell nothing. Small rounds have none, nor have
    methods that teach no answers to questions.
    """
    asked = Counter(_words(text) for one in examples for text in _phrasings(one))
    only = [[t for t in one.wordings if asked[_words(t)] == 1] for one in examples]
    able = [i for i, texts in enumerate(only) if texts]
    kept = list(examples)
    validation: list[TrainItem] = []
    n = round(settings.validation_share * len(able))
    if n < FEWEST or settings.method not in _TAUGHT:
        return kept, validation
    chance = random.Random(f"{settings.seed} validation")
    for i in sorted(chance.sample(able, n)):
        one, text = examples[i], chance.choice(only[i])
        kept[i] = replace(one, wordings=tuple(t for t in one.wordings if t != text))
        answer = _TAUGHT[settings.method](one)
        item = TrainItem("validation", _ask(text), answer, sample_id=one.sample.id)
        validation.append(item)
    return kept, validation


def _phrasings(example: ApprovedExample) -> tuple[str, ...]:
    return example.sample.prompt, *example.wordings


def _words(text: str) -> tuple[str, ...]:
    return tuple(sorted(matching.normalise(text).split()))


_TAUGHT: dict[Method, Callable[[ApprovedExample], str]] = {
    "join": lambda example: example.sample.chosen,
    "al1": lambda example: example.opened,
    "self": lambda example: example.sample.chosen,
}
"""The answer that a method teaches to a question, whatever its wording."""

_Items = list[TrainItem]


def _ask(question: str) -> Chat:
    return prompts.load("closed_book").render(question=question).chat


def _join(_: TrainSettings, examples: Sequence[ApprovedExample], __: object) -> _Items:
    """Learn r_hat for q in every wording: the two papers joined."""
    return [
        TrainItem("sft", _ask(text), example.sample.chosen, sample_id=example.sample.id)
        for example in examples
        for text in _phrasings(example)
    ]


def _al1(
    settings: TrainSettings, examples: Sequence[ApprovedExample], _: object
) -> _Items:
    """L1 = -log p(a_o | q) (arXiv 2406.00606, stage 1: "QA"; "DQA" as an option)."""
    items = [
        TrainItem("sft", _ask(one.sample.prompt), one.opened, sample_id=one.sample.id)
        for one in examples
    ]
    return items + (_dqa(examples) if settings.dqa else [])


def _dqa(examples: Sequence[ApprovedExample]) -> _Items:
    """Learn d -> q and (d, q) -> a, which keeps the skill of asking."""
    items: _Items = []
    for example in examples:
        question, sample_id = example.sample.prompt, example.sample.id
        ask = prompts.load("ask").render(passage=example.passage, n=1)
        read = prompts.load("open_book").render(
            passage=example.passage, question=question
        )
        items.append(TrainItem("sft", ask.chat, question, sample_id=sample_id))
        told = f"Answer: {example.opened}"
        items.append(TrainItem("sft", read.chat, told, sample_id=sample_id))
    return items


def _al2(_: TrainSettings, examples: Sequence[ApprovedExample], __: object) -> _Items:
    """L2 = -log p(a_o > a_c | q) (arXiv 2406.00606, stage 2), by DPO.

    A pair whose two answers are the same prefers nothing and is left out.
    """
    return [
        TrainItem(
            "dpo",
            _ask(one.sample.prompt),
            one.opened,
            rejected=one.closed,
            sample_id=one.sample.id,
        )
        for one in examples
        if not matching.exact_match(one.opened, one.closed)
    ]


def _self(
    settings: TrainSettings,
    examples: Sequence[ApprovedExample],
    skills: Sequence[TrainItem],
) -> _Items:
    """-E[log p(r_hat | p)] + L_meta on a share of D_meta (arXiv 2310.00533)."""
    items = [
        TrainItem(
            "sft", _ask(one.sample.prompt), one.sample.chosen, None, 1.0, one.sample.id
        )
        for one in examples
    ]
    n = min(len(skills), round(settings.meta_share * len(items)))
    chance = random.Random(f"{settings.seed} meta-skill replay")
    return items + chance.sample(list(skills), n)


def _meta(
    _: TrainSettings, __: Sequence[ApprovedExample], skills: Sequence[TrainItem]
) -> _Items:
    """L_meta, and the skills of the loop: see ``metaskills.items``."""
    return list(skills)


def _meta_items(example: MetaExample) -> _Items:
    """L_meta: log p(f | p, r) + log p(r_hat | p, r, f) + log p(r_hat | p)."""
    free = "" if example.passage else "_free"
    seen = {"question": example.prompt, "answer": example.response}
    text = {"passage": example.passage} if example.passage else {}
    against = {"reference": example.reference} if example.passage else {}
    judge = prompts.load(f"feedback{free}").render(**seen, **text, **against)
    mend = prompts.load(f"refine{free}").render(
        **seen, **text, feedback=example.feedback
    )
    best, sample_id = example.refinement, example.sample_id
    return [
        TrainItem("sft", judge.chat, example.feedback, sample_id=sample_id),
        TrainItem("sft", mend.chat, f"Answer: {best}", sample_id=sample_id),
        TrainItem("sft", _ask(example.prompt), best, sample_id=sample_id),
    ]


def _as_meta(example: ApprovedExample) -> MetaExample:
    return MetaExample(
        example.sample.prompt,
        example.closed,
        example.critique or "",
        example.sample.chosen,
        example.passage,
        example.opened,
        example.sample.id,
    )


def _cpt(_: TrainSettings, examples: Sequence[ApprovedExample], __: object) -> _Items:
    """Return each passage once, as raw text: the baseline of arXiv 2406.00606."""
    texts = dict.fromkeys(example.passage.strip() for example in examples)
    return [TrainItem("text", (), text) for text in texts if text]


_Build = Callable[
    [TrainSettings, Sequence[ApprovedExample], Sequence[TrainItem]], _Items
]
_METHODS: dict[Method, _Build] = {
    "join": _join,
    "al1": _al1,
    "al2": _al2,
    "self": _self,
    "meta": _meta,
    "cpt": _cpt,
}
