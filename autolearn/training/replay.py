"""Generate the replay items that keep a round close to the base model.

No list of what the model knows is needed. The model generates instructions, which are
what a person might write to it, and answers them (Self-Instruct). Training keeps the
output distribution of the round close to the base model's on these items. A few of them
are never trained on and measure the drift. The items are a pure function of the model,
so all rounds of a model share them.

Generated instructions bring neither texts nor feedback. The model therefore reads the
texts of the round again (``read``), and checks and corrects its own answers
(``self_checks``). How many of each a round gets is decided in ``training.replay_plan``.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from heapq import nlargest
from math import ceil
from typing import TypeVar

from autolearn.core.model_calls import Generation
from autolearn.core.ports import Journal
from autolearn.core.records import GeneratedInstruction, ItemKind, TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.metaskills.items import Skill, skill_of, skill_of_prompt
from autolearn.study import prompts
from autolearn.study.answers import open_book_requests
from autolearn.study.fact_questions import about_sentence
from autolearn.study.feedback import is_judged_wrong
from autolearn.study.generation import GenerationRequest, Generator, draw_seed, of_type
from autolearn.study.grounding import TextQuestion, passage_text
from autolearn.study.questions import listing, rewording
from autolearn.text import matching, model_output, sentences
from autolearn.training.replay_plan import CRITIC, RereadText

T = TypeVar("T")

PROMPT = "closed_book"
"""The prompt that generated instructions are answered with: for learned knowledge."""

N_PROBE = 32
"""The first so many instructions are held out. They form the drift probe."""

STEP = 64
"""Draws per committed step."""

SAME = 16
"""Most instructions kept with the same answer."""

STAGE = "generated instructions"
"""Names of committed steps begin with it."""

SEED_WORD = "imagined"
"""Part of the seed of each draw, an older name of the instructions. Another word would
give other instructions than the pools of workspaces and models hold."""

INSTRUCTION_TOKENS, ANSWER_TOKENS = 48, 48
"""Most tokens of a generated instruction and of its answer. More items are worth more
than longer ones, and small models do not always find an end."""

TRIES = 8
"""Most draws per instruction needed. Half of them are guesses, and small models repeat
themselves."""


def generate_instructions(
    writer: Generator,
    journal: Journal,
    pool: Sequence[GeneratedInstruction],
    n: int,
    report: Callable[[int], None],
) -> list[GeneratedInstruction]:
    """Return the first ``n`` instructions that a model generates, or fewer.

    A model that repeats itself ends before the last one.

    Args:
        writer: Generates with the base model.
        journal: Commits new items, a step at a time.
        pool: Items made before, in order of draws.
        n: Number of items.
        report: Called with the number of items so far.

    Raises:
        Cancelled: The user stopped the run.
    """
    end = ceil(TRIES * n / STEP) * STEP
    earlier = [item for item in pool if item.draw < end]
    begin = (earlier[-1].draw // STEP + 1) * STEP if earlier else 0
    items = [item for item in earlier if tells_more(item.text, item.generation)]
    for first in range(begin, end, STEP):
        if len(items) >= n:
            break
        report(len(items))
        draws = range(first, first + STEP)
        name = f"{STAGE} {first + 1}-{first + STEP}"
        items += of_type(
            GeneratedInstruction,
            journal.step(name, partial(_make, writer, draws, items)),
        )
    return items[:n]


def _make(
    writer: Generator, draws: range, pool: Sequence[GeneratedInstruction]
) -> Sequence[GeneratedInstruction]:
    """Draw instructions, answer the new ones, and return the items worth keeping.

    Guesses are dropped, and so are answers that only repeat their instruction, or that
    ``SAME`` other items already have.
    """
    seeds = [draw_seed(0, SEED_WORD, draw) for draw in draws]
    drawn_texts = writer.part(0.0, 0.5).user_turns(seeds, INSTRUCTION_TOKENS)
    texts_so_far = {"", *(item.text for item in pool)}
    new: dict[str, int] = {}
    for draw, text in zip(draws, drawn_texts, strict=True):
        if text not in texts_so_far:
            new.setdefault(text, draw)
    prompt = prompts.load(PROMPT)
    requests = [
        GenerationRequest((draw, text), prompt.render(question=text), ANSWER_TOKENS)
        for text, draw in new.items()
    ]
    pairs = [
        ((draw, text), generation)
        for (draw, text), generation in write_non_empty(writer.part(0.5, 1.0), requests)
        if tells_more(text, generation)
    ]
    counts = Counter(_answer(item.generation) for item in pool if item.generation)
    new_items = []
    for (draw, text), generation in more_confident(writer, pairs, ceil(len(pairs) / 2)):
        counts[_answer(generation)] += 1
        if counts[_answer(generation)] <= SAME:
            new_items.append(GeneratedInstruction(draw, text, generation))
    return new_items


def tells_more(instruction: str, generation: Generation | None) -> bool:
    """Return whether an answer has words that its instruction has not.

    A small model often only repeats a question that it cannot answer ("The ship sank
    after it hit an iceberg."), and is sure of it. Replay must not hold it to that.
    """
    answer = _answer(generation) if generation else ""
    return bool(matching.key_terms(instruction, answer))


def more_confident(
    writer: Generator, answered: Sequence[tuple[T, Generation]], n: int
) -> list[tuple[T, Generation]]:
    """Return the ``n`` answers with the highest confidence, in the order given.

    More of them, where several have the confidence of the last one.
    """
    confidences = writer.backend.confidence(
        [generation.request.prompt.chat for _, generation in answered],
        [_answer(generation) for _, generation in answered],
    )
    least = min(nlargest(n, confidences), default=0.0)
    return [
        row for row, value in zip(answered, confidences, strict=True) if value >= least
    ]


def items(
    kind: ItemKind, instructions: Sequence[GeneratedInstruction]
) -> list[TrainItem]:
    """Return generated instructions as training items."""
    return [
        TrainItem(kind, item.generation.request.prompt.chat, _answer(item.generation))
        for item in instructions
        if item.generation
    ]


def taught_skills(items: Iterable[TrainItem]) -> frozenset[Skill]:
    """Return the skills of a study that items teach.

    Replay must not hold a round to the old behaviour in skills that it changes.
    """
    skills = {skill for item in items if item.teaches and (skill := skill_of(item))}
    return frozenset(skills | CRITIC if skills & CRITIC else skills)


def without_skills(
    generations: Iterable[Generation], skills: Collection[Skill]
) -> list[Generation]:
    """Return the generations of the base model that use none of these skills."""
    return [
        generation
        for generation in generations
        if skill_of_prompt(generation.request.prompt.name) not in skills
    ]


def in_step(settings: TrainSettings, n_new: int, n_replay: int) -> int:
    """Return how many replay items an optimiser step takes to spread them evenly."""
    if not n_replay:
        return 0
    per_epoch = n_replay / settings.replay_epochs(n_new)
    return max(1, round(settings.batch_size * per_epoch / n_new))


def read(writer: Generator, texts: Sequence[RereadText]) -> list[Generation]:
    """Let the base ask about texts, answer from them and compare, each for an item.

    It also rewords its question to each text.

    Raises:
        Cancelled: The user stopped the run.
    """
    own_questions = [_about(writer, text, text.question) for text in texts]
    requests = open_book_requests(writer, own_questions)
    # About a fifth of all requests.
    open_book = write_non_empty(writer.part(0.0, 0.2), requests)
    others = (text for text in texts if text.other != text.question)
    other_questions = [_about(writer, text, text.other) for text in others]
    requests = open_book_requests(writer, other_questions)
    for text in texts:
        requests.append(_asking(writer, text))
        requests.append(rewording(writer, text.question, text.passage.text, text))
    # Guided models give verdicts as probabilities, not as text.
    if not writer.protocol.guided:
        requests += _comparing(writer, open_book)
    others_written = write_non_empty(writer.part(0.2, 1.0), requests)
    return [generation for _, generation in (*open_book, *others_written)]


def _about(
    writer: Generator, text: RereadText, question: str
) -> TextQuestion[RereadText]:
    return TextQuestion(text, passage_text(writer, text.passage), question)


def _asking(writer: Generator, text: RereadText) -> GenerationRequest[RereadText]:
    """Return the request for questions about a text."""
    plain = text.passage.text
    if not writer.protocol.guided:
        return listing(writer.settings, plain, text)
    all_sentences = sentences.of(plain)
    sentence = random.Random(plain).choice(all_sentences).text if all_sentences else ""
    passage = passage_text(writer, text.passage)
    return about_sentence(writer, text, passage, sentence or plain, sentence or plain)


def _comparing(
    writer: Generator, open_book: Sequence[tuple[RereadText, Generation]]
) -> Iterator[GenerationRequest[RereadText]]:
    """Yield requests to compare answers; every second answer is right."""
    compare = prompts.load("feedback")
    for index, (text, generation) in enumerate(open_book):
        reference = model_output.answer(_answer(generation))
        prompt = compare.render(
            passage=text.passage.text,
            question=text.question,
            reference=reference,
            answer=text.answer if index % 2 else reference,
        )
        yield GenerationRequest(text, prompt, writer.settings.feedback_tokens)


def self_checks(
    writer: Generator,
    library: Sequence[str],
    instructions: Sequence[GeneratedInstruction],
) -> list[Generation]:
    """Let the base check its own answers and correct wrong ones, each for an item.

    These are the skills of SELF (arXiv 2310.00533), which no round should lose. The
    answers themselves are not used as items, since the round may have to change them.

    Raises:
        Cancelled: The user stopped the run.
    """
    answer, check, refine = map(prompts.load, (PROMPT, "feedback_free", "refine_free"))
    settings = writer.settings
    requests = [
        GenerationRequest(text, answer.render(question=text), settings.answer_tokens)
        for text in library
    ]
    attempts = [
        (text, _answer(generation))
        for text, generation in write_non_empty(writer.part(0.0, 0.4), requests)
    ]
    attempts += [(o.text, _answer(o.generation)) for o in instructions if o.generation]
    to_judge = [
        GenerationRequest(
            (question, attempt),
            check.render(question=question, answer=attempt),
            settings.feedback_tokens,
        )
        for question, attempt in attempts
    ]
    checks = write_non_empty(writer.part(0.4, 0.8), to_judge)
    to_refine = [
        GenerationRequest(
            question,
            refine.render(
                question=question, answer=attempt, feedback=_answer(critique)
            ),
            settings.answer_tokens,
        )
        for (question, attempt), critique in checks
        if is_judged_wrong(model_output.verdict(_answer(critique)))
    ]
    refined = write_non_empty(writer.part(0.8, 1.0), to_refine)
    return [generation for _, generation in (*checks, *refined)]


def write_non_empty(
    writer: Generator, requests: Sequence[GenerationRequest[T]]
) -> list[tuple[T, Generation]]:
    """Write texts, and return those that are not empty."""
    return [
        (subject, generation)
        for subject, generation in writer.write(requests)
        if _answer(generation)
    ]


def as_item(generation: Generation) -> TrainItem:
    """Return what the base model wrote as a training item."""
    # Worked examples are left out, and so is the given beginning, which the answer
    # repeats.
    user_turns = [m for m in generation.request.prompt.chat if m.role == "user"][-1:]
    rules = [m for m in generation.request.prompt.chat if m.role == "system"]
    return TrainItem("replay", (*rules, *user_turns), _answer(generation))


def _answer(generation: Generation) -> str:
    return model_output.without_thinking(generation.completion.text)
