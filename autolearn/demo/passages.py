"""Write facts as prose: sections of a Markdown document.

A passage records which sentence states which fact.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from autolearn.demo.world import Entity, World, WorldFact, fill, grammar

PRONOUN_SHARE = 0.45
FILLER_SHARE = 0.12
SAME_KIND_SHARE = 0.4
ONE_KIND_SHARE = 0.6
"""Share of the crowded passages."""
CROWD_SIZES, CROWD_WEIGHTS = (2, 3, 4), (50, 35, 15)


@dataclass(frozen=True)
class Statement:
    """A fact and the sentence of the passage that states it."""

    fact: WorldFact
    sentence: str


@dataclass(frozen=True)
class ProsePassage:
    """A text and the facts that it states, in order."""

    text: str
    statements: tuple[Statement, ...]


def state(
    fact: WorldFact, entity: Entity, rng: random.Random, *, may_use_pronoun: bool
) -> str:
    """Return one sentence that states a fact."""
    template = rng.choice(fact.attribute.say)
    if may_use_pronoun and rng.random() < PRONOUN_SHARE:
        template = re.sub(r"^(The )?\{e\} ", f"{entity.pronoun} ", template)
    return fill(template, fact.name, fact.value)


def paragraph(entities: list[Entity], rng: random.Random) -> ProsePassage:
    """Return a paragraph about the entities, one after the other."""
    sentences: list[str] = []
    statements: list[Statement] = []
    for entity in entities:
        for i, fact in enumerate(entity.facts):
            sentence = state(fact, entity, rng, may_use_pronoun=i > 0)
            statements.append(Statement(fact, sentence))
            sentences.append(sentence)
            if rng.random() < FILLER_SHARE:
                sentences.append(rng.choice(grammar().fillers))
    return ProsePassage(" ".join(sentences), tuple(statements))


def section(entities: list[Entity], rng: random.Random) -> ProsePassage:
    """Return a paragraph under a heading that names the first entity."""
    body = paragraph(entities, rng)
    return ProsePassage(f"## {entities[0].name}\n\n{body.text}", body.statements)


def study_passage(world: World) -> ProsePassage:
    """Return a passage as the app may cut it: sections, with or without headings."""
    return _laid_out(world, lambda: _cast(world))


def crowded_passage(world: World) -> ProsePassage:
    """Return a passage about several similar things, mostly of one kind.

    In an ordinary passage a reader can ignore whom a sentence is about and still do
    well.
    """
    one_kind = world.rng.random() < ONE_KIND_SHARE
    kind = world.rng.choice(sorted(grammar().names)) if one_kind else None
    return _laid_out(world, lambda: _crowd(kind, world))


def _laid_out(world: World, cast: Callable[[], list[Entity]]) -> ProsePassage:
    rng = world.rng
    parts = [section(cast(), rng)]
    shape = rng.random()
    if shape < 0.15:
        parts = [paragraph(cast(), rng)]
    elif shape < 0.3:
        parts.append(section([world.entity(n_facts=rng.randint(2, 4))], rng))
    text = "\n\n".join(part.text for part in parts)
    if 0.25 < shape < 0.5:
        text = f"# {rng.choice(grammar().titles)}\n\n{text}"
    return ProsePassage(text, tuple(row for part in parts for row in part.statements))


def _cast(world: World) -> list[Entity]:
    """Return one to three things; those of one kind are the hardest to distinguish."""
    rng = world.rng
    cast = [world.entity(n_facts=rng.randint(2, 5))]
    for _ in range(rng.choices((0, 1, 2), weights=(65, 25, 10))[0]):
        kind = cast[0].kind if rng.random() < SAME_KIND_SHARE else None
        cast.append(world.entity(kind, n_facts=rng.randint(1, 3)))
    return cast


def _crowd(kind: str | None, world: World) -> list[Entity]:
    n_things = world.rng.choices(CROWD_SIZES, weights=CROWD_WEIGHTS)[0]
    most = 8 // n_things
    return [
        world.entity(kind, n_facts=world.rng.randint(2, most)) for _ in range(n_things)
    ]
