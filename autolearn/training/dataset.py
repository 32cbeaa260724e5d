"""Turn approved samples into training items, and keep quiz questions out of them.

Each method of the two papers is one function from approved examples to items. The
prompt of a knowledge item is the closed-book prompt. It does not contain the passage,
so the knowledge has to go into the weights (arXiv 2406.00606, stage 1).
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
"""Similarity to a quiz question from which an item counts as the same question."""

FEWEST = 20
"""Fewest validation items. A smaller number would say nothing, so there are none."""


@dataclass(frozen=True)
class ApprovedExample:
    """An approved sample with the texts that the methods need."""

    sample: Sample
    passage: str
    opened: str
    closed: str
    critique: str | None = None
    wordings: tuple[str, ...] = ()
    """Other wordings of the question. They are checked, and none is in the quiz."""
    corrected: bool = False
    """Whether a person has edited the feedback or the refinement."""


@dataclass(frozen=True)
class Dataset:
    """The items of a round, and how many were left out."""

    items: tuple[TrainItem, ...]
    leaked: int = 0
    """Number of items that were dropped because the quiz asks the same."""
    validation: tuple[TrainItem, ...] = ()
    """Wordings that are not trained. They show when enough is learned."""


def build(
    settings: TrainSettings,
    examples: Sequence[ApprovedExample],
    corpus: Sequence[MetaExample],
    quiz: Iterable[str],
    skills: Sequence[TrainItem] = (),
) -> Dataset:
    """Return the items of a round.

    Args:
        settings: Method and options of the round.
        examples: The approved samples.
        corpus: Imported meta-skill examples. Samples that a person corrected are added.
        quiz: Questions that must not be trained on.
        skills: Meta-skill items made from gold examples, already without these
            questions.
    """
    quiz = list(quiz)
    if settings.only_gaps:
        examples = [example for example in examples if example.sample.gap]
    corpus = [
        *corpus,
        *(_as_meta(example) for example in examples if example.corrected),
    ]
    usable, n_leaked = without_leaks(examples, quiz)
    usable, validation = hold_out(settings, usable)
    blocks = blocker(quiz)
    usable_corpus = [example for example in corpus if not blocks(example.prompt)]
    meta_items = (
        *(item for example in usable_corpus for item in _meta_items(example)),
        *skills,
    )
    items = _METHODS[settings.method](settings, usable, meta_items)
    if settings.method in ("meta", "self"):
        n_leaked += len(corpus) - len(usable_corpus)
    return Dataset(tuple(items), n_leaked, tuple(validation))


def blocker(quiz: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that says whether a question is nearly one of the quiz."""
    questions = list(quiz)
    exact = {matching.normalise(text) for text in questions}

    def blocks(text: str) -> bool:
        return matching.normalise(text) in exact or any(
            matching.similarity(text, other) >= LEAK for other in questions
        )

    return blocks


def without_leaks(
    examples: Sequence[ApprovedExample], quiz: Iterable[str]
) -> tuple[list[ApprovedExample], int]:
    """Drop questions and wordings that are, or nearly are, questions of the quiz.

    A sample whose own question leaks is dropped with all its wordings.

    Returns:
        The other examples, and how many questions were dropped.
    """
    leaks = blocker(quiz)
    rest: list[ApprovedExample] = []
    n_dropped = 0
    for example in examples:
        if leaks(example.sample.prompt):
            n_dropped += 1 + len(example.wordings)
            continue
        clean = tuple(text for text in example.wordings if not leaks(text))
        n_dropped += len(example.wordings) - len(clean)
        rest.append(replace(example, wordings=clean))
    return rest, n_dropped


def hold_out(
    settings: TrainSettings, examples: Sequence[ApprovedExample]
) -> tuple[list[ApprovedExample], list[TrainItem]]:
    """Set one wording aside from a share of the examples, as validation items.

    A wording is set aside only if no other question has the same words, in any order.
    If another example trained them, validation would measure nothing. Small rounds have
    no validation, nor have methods that do not teach answers.
    """
    counts = Counter(
        _words(text) for example in examples for text in _phrasings(example)
    )
    unique_wordings = [
        [t for t in example.wordings if counts[_words(t)] == 1] for example in examples
    ]
    candidates = [i for i, texts in enumerate(unique_wordings) if texts]
    rest = list(examples)
    validation: list[TrainItem] = []
    n = round(settings.validation_share * len(candidates))
    if n < FEWEST or settings.method not in _TAUGHT:
        return rest, validation
    rng = random.Random(f"{settings.seed} validation")
    for i in sorted(rng.sample(candidates, n)):
        example, text = examples[i], rng.choice(unique_wordings[i])
        rest[i] = replace(
            example, wordings=tuple(t for t in example.wordings if t != text)
        )
        answer = _TAUGHT[settings.method](example)
        item = TrainItem("validation", _ask(text), answer, sample_id=example.sample.id)
        validation.append(item)
    return rest, validation


