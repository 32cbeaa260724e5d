"""Let a model write instructions for its own evolution (Self-Instruct).

Later rounds of SELF (arXiv 2310.00533) answer prompts that nobody wrote. As in
Self-Instruct (arXiv 2212.10560), the model sees a few tasks and writes another; only
what is new is kept.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import ceil

from autolearn.core.constraints import LINE
from autolearn.core.ports import Journal
from autolearn.core.records import Question, Record
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
    draw_seed,
    of_type,
)
from autolearn.text import languages, matching, model_output, sentences

N_SHOWN = 4
"""Tasks that a guided model is shown before it writes another."""
BEGINNING_WORDS = 3
"""Words of a given task that a model trained on the bare prompts continues."""
STEP = 32
"""Draws per committed step."""
TRIES = 8
"""Most draws per instruction that is wanted; small models repeat themselves."""
LONGEST = 1.25
"""Most words of a new task, as a multiple of the longest given one."""
TASK_TOKENS = 160
"""Most new tokens of an instruction."""


def write_instructions(
    generator: Generator,
    journal: Journal,
    pool: Sequence[str],
    n: int,
    report: Callable[[int], None],
) -> list[Question]:
    """Return ``n`` new instructions, or fewer if the model repeats itself.

    Args:
        generator: Writes with the model that is to evolve.
        journal: Commits a step at a time; committed steps are read back.
        pool: All instructions so far.
        n: Number of instructions.
        report: Called with the number of instructions so far.

    Raises:
        Cancelled: The user stopped the run.
    """
    new: list[Question] = []
    for first in range(0, ceil(TRIES * n / STEP) * STEP, STEP):
        draws = range(first, first + STEP)
        if len(new) >= n:
            break
        report(len(new))
        texts = [*pool, *(question.text for question in new)]
        # The name of earlier versions: their unfinished studies continue by it.
        name = f"instructions of its own {draws[0] + 1}-{draws[-1] + 1}"
        new += of_type(
            Question, journal.step(name, partial(_draw, generator, draws, pool, texts))
        )
    return new[:n]


def _draw(
    generator: Generator, draws: Sequence[int], pool: Sequence[str], texts: list[str]
) -> Sequence[Record]:
    """Return the new instructions among some draws."""
    write = _guided if generator.protocol.guided else _continued
    records = []
    for text in write(generator, draws, pool):
        if _is_task(text, pool) and _is_new(generator, text, texts):
            texts.append(text)
            records.append(Question(text, "study", "model"))
    return records


def _is_task(text: str, pool: Sequence[str]) -> bool:
    """Return whether a text has the form of the tasks of a pool: length and end."""
    lengths = [sentences.n_words(task) for task in pool]
    shortest, longest = min(lengths) / 2, LONGEST * max(lengths)
    ends = {task.rstrip()[-1] for task in pool}
    has_length = shortest <= sentences.n_words(text) <= longest
    return has_length and "\n" not in text and text[-1:] in ends


def _is_new(generator: Generator, text: str, texts: Sequence[str]) -> bool:
    """Return whether a text is not a near-duplicate of a known one.

    Self-Instruct requires a ROUGE-L below 0.7. That would leave one word problem of
    each kind, so the threshold is that of duplicate questions.
    """
    limit = generator.settings.duplicate_threshold
    return all(matching.similarity(text, other) < limit for other in texts)


def _guided(
    generator: Generator, draws: Sequence[int], pool: Sequence[str]
) -> Iterator[str]:
    """Yield tasks that the model writes after some that it is shown."""
    requests = [guided_request(generator, pool, draw) for draw in draws]
    for _, generation in generator.write(requests):
        if generation.completion.finish == "stop":
            text = model_output.without_thinking(generation.completion.text)
            yield text.removeprefix("Task:").strip()


def guided_request(
    builder: RequestBuilder, pool: Sequence[str], draw: int
) -> GenerationRequest[int]:
    """Return the request for a task after some of a pool; each draw shows others."""
    rng = random.Random(f"{builder.settings.seed} instructions {draw}")
    sample = rng.sample(pool, min(N_SHOWN, len(pool)))
    tasks = "\n".join(f"Task: {' '.join(text.split())}" for text in sample)
    form = Form("Task:", (" ", LINE), languages.of(tasks), draw + 1)
    values = {"tasks": tasks}
    return builder.request("self_instruct", draw, values, TASK_TOKENS, form)


def _continued(
    generator: Generator, draws: Sequence[int], pool: Sequence[str]
) -> list[str]:
    """Return user turns in which the model continues the first words of a task."""
    rng = random.Random(f"{generator.settings.seed} beginnings {draws[0]}")
    beginnings = [" ".join(rng.choice(pool).split()[:BEGINNING_WORDS]) for _ in draws]
    seeds = [draw_seed(generator.settings.seed, "instructions", draw) for draw in draws]
    return generator.user_turns(seeds, TASK_TOKENS, beginnings)
