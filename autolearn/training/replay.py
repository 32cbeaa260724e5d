"""What keeps a round from forgetting: the model's own answers to prompts of its own.

No list of what the model knows is needed: it makes up what a person might ask, and
answers. Training holds the round's output distribution near the base model's there;
a few of the prompts are never trained, and tell how near it stayed. What is made up
is a pure function of the model: the same for every round of it.

It makes up no texts, so it reads those of the round once more (``to_read``); nor does
it make up feedback, so it checks and mends answers of its own (``checked``).
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from statistics import median
from typing import TypeVar

from autolearn.core.model_calls import (
    Completion,
    Generation,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.ports import Cancelled, Journal
from autolearn.core.records import ItemKind, SelfGeneratedItem, TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.study import prompts
from autolearn.study.answers import TextQuestion, open_book_requests
from autolearn.study.fact_questions import about_sentence
from autolearn.study.generation import GenerationRequest, Generator, draw_seed, of
from autolearn.study.questions import listing, rewording
from autolearn.text import model_output, sentences

T = TypeVar("T")

PROMPT = "closed_book"
"""How the model is asked what it made up: as it is asked what it learned."""

GAUGE = 32
"""The first so many made-up prompts are never trained: they are the gauge."""

STEP = 64
"""Draws that are made, answered and kept together."""

SAME = 16
"""Prompts that are kept of those with the same answer."""

SHIPPED = "imagined.jsonl"
"""Lies in the folder of a model that comes with what it made up; see ``ship``."""

PROMPT_TOKENS, ANSWER_TOKENS = 48, 48
"""The most that a made-up prompt and its answer have: rather more items than longer
ones, and small models do not always find an end."""

Answered = tuple[tuple[int, str], Generation]
"""A draw, the prompt that it gave, and the answer."""

Made = tuple[TrainItem, Generation]
"""An item of a round, and how it was written."""

READING = 1 / 16
"""Texts that are read per item that was made up: enough to keep the skill. Each is
asked its own question and that of another, and an answer to its own is compared."""

CHECKING = 1 / 16
"""Questions without a text per item that was made up, whose answers are checked and,
where they are wrong, mended: enough to keep that skill."""

TRIES = 8
"""Draws per prompt wanted, at most: half are guesses, and small models repeat
themselves."""


def imagine(
    writer: Generator,
    journal: Journal,
    known: Sequence[SelfGeneratedItem],
    n: int,
    report: Callable[[int], None],
) -> list[SelfGeneratedItem]:
    """Return the first ``n`` made-up prompts of the model, or what there are of them.

    ``known`` are those made before, in order of draws; the journal keeps what is
    missing, a step at a time. ``report`` is told how many there are.

    Raises:
        Cancelled: The person stopped the run.
    """
    end = ceil(TRIES * n / STEP) * STEP
    found = [one for one in known if one.draw < end]
    begin = (found[-1].draw // STEP + 1) * STEP if found else 0
    for first in range(begin, end, STEP):
        if len(found) >= n:
            break
        report(len(found))
        draws = range(first, first + STEP)
        name = f"imagined {first + 1}-{first + STEP}"
        found += of(
            SelfGeneratedItem, journal.step(name, partial(_make, writer, draws, found))
        )
    return found[:n]


def _make(
    writer: Generator, draws: range, known: Sequence[SelfGeneratedItem]
) -> Sequence[SelfGeneratedItem]:
    """Draw prompts, answer those that are new, and keep what is worth holding.

    A guess is not, nor what is answered in the same words as ``SAME`` others.
    """
    seeds = [draw_seed(0, "imagined", draw) for draw in draws]
    texts = writer.backend.self_prompts(seeds, writer.stop, PROMPT_TOKENS)
    if writer.stop():
        raise Cancelled
    seen = {"", *(one.text for one in known)}
    new: dict[str, int] = {}
    for draw, text in zip(draws, texts, strict=True):
        if text not in seen:
            new.setdefault(text, draw)
    prompt = prompts.load(PROMPT)
    asks = [
        GenerationRequest((draw, text), prompt.render(question=text), ANSWER_TOKENS)
        for text, draw in new.items()
    ]
    answered = [row for row in writer.write(asks) if _answer(row[1])]
    given = Counter(_answer(one.generation) for one in known if one.generation)
    made = []
    for (draw, text), generation in _surer(writer, answered):
        given[_answer(generation)] += 1
        if given[_answer(generation)] <= SAME:
            made.append(SelfGeneratedItem(draw, text, generation))
    return made


def _surer(writer: Generator, answered: Sequence[Answered]) -> list[Answered]:
    """Return the half of whose answers the model is surer, in the order given."""
    sure = writer.backend.confidence(
        [one.request.prompt.chat for _, one in answered],
        [_answer(one) for _, one in answered],
    )
    least = median(sure) if sure else 0.0
    return [row for row, each in zip(answered, sure, strict=True) if each >= least]


def shipped(text: str, model: ModelIdentity) -> list[SelfGeneratedItem]:
    """Return what a model made up beforehand, as ``ship`` wrote it.

    Nothing if it was another model, or was asked otherwise.

    Raises:
        ValueError: This is nothing that was shipped.
    """
    head, *rows = map(json.loads, text.splitlines())
    prompt = prompts.load(PROMPT)
    if head != _head(model):
        return []
    sampling = Sampling(max_new_tokens=ANSWER_TOKENS)
    return [
        SelfGeneratedItem(
            draw,
            asked,
            Generation(
                Request(prompt.render(question=asked), sampling),
                Completion(**completion),
                model,
            ),
        )
        for draw, asked, completion in rows
    ]


def ship(made: Sequence[SelfGeneratedItem], model: ModelIdentity) -> str:
    """Return what a model made up as text: a line on the model, then one for each."""
    rows = [
        [one.draw, one.text, asdict(one.generation.completion)]
        for one in made
        if one.generation
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in (_head(model), *rows)]
    return "\n".join(lines) + "\n"


def _head(model: ModelIdentity) -> dict[str, str]:
    """Return what decides whether it is the model's own, and asked as it would be."""
    return {
        "model": model.digest,
        "quantization": model.quantization,
        "prompt": prompts.load(PROMPT).digest,
    }


