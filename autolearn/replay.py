"""What keeps a round from forgetting: the model's own answers to prompts of its own.

No list of what the model knows is needed: it makes up what a person might ask, and
answers. Training holds the round's output distribution near the base model's there;
a few of the prompts are never trained, and tell how near it stayed. What is made up
is a pure function of the model: the same for every round of it.

It makes up no texts, so it reads those of the round once more (``to_read``).
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from math import ceil

from autolearn import parsing, prompts
from autolearn.ports import Cancelled, Journal
from autolearn.records import (
    Completion,
    Generation,
    Imagined,
    ItemKind,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
    TrainItem,
)
from autolearn.settings import StudySettings, TrainSettings
from autolearn.writing import Ask, Writer, draw_seed, of

PROMPT = "closed_book"
"""How the model is asked what it made up: as it is asked what it learned."""

GAUGE = 32
"""The first so many made-up prompts are never trained: they are the gauge."""

STEP = 64
"""Draws that are made, answered and kept together."""

SHIPPED = "imagined.jsonl"
"""Lies in the folder of a model that comes with what it made up; see ``ship``."""

PROMPT_TOKENS, ANSWER_TOKENS = 48, StudySettings().answer_tokens
"""The most that a made-up prompt and its answer have."""

READING = 1 / 8
"""Items with a text per item that was made up: enough to keep the skill of reading."""

TRIES = 4
"""Draws per prompt wanted, at most: small models repeat themselves."""


def imagine(
    writer: Writer,
    journal: Journal,
    known: Sequence[Imagined],
    n: int,
    report: Callable[[int], None],
) -> list[Imagined]:
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
        found += of(Imagined, journal.step(name, partial(_make, writer, draws, found)))
    return found[:n]


def _make(
    writer: Writer, draws: range, known: Sequence[Imagined]
) -> Sequence[Imagined]:
    """Draw prompts and answer those that are new and not empty."""
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
        Ask((draw, text), prompt.render(question=text), ANSWER_TOKENS)
        for text, draw in new.items()
    ]
    return [
        Imagined(draw, text, generation)
        for (draw, text), generation in writer.write(asks)
        if _answer(generation)
    ]


def shipped(text: str, model: ModelIdentity) -> list[Imagined]:
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
        Imagined(
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


def ship(made: Sequence[Imagined], model: ModelIdentity) -> str:
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


def items(kind: ItemKind, imagined: Sequence[Imagined]) -> list[TrainItem]:
    """Return what was made up as items of a round."""
    return [
        TrainItem(kind, one.generation.request.prompt.chat, _answer(one.generation))
        for one in imagined
        if one.generation
    ]


def in_step(settings: TrainSettings) -> int:
    """Return how many items of replay an optimiser step has, if there are any."""
    made_up = settings.replayed(settings.batch_size)
    return max(1, round((1 + READING) * made_up))


def to_read(asked: Iterable[tuple[str, str]], n: int) -> list[Prompt]:
    """Return at most ``n`` prompts to answer from passages, half of them in vain.

    ``asked``: passages, each with a question that was asked about it. A passage gets
    its own question and that of another one, of which it says nothing: a round
    teaches to answer whatever is asked, and so a model forgets to say that the text
    does not (ARCHITECTURE.md has the numbers).
    """
    of_each = list(dict(asked).items())
    picked = random.Random("to read").sample(of_each, min(len(of_each), ceil(n / 2)))
    others = [question for _, question in picked[1:] + picked[:1]]
    prompt = prompts.load("open_book")
    return [
        prompt.render(passage=text, question=question)
        for (text, own), other in zip(picked, others, strict=True)
        for question in dict.fromkeys((own, other))
    ][:n]


def read(writer: Writer, asked: Sequence[Prompt]) -> list[tuple[TrainItem, Generation]]:
    """Return how the base answers them, as items of a round.

    Raises:
        Cancelled: The person stopped the run.
    """
    asks = [Ask(None, prompt, 2 * ANSWER_TOKENS) for prompt in asked]
    return [
        (TrainItem("replay", generation.request.prompt.chat, answer), generation)
        for _, generation in writer.write(asks)
        if (answer := _answer(generation))
    ]


def _answer(generation: Generation) -> str:
    return parsing.without_thinking(generation.completion.text)
