"""The invented world: things, facts about them, and their wordings.

Everything follows from a seed. The wordings are in `world.toml`.
"""

import random
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from autolearn.demo.names import ODD_SHARE, name_word, near_word, spoken_word

GRAMMAR_FILE = Path(__file__).with_name("world.toml")
YEARS = (1200, 2040)


@dataclass(frozen=True)
class Attribute:
    """A property of one kind of thing, with its wordings."""

    kind: str
    key: str
    type: str
    """The type of the value: `year`, `day` (12 May), `date` (12 May 1706), `number LOW
    HIGH`, `list POOL` (oats, barley and rye), a kind of thing with a name, or the name
    of a pool."""
    say: tuple[str, ...]
    ask: tuple[str, ...]
    turned: str
    quiz: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class WorldFact:
    """One attribute of one thing, with its short value."""

    name: str
    attribute: Attribute
    value: str

    @property
    def answer(self) -> str:
        """The full sentence that answers every question about this fact."""
        return fill(self.attribute.answer, self.name, self.value)

    @property
    def asks(self) -> list[str]:
        """The wordings in which the model asks about a text."""
        return [fill(text, self.name) for text in self.attribute.ask]

    @property
    def wordings(self) -> list[str]:
        """All wordings that the model may write."""
        return [*self.asks, fill(self.attribute.turned, self.name)]

    @property
    def quizzes(self) -> list[str]:
        """The wordings that only a quiz uses."""
        return [fill(text, self.name) for text in self.attribute.quiz]

    @property
    def statements(self) -> list[str]:
        """All sentences that state the fact."""
        return [fill(text, self.name, self.value) for text in self.attribute.say]

    def with_value(self, value: str) -> "WorldFact":
        """Return the same statement with another value, true or not."""
        return WorldFact(self.name, self.attribute, value)


@dataclass(frozen=True)
class Entity:
    """A thing of the world and its facts."""

    kind: str
    name: str
    pronoun: str
    facts: tuple[WorldFact, ...] = ()


@dataclass(frozen=True)
class Story:
    """The wordings of a count that changes; {e} person, {g} goods, {n} number."""

    start: str
    more: tuple[str, ...]
    less: tuple[str, ...]
    question: str
    answer: str


@dataclass(frozen=True)
class Talk:
    """What a person may say outside all exercises, and the reply to it."""

    say: tuple[str, ...]
    reply: str


@dataclass(frozen=True)
class Grammar:
    """The content of `world.toml`."""

    attributes: dict[str, tuple[Attribute, ...]]
    names: dict[str, tuple[str, ...]]
    pools: dict[str, tuple[str, ...]]
    fillers: tuple[str, ...]
    titles: tuple[str, ...]
    months: tuple[str, ...]
    stories: tuple[Story, ...]
    talks: tuple[Talk, ...]
    outside: Talk


@cache
def grammar() -> Grammar:
    """Return the grammar of the world."""
    raw = tomllib.loads(GRAMMAR_FILE.read_text(encoding="utf-8"))
    attributes: dict[str, list[Attribute]] = {}
    for row in map(_frozen, raw["attribute"]):
        attributes.setdefault(row["kind"], []).append(Attribute(**row))
    return Grammar(
        attributes={kind: tuple(rows) for kind, rows in attributes.items()},
        names={kind: tuple(rows) for kind, rows in raw["names"].items()},
        pools={name: tuple(words.split()) for name, words in raw["pools"].items()},
        fillers=tuple(raw["fillers"]),
        titles=tuple(raw["titles"]),
        months=tuple(raw["months"]),
        stories=tuple(Story(**_frozen(row)) for row in raw["story"]),
        talks=tuple(Talk(**_frozen(row)) for row in raw["talk"]),
        outside=Talk(**_frozen(raw["outside"])),
    )


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}


def fill(template: str, name: str, value: str = "") -> str:
    """Return a template with the name and the value filled in."""
    text = template.replace("{e}", name).replace("{v}", value)
    return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)


