"""Dataclasses are written as JSON values, and values of any version are read."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autolearn.core.codec import EXTRA, decode, encode, stored_as


@dataclass(frozen=True)
class Part:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Whole:
    part: Part
    parts: tuple[Part, ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    n: int = 3
    parent: int | None = None
    after: int | None = field(default=None, metadata=EXTRA)
    devices: int = field(default=1, metadata=EXTRA)
    folder: Path | None = None


WHOLE = Whole(
    Part("a", 0.5),
    (Part("b"), Part("c")),
    (("x", 1),),
    {"k": "v"},
    4,
    7,
    after=8,
    devices=2,
    folder=Path("a/b"),
)


def test_what_is_written_is_read_back():
    assert decode(Whole, json.loads(json.dumps(encode(WHOLE)))) == WHOLE


def test_an_extra_field_has_no_key_while_it_has_its_default():
    values = encode(Whole(Part("a")))
    assert "after" not in values
    assert "devices" not in values
    assert values["parent"] is None
    assert values["n"] == 3
    assert encode(WHOLE)["devices"] == 2


def test_unknown_keys_are_ignored_and_missing_ones_get_their_default():
    read = decode(Whole, {"part": {"name": "a", "gone": 1}, "later": {"x": 1}})
    assert read == Whole(Part("a"))


def test_null_where_there_must_be_a_value_counts_as_missing():
    assert decode(Whole, {"part": {"name": "a"}, "n": None, "parts": None}).n == 3


@pytest.mark.parametrize("values", [{}, {"part": None}, {"part": {}}])
def test_a_field_that_has_no_default_must_be_there(values):
    with pytest.raises(KeyError, match=r"(Whole|Part) needs (part|name)"):
        decode(Whole, values)


@dataclass(frozen=True)
class Renamed:
    corpus_ids: tuple[int, ...] = field(default=(), metadata=stored_as("corpora"))
    name: str | None = field(default=None, metadata=EXTRA | stored_as("title"))


def test_a_renamed_field_keeps_its_stored_key():
    assert encode(Renamed((1,))) == {"corpora": (1,)}
    assert encode(Renamed(name="a")) == {"corpora": (), "title": "a"}
    assert decode(Renamed, {"corpora": [1, 2], "title": "a"}) == Renamed((1, 2), "a")
    assert decode(Renamed, {"corpus_ids": [1]}) == Renamed()
