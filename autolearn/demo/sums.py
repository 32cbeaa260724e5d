"""Word problems in two steps: the skill that feedback can mend.

An answer takes each step at once, which a tiny model gets wrong now and then. Feedback
takes it by tens and ones, finds the step that is wrong, and the refined answer follows:
what SELF (arXiv 2310.00533) shows on grade-school mathematics, in small.
"""

import random
from dataclasses import dataclass, replace
from itertools import pairwise

from autolearn.demo.world import World, grammar

HIGHEST = 99


@dataclass(frozen=True)
class Step:
    """One sum or difference, with the result that somebody gave it."""

    before: int
    change: int
    """Added, or taken away if negative; not 0."""
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
    steps: tuple[Step, ...]

    def answer(self, steps: tuple[Step, ...]) -> str:
        """Return the answer that takes these steps."""
        said = " ".join(f"{step}." for step in steps)
        return f"{said} {self.closing.format(n=steps[-1].result)}"


def sign(change: int) -> str:
    """Return the sign between two numbers."""
    return "+" if change > 0 else "-"


def problem(world: World) -> Problem:
    """Return a random problem; all its numbers have at most two digits."""
    rng = world.rng
    story = rng.choice(grammar().stories)
    words = {"e": world.name("person"), "g": rng.choice(grammar().pools["goods"])}
    count = rng.randint(10, 80)
    steps: list[Step] = []
    parts = [story.start.format(n=count, **words)]
    for _ in range(2):
        change = _change(count, rng)
        steps.append(Step(count, change, count + change))
        wordings = story.more if change > 0 else story.less
        parts.append(rng.choice(wordings).format(n=abs(change), **words))
        count += change
    question = f"{' '.join(parts)} {story.question.format(**words)}"
    return Problem(question, story.answer.format(n="{n}", **words), tuple(steps))


def _change(count: int, rng: random.Random) -> int:
    up, down = HIGHEST - count, count - 1
    is_up = up >= 2 and (down < 2 or rng.random() < 0.5)
    return rng.randint(2, min(up, 60)) if is_up else -rng.randint(2, min(down, 60))


def slip(steps: tuple[Step, ...], rng: random.Random) -> tuple[Step, ...]:
    """Return the steps with one wrong result, which later steps go on from."""
    at = rng.randrange(len(steps))
    wrong = steps[at].result
    while wrong == steps[at].truth or not 0 < wrong <= HIGHEST:
        wrong = steps[at].truth + rng.choice((-10, -2, -1, 1, 2, 10))
    slipped = [*steps[:at], replace(steps[at], result=wrong)]
    for step in steps[at + 1 :]:
        before = slipped[-1].result
        result = before + step.change
        slipped.append(Step(before, step.change, max(0, min(HIGHEST, result))))
    return tuple(slipped)


def worked_out(step: Step) -> str:
    """Return a step taken by tens and ones."""
    tens, ones = divmod(abs(step.change), 10)
    stops = [step.before]
    for part in (tens * 10, ones):
        if part:
            stops.append(stops[-1] + (part if step.change > 0 else -part))
    return ", ".join(str(Step(a, b - a, b)) for a, b in pairwise(stops))
