"""Turn approved samples into training items, and keep quiz questions out of them.

Each method of the two papers is one function from approved examples to items. The
prompt of a knowledge item is the closed-book prompt. It does not contain the passage,
so the knowledge has to go into the weights (arXiv 2406.00606, stage 1).
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from autolearn.core.gold import GoldExample, MetaExample
from autolearn.core.methods import Method
from autolearn.core.model_calls import Chat
from autolearn.core.records import TrainItem
from autolearn.core.settings import StudyProtocol, StudySettings, TrainSettings
from autolearn.metaskills import corrections
from autolearn.metaskills.items import answer_items, counting_alike, question_items
from autolearn.study import prompts
from autolearn.study.generation import OfflineBuilder
from autolearn.study.protocol import PROTOCOLS
from autolearn.text import matching, model_output
from autolearn.training.examples import ApprovedExample, learned_by, without_repeats
from autolearn.training.leakage import Guard

FEWEST_VALIDATED = 8
"""Fewest validation items; a smaller number would say nothing. If they would take more
than half of the second wordings of a round, it has none.
"""


@dataclass(frozen=True)
class Dataset:
    """The items of a round, and how many were left out."""

    items: tuple[TrainItem, ...]
    leaked: int = 0
    """Number of items that were dropped because the quiz asks the same."""
    validation: tuple[TrainItem, ...] = ()
    """Held-out wordings. They show when enough is learned."""


@dataclass(frozen=True)
class Material:
    """The sources of the items of a round; the quiz asks none of them."""

    settings: TrainSettings
    examples: Sequence[ApprovedExample]
    skills: Sequence[TrainItem] = ()
    """Meta-skill items."""
    passages: Sequence[str] = ()
    """The passages of the documents that the examples are about."""
    pairs: Sequence[GoldExample] = ()
    """Questions with gold answers by people."""
    protocol: StudyProtocol = "trained"
    """How the skills of corrections are asked for later; not ``auto``."""


def build(material: Material, corpus: Sequence[MetaExample], guard: Guard) -> Dataset:
    """Return the items of a round.

    Args:
        material: All approved samples, meta-skill items made from gold examples, and
            passages, as the store has them.
        corpus: Imported meta-skill examples. Samples that a person corrected are added.
        guard: Recognises the questions that must not be trained on.
    """
    settings = material.settings
    examples = learned_by(settings.traits, material.examples)
    examples = without_repeats(examples, prefers_gaps=settings.only_gaps)
    corpus = [*corpus, *(_as_meta(example) for example in examples if example.edits)]
    if settings.only_gaps:
        examples = [example for example in examples if example.is_gap]
    usable, n_leaked = without_leaks(examples, guard)
    usable, validation = hold_out(settings, usable)
    usable_corpus = [example for example in corpus if not guard.blocks(example.prompt)]
    if settings.traits.teaches_skills:
        n_leaked += len(corpus) - len(usable_corpus)
    skills = chain.from_iterable(
        corrections.make(example, material.protocol) for example in usable_corpus
    )
    material = replace(material, examples=usable, skills=(*skills, *material.skills))
    items = dict.fromkeys(_METHODS[settings.method](material))
    admission, validation_admission = guard.admit(items), guard.admit(validation)
    return Dataset(
        admission.items, n_leaked + admission.n_blocked, validation_admission.items
    )


def without_leaks(
    examples: Sequence[ApprovedExample], guard: Guard
) -> tuple[list[ApprovedExample], int]:
    """Drop questions and wordings that are, or nearly are, questions of the quiz.

    A sample whose own question leaks is dropped with all its wordings.

    Returns:
        The other examples, and how many questions were dropped.
    """
    rest: list[ApprovedExample] = []
    n_dropped = 0
    for example in examples:
        if guard.blocks(example.sample.prompt):
            n_dropped += 1 + len(example.wordings)
            continue
        clean = tuple(text for text in example.wordings if not guard.blocks(text))
        n_dropped += len(example.wordings) - len(clean)
        rest.append(replace(example, wordings=clean))
    return rest, n_dropped


def hold_out(
    settings: TrainSettings, examples: Sequence[ApprovedExample]
) -> tuple[list[ApprovedExample], list[TrainItem]]:
    """Set one wording aside from a share of the examples, as validation items.

    A wording is set aside only if no other question has the same words, in any order.
    If another example trained them, validation would measure nothing. Rounds with few
    wordings have no validation, nor have methods that do not teach answers.
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
    has_enough = len(candidates) >= 2 * FEWEST_VALIDATED
    if not (n and has_enough and settings.method in _TARGETS):
        return rest, validation
    n = max(n, FEWEST_VALIDATED)
    rng = random.Random(f"{settings.seed} validation")
    for i in sorted(rng.sample(candidates, n)):
        example, text = examples[i], rng.choice(unique_wordings[i])
        rest[i] = replace(
            example, wordings=tuple(t for t in example.wordings if t != text)
        )
        answer = _TARGETS[settings.method](example)
        item = TrainItem("validation", _ask(text), answer, sample_id=example.sample.id)
        validation.append(item)
    return rest, validation


def _phrasings(example: ApprovedExample) -> tuple[str, ...]:
    return example.sample.prompt, *example.wordings


def _words(text: str) -> tuple[str, ...]:
    return tuple(sorted(matching.words(text)))


_TARGETS: dict[Method, Callable[[ApprovedExample], str]] = {
    "refined_sft": lambda example: example.sample.chosen,
    "al1": lambda example: example.target,
    "self": lambda example: example.sample.chosen,
    "cpt": lambda example: example.target,
    "unrefined": lambda example: example.unrefined,
}
"""The answer that a method teaches, whatever the wording of the question. Continued
pre-training teaches it by its passage."""