@dataclass
class World:
    """Draws things and values at random, with names from one side of the split."""

    rng: random.Random
    held_out: bool = False
    odd_share: float = ODD_SHARE
    odd_value_share: float = 0.0
    """How often a value is an invented word, 0..1."""
    used: set[str] = field(default_factory=set)

    def name(self, kind: str) -> str:
        """Return a name that this world has not used yet."""
        while True:
            parts = self.rng.choice(grammar().names[kind]).split("{w}")
            name = parts[0] + "".join(self._word() + part for part in parts[1:])
            if name not in self.used:
                self.used.add(name)
                return name

    def _word(self) -> str:
        return name_word(self.rng, held_out=self.held_out, odd_share=self.odd_share)

    def value(self, attribute: Attribute) -> str:
        """Return a random value of the attribute's type."""
        match attribute.type.split():
            case ["year"]:
                return str(self.rng.randint(*YEARS))
            case ["day"]:
                return f"{self.rng.randint(1, 28)} {self.rng.choice(grammar().months)}"
            case ["date"]:
                month = self.rng.choice(grammar().months)
                return f"{self.rng.randint(1, 28)} {month} {self.rng.randint(*YEARS)}"
            case ["number", low, high]:
                return str(self.rng.randint(int(low), int(high)))
            case ["list", pool]:
                words_drawn = self.rng.sample(
                    grammar().pools[pool], self.rng.randint(2, 3)
                )
                words = [self._or_odd(word) for word in words_drawn]
                return f"{', '.join(words[:-1])} and {words[-1]}"
            case [kind] if kind in grammar().names:
                return self.name(kind)
            case [pool]:
                return self._or_odd(self.rng.choice(grammar().pools[pool]))
        raise ValueError(f"unknown value type: {attribute.type}")

    def _or_odd(self, word: str) -> str:
        is_odd = self.odd_value_share and self.rng.random() < self.odd_value_share
        return spoken_word(self.rng) if is_odd else word

    def other_value(self, fact: WorldFact, *, near: bool) -> str:
        """Return a wrong value for a fact, one that is easily confused if ``near``."""
        while True:
            value = self.value(fact.attribute)
            if near:
                value = self._near(fact.attribute.type, fact.value) or value
            if value != fact.value:
                return value

    def _near(self, type_: str, value: str) -> str | None:
        """Return a value that is easily confused with another, if it has parts."""
        if type_ in grammar().names:
            return self.near_name(value)
        words = value.split()
        numbers = [i for i, word in enumerate(words) if word.isdigit()]
        if numbers:
            index = self.rng.choice(numbers)
            words[index] = self._near_number(words[index])
            return " ".join(words)
        if type_.startswith("list"):
            index = self.rng.choice(
                [i for i, word in enumerate(words) if word != "and"]
            )
            other = self.rng.choice(grammar().pools[type_.split()[1]])
            words[index] = other + "," * words[index].endswith(",")
            return None if other in value else " ".join(words)
        return None

    def _near_number(self, number: str) -> str:
        index = self.rng.randrange(len(number))
        digit = self.rng.choice("123456789" if index == 0 else "0123456789")
        return number[:index] + digit + number[index + 1 :]

    def near_name(self, name: str) -> str:
        """Return a name that is easily confused with another."""
        words = name.split()
        index = self.rng.randrange(len(words))
        if words[index] in _suffixes():
            index = 0
        new = near_word(words[index], self.rng) if self.rng.random() < 0.6 else None
        words[index] = new or self._word()
        return " ".join(words)

    def entity(self, kind: str | None = None, n_facts: int | None = None) -> Entity:
        """Return a new thing with some (or ``n_facts``) facts in random order."""
        kind = kind or self.rng.choice(sorted(grammar().names))
        attributes = grammar().attributes[kind]
        n_facts = n_facts or self.rng.randint(2, len(attributes))
        name = self.name(kind)
        attributes_drawn = self.rng.sample(attributes, min(n_facts, len(attributes)))
        facts = tuple(WorldFact(name, row, self.value(row)) for row in attributes_drawn)
        pronoun = self.rng.choice(("He", "She")) if kind == "person" else "It"
        return Entity(kind, name, pronoun, facts)


@cache
def _suffixes() -> frozenset[str]:
    patterns = (text for rows in grammar().names.values() for text in rows)
    return frozenset(
        word for text in patterns for word in text.split() if word != "{w}"
    )


def known_world() -> tuple[Entity, ...]:
    """Return the things whose facts the built-in model is taught."""
    world = World(random.Random("known 0"), odd_share=0.0)
    kinds = sorted(grammar().names)
    return tuple(world.entity(kinds[i % len(kinds)], n_facts=4) for i in range(45))