def _phrasings(example: ApprovedExample) -> tuple[str, ...]:
    return example.sample.prompt, *example.wordings


def _words(text: str) -> tuple[str, ...]:
    return tuple(sorted(matching.normalise(text).split()))


_TAUGHT: dict[Method, Callable[[ApprovedExample], str]] = {
    "refined_sft": lambda example: example.sample.chosen,
    "al1": lambda example: example.opened,
    "self": lambda example: example.sample.chosen,
}
"""The answer that a method teaches, whatever the wording of the question."""

_Items = list[TrainItem]


def _ask(question: str) -> Chat:
    return prompts.load("closed_book").render(question=question).chat


def _refined_sft(
    _: TrainSettings, examples: Sequence[ApprovedExample], __: object
) -> _Items:
    """Learn r_hat for q in every wording: both papers joined."""
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
        TrainItem(
            "sft",
            _ask(example.sample.prompt),
            example.opened,
            sample_id=example.sample.id,
        )
        for example in examples
    ]
    return items + (_dqa(examples) if settings.dqa else [])


def _dqa(examples: Sequence[ApprovedExample]) -> _Items:
    """Learn d -> q and (d, q) -> a, which preserves the skill of asking."""
    items: _Items = []
    for example in examples:
        question, sample_id = example.sample.prompt, example.sample.id
        ask = prompts.load("ask").render(passage=example.passage, n=1)
        open_book = prompts.load("open_book").render(
            passage=example.passage, question=question
        )
        items.append(TrainItem("sft", ask.chat, question, sample_id=sample_id))
        answer = f"Answer: {example.opened}"
        items.append(TrainItem("sft", open_book.chat, answer, sample_id=sample_id))
    return items


def _al2(_: TrainSettings, examples: Sequence[ApprovedExample], __: object) -> _Items:
    """L2 = -log p(a_o > a_c | q) (arXiv 2406.00606, stage 2), by DPO.

    Pairs whose answers are equal express no preference and are left out.
    """
    return [
        TrainItem(
            "dpo",
            _ask(example.sample.prompt),
            example.opened,
            rejected=example.closed,
            sample_id=example.sample.id,
        )
        for example in examples
        if not matching.exact_match(example.opened, example.closed)
    ]


def _self(
    settings: TrainSettings,
    examples: Sequence[ApprovedExample],
    skills: Sequence[TrainItem],
) -> _Items:
    """-E[log p(r_hat | p)] + L_meta on a share of D_meta (arXiv 2310.00533)."""
    items = [
        TrainItem(
            "sft",
            _ask(example.sample.prompt),
            example.sample.chosen,
            None,
            1.0,
            example.sample.id,
        )
        for example in examples
    ]
    n = min(len(skills), round(settings.meta_share * len(items)))
    rng = random.Random(f"{settings.seed} meta-skill replay")
    return items + rng.sample(list(skills), n)


def _meta(
    _: TrainSettings, __: Sequence[ApprovedExample], skills: Sequence[TrainItem]
) -> _Items:
    """L_meta and the skills of the study; see ``metaskills.items``."""
    return list(skills)


def _meta_items(example: MetaExample) -> _Items:
    """L_meta: log p(f | p, r) + log p(r_hat | p, r, f) + log p(r_hat | p)."""
    free = "" if example.passage else "_free"
    subject = {"question": example.prompt, "answer": example.response}
    text = {"passage": example.passage} if example.passage else {}
    comparison = {"reference": example.reference} if example.passage else {}
    feedback_prompt = prompts.load(f"feedback{free}").render(
        **subject, **text, **comparison
    )
    refine_prompt = prompts.load(f"refine{free}").render(
        **subject, **text, feedback=example.feedback
    )
    best, sample_id = example.refinement, example.sample_id
    return [
        TrainItem("sft", feedback_prompt.chat, example.feedback, sample_id=sample_id),
        TrainItem("sft", refine_prompt.chat, f"Answer: {best}", sample_id=sample_id),
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
    "refined_sft": _refined_sft,
    "al1": _al1,
    "al2": _al2,
    "self": _self,
    "meta": _meta,
    "cpt": _cpt,
}