def items(kind: ItemKind, imagined: Sequence[SelfGeneratedItem]) -> list[TrainItem]:
    """Return what was made up as items of a round."""
    return [
        TrainItem(kind, one.generation.request.prompt.chat, _answer(one.generation))
        for one in imagined
        if one.generation
    ]


def in_step(settings: TrainSettings, taught: int, replayed: int) -> int:
    """Return how many items of replay an optimiser step has; an epoch has them all."""
    return max(1, round(settings.batch_size * replayed / taught)) if replayed else 0


@dataclass(frozen=True)
class RereadText:
    """A text of the round to be read again by the base."""

    passage: str
    question: str
    answer: str
    """What was said to it without the text."""
    other: str
    """The question of another text, of which this one says nothing."""


def to_read(asked: Iterable[tuple[str, str, str]], n_replay: int) -> list[RereadText]:
    """Return the texts to read beside so many items that were made up.

    ``asked``: passages, each with a question and the closed-book answer to it. A round
    teaches to answer whatever is asked, and so a model forgets to say that the text
    does not: hence the question of another text (docs/lab-notes.md has the numbers).
    """
    of_each = list({one[0]: one for one in asked}.values())
    n = min(len(of_each), ceil(READING * n_replay))
    picked = random.Random("to read").sample(of_each, n)
    others = [question for _, question, _ in picked[1:] + picked[:1]]
    return [RereadText(*one, other) for one, other in zip(picked, others, strict=True)]