_Items = list[TrainItem]


def _ask(question: str, name: str = "closed_book") -> Chat:
    return prompts.load(name).render(question=question).chat


def _sft_item(example: ApprovedExample, chat: Chat, answer: str) -> TrainItem:
    return TrainItem("sft", chat, answer, sample_id=example.sample.id)


def _refined_sft(material: Material) -> _Items:
    """Learn r_hat for q in every wording: both papers combined."""
    return [
        _sft_item(example, _ask(text, example.prompt_name), example.sample.chosen)
        for example in material.examples
        for text in _phrasings(example)
    ]


def _unrefined(material: Material) -> _Items:
    """Learn what the model answered before it gave itself feedback: a baseline."""
    return [
        _sft_item(
            example,
            _ask(example.sample.prompt, example.prompt_name),
            example.unrefined,
        )
        for example in material.examples
    ]


def _al1(material: Material) -> _Items:
    """L1 = -log p(a_o | q) (arXiv 2406.00606, stage 1: "QA"; "DQA" as an option)."""
    items = [
        _sft_item(example, _ask(example.sample.prompt), example.target)
        for example in material.examples
    ]
    if not material.settings.dqa:
        return items
    make = _guided_dqa if PROTOCOLS[material.protocol].guided else _dqa
    return [*items, *make(material.examples)]


def _dqa(examples: Sequence[ApprovedExample]) -> _Items:
    """Learn d -> q and (d, q) -> a, which preserves the skills of a study.

    The answer comes with its quote, as a study asks for it: without one, the round
    would unlearn to quote, and no rule would approve what it studies. An answer without
    a quote, or of a person, is therefore left out.
    """
    items: _Items = []
    for example in examples:
        question = example.sample.prompt
        ask = prompts.load("ask").render(passage=example.passage, n=1)
        open_book = prompts.load("open_book").render(
            passage=example.passage, question=question
        )
        items.append(_sft_item(example, ask.chat, question))
        if example.evidence and example.target == example.open_answer:
            answer = f"Evidence: {example.evidence}\nAnswer: {example.target}"
            items.append(_sft_item(example, open_book.chat, answer))
    return items


def _guided_dqa(examples: Sequence[ApprovedExample]) -> _Items:
    """Learn the same as ``_dqa``, by the requests of a study that guides the model."""
    builder = OfflineBuilder(StudySettings(protocol="taught"))
    items: _Items = []
    for example in examples:
        if example.target != example.open_answer:
            continue
        gold = GoldExample(
            example.passage,
            example.sample.prompt,
            example.short_answer,
            title=example.heading,
            sentence=example.target,
            evidence=example.evidence,
        )
        new = (*question_items(builder, gold), *answer_items(builder, gold))
        items += [replace(i, weight=1.0, sample_id=example.sample.id) for i in new]
    return items


def _al2(material: Material) -> _Items:
    """L2 = -log p(a_o > a_c | q) (arXiv 2406.00606, stage 2), by DPO.

    Pairs whose answers are equal express no preference and are left out.
    """
    return [
        TrainItem(
            "dpo",
            _ask(example.sample.prompt),
            example.target,
            rejected=example.closed_answer,
            sample_id=example.sample.id,
        )
        for example in material.examples
        if not matching.exact_match(example.target, example.closed_answer)
    ]


def _self(material: Material) -> _Items:
    """-E[log p(r_hat | p)] + L_meta on a share of D_meta (arXiv 2310.00533)."""
    items = [
        _sft_item(
            example,
            _ask(example.sample.prompt, example.prompt_name),
            example.sample.chosen,
        )
        for example in material.examples
    ]
    settings, skills = material.settings, list(material.skills)
    n = min(len(skills), round(settings.meta_share * len(items)))
    rng = random.Random(f"{settings.seed} meta-skill replay")
    return items + rng.sample(skills, n)


def _meta(material: Material) -> _Items:
    """L_meta and the skills of the study; see ``metaskills``."""
    return [counting_alike(item) for item in material.skills]


def _cpt(material: Material) -> _Items:
    """Return each passage once, as raw text: the baseline of arXiv 2406.00606."""
    texts = dict.fromkeys(text.strip() for text in material.passages)
    return [TrainItem("text", (), text) for text in texts if text]


def _pairs(material: Material) -> _Items:
    """Learn log p(a | q) of people's pairs: the SFT baseline of arXiv 2406.00606."""
    return [
        TrainItem("sft", _ask(pair.question), pair.sentence or pair.answer)
        for pair in material.pairs
        if pair.answerable and pair.answer
    ]


def _as_meta(example: ApprovedExample) -> MetaExample:
    """Return a sample that a person corrected as a meta-skill example.

    The model's own feedback is used only if its verdict agrees with the user's.
    """
    verdict = "incorrect" if example.is_gap else "correct"
    feedback = example.critique or ""
    if "feedback" not in example.edits and model_output.verdict(feedback) != verdict:
        texts = {"reference": example.target, "answer": example.closed_answer}
        feedback = prompts.load("feedback").prefill(verdict=verdict, **texts)
        if not example.passage:
            feedback = f"The answer should be: {example.target}\nVerdict: {verdict}"
    return MetaExample(
        example.sample.prompt,
        example.closed_answer,
        feedback,
        example.sample.chosen,
        example.passage,
        example.target,
        example.sample.id,
        example.heading,
    )


_METHODS: dict[Method, Callable[[Material], _Items]] = {
    "refined_sft": _refined_sft,
    "al1": _al1,
    "al2": _al2,
    "self": _self,
    "meta": _meta,
    "cpt": _cpt,
    "pairs": _pairs,
    "unrefined": _unrefined,
}
