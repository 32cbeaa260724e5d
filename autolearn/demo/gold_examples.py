"""A corpus of the invented world: texts and answers that no model can know."""

import random

from autolearn.core.gold import GoldExample
from autolearn.demo.passages import study_passage
from autolearn.demo.world import World

NAME = "invented world"
N_PASSAGES = 160


def examples(seed: int = 0, n_passages: int = N_PASSAGES) -> list[GoldExample]:
    """Return one example for each fact in the passages of a seed.

    The names are from the side of the world that the demo library does not use.
    """
    rng = random.Random(f"meta-skill corpus {seed}")
    world = World(rng)
    return [
        GoldExample(
            passage.text,
            rng.choice(statement.fact.asks),
            statement.fact.value,
            sentence=statement.fact.answer,
            evidence=statement.sentence,
        )
        for passage in (study_passage(world) for _ in range(n_passages))
        for statement in passage.statements
    ]