def read(writer: Generator, texts: Sequence[RereadText]) -> list[Made]:
    """Return how the base asks about texts, answers from them and compares, as items.

    It puts its question to each in other words too.

    Raises:
        Cancelled: The person stopped the run.
    """
    own = [TextQuestion(one, one.passage, one.question) for one in texts]
    opened = _written(writer, open_book_requests(writer, own))
    others = [
        TextQuestion(one, one.passage, one.other)
        for one in texts
        if one.other != one.question
    ]
    rest = open_book_requests(writer, others)
    for one in texts:
        rest.append(_asking(writer, one))
        rest.append(rewording(writer, one.question, one))
    if not writer.protocol.guided:  # whose verdicts are odds, not texts
        rest += _comparing(writer, opened)
    return [_item(made) for _, made in (*opened, *_written(writer, rest))]


def _asking(writer: Generator, one: RereadText) -> GenerationRequest[RereadText]:
    """Return what is put to the base for questions about a text."""
    if not writer.protocol.guided:
        return listing(writer.settings, one.passage, one)
    spoken = sentences.of(one.passage)
    sentence = random.Random(one.passage).choice(spoken).text if spoken else one.passage
    return about_sentence(writer, one, one.passage, sentence, sentence)


def _comparing(
    writer: Generator, opened: Sequence[tuple[RereadText, Generation]]
) -> Iterator[GenerationRequest[RereadText]]:
    """Yield what is put to the base to compare answers; every other one is right."""
    compare = prompts.load("feedback")
    for at, (one, said) in enumerate(opened):
        reference = model_output.answer(_answer(said))
        prompt = compare.render(
            passage=one.passage,
            question=one.question,
            reference=reference,
            answer=one.answer if at % 2 else reference,
        )
        yield GenerationRequest(one, prompt, writer.settings.feedback_tokens)


def to_check(instructions: Sequence[str], n: int) -> list[str]:
    """Return at most ``n`` of what a person asks without a text."""
    return random.Random("to check").sample(instructions, min(len(instructions), n))


def checked(
    writer: Generator, instructions: Sequence[str], made_up: Sequence[SelfGeneratedItem]
) -> list[Made]:
    """Return how the base checks its own answers and mends those that it finds wrong.

    These are the skills of SELF (arXiv 2310.00533), which no round is to cost. Answers
    to instructions are left free: they may be what the round is to change.

    Raises:
        Cancelled: The person stopped the run.
    """
    answer, check, mend = map(prompts.load, (PROMPT, "feedback_free", "refine_free"))
    settings = writer.settings
    asks = [
        GenerationRequest(text, answer.render(question=text), settings.answer_tokens)
        for text in instructions
    ]
    tried = [(text, _answer(said)) for text, said in _written(writer, asks)]
    tried += [(o.text, _answer(o.generation)) for o in made_up if o.generation]
    to_judge = [
        GenerationRequest(
            one, check.render(question=one[0], answer=one[1]), settings.feedback_tokens
        )
        for one in tried
    ]
    checks = _written(writer, to_judge)
    to_mend = [
        GenerationRequest(
            question,
            mend.render(question=question, answer=said, feedback=_answer(judged)),
            settings.answer_tokens,
        )
        for (question, said), judged in checks
        if model_output.verdict(_answer(judged)) == "incorrect"
    ]
    mended = _written(writer, to_mend)
    return [_item(made) for _, made in checks] + [_item(made) for _, made in mended]


def _written(
    writer: Generator, asks: Sequence[GenerationRequest[T]]
) -> list[tuple[T, Generation]]:
    """Return what the base wrote, unless it is empty."""
    return [(subject, made) for subject, made in writer.write(asks) if _answer(made)]


def _item(generation: Generation) -> Made:
    # Without worked examples, and without a beginning, which the answer has.
    asked = [m for m in generation.request.prompt.chat if m.role == "user"][-1:]
    rules = [m for m in generation.request.prompt.chat if m.role == "system"]
    chat = (*rules, *asked)
    return TrainItem("replay", chat, _answer(generation)), generation


def _answer(generation: Generation) -> str:
    return model_output.without_thinking(generation.completion.text)
