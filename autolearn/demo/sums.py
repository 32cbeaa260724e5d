"""Word problems in two steps, which show what feedback can correct.

The model answers like a pupil who forgets to carry: if a step crosses a ten, the
tens mostly stay as they were. Its feedback repeats each step and finds the wrong one,
and the refined answer follows. This is what SELF (arXiv 2310.00533) shows on
grade-school mathematics, on a small scale.
"""

import random
from dataclasses import dataclass, replace

from autolearn.demo.world import World, grammar

HIGHEST, LARGEST_CHANGE = 29, 9
"""Few enough sums for a tiny model to learn them all."""
ERRORS = (-10, -10, -2, -1, 1, 2, 10, 10)
FORGET_SHARE = 0.75
"""Share of the steps that cross a ten which are wrong in the taught answers."""


@dataclass(frozen=True)
class SumStep:
    """One sum or difference with its result, which may be wrong."""

    before: int
    change: int
    """The number added; subtracted if negative; not 0."""
    result: int

    @property
    def truth(self) -> int:
        """The right result."""
        return self.before + self.change

    def __str__(self) -> str:
        return f"{self.before} {sign(self.change)} {abs(self.change)} = {self.result}"


@dataclass(frozen=True)
class Problem:
    """A question about a count that changes twice, and its right answer."""

    question: str
    closing: str
    """The last sentence of an answer, with {n} for the count."""
    steps: tuple[SumStep, ...]

    def answer(self, steps: tuple[SumStep, ...]) -> str:
        """Return the answer with these steps."""
        sentences = " ".join(f"{step}." for step in steps)
        return f"{sentences} {self.closing.format(n=steps[-1].result)}"


def sign(change: int) -> str:
    """Return the sign between two numbers."""
    return "+" if change > 0 else "-"


def problem(world: World) -> Problem:
    """Return a random problem; all its numbers have at most two digits."""
    rng = world.rng
    story = rng.choice(grammar().stories)
    words = {"e": world.name("person"), "g": rng.choice(grammar().pools["goods"])}
    count = rng.randint(3, 25)
    steps: list[SumStep] = []
    parts = [story.start.format(n=count, **words)]
    for _ in range(2):
        change = _change(count, rng)
        steps.append(SumStep(count, change, count + change))
        wordings = story.more if change > 0 else story.less
        parts.append(rng.choice(wordings).format(n=abs(change), **words))
        count += change
    question = f"{' '.join(parts)} {story.question.format(**words)}"
    return Problem(question, story.answer.format(n="{n}", **words), tuple(steps))


def _change(count: int, rng: random.Random) -> int:
    up, down = (min(LARGEST_CHANGE, room) for room in (HIGHEST - count, count - 1))
    is_up = up >= 2 and (down < 2 or rng.random() < 0.5)
    return rng.randint(2, up) if is_up else -rng.randint(2, down)


def carelessly(steps: tuple[SumStep, ...], rng: random.Random) -> tuple[SumStep, ...]:
    """Return the steps of somebody who mostly forgets to carry."""
    results: list[SumStep] = []
    for step in steps:
        before = results[-1].result if results else step.before
        result = before + step.change
        crosses = result // 10 != before // 10
        if result < 0 or (crosses and rng.random() < FORGET_SHARE):
            result = before // 10 * 10 + result % 10
        results.append(SumStep(before, step.change, result))
    return tuple(results)


def slip(steps: tuple[SumStep, ...], rng: random.Random) -> tuple[SumStep, ...]:
    """Return the steps with one wrong result, from which later steps continue."""
    position = rng.randrange(len(steps))
    least = min(step.truth for step in steps[position:])
    error = rng.choice([e for e in ERRORS if least + e >= 0])
    wrong = replace(steps[position], result=steps[position].truth + error)
    later_steps = (
        replace(step, before=step.before + error, result=step.result + error)
        for step in steps[position + 1 :]
    )
    return (*steps[:position], wrong, *later_steps)
