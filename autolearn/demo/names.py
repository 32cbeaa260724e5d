"""Invent names that no text has used before.

A name word has two syllables, each of them one token. One word in eight, by a stable
hash, is held out: training never sees it, so it is new to the model.
"""

import random
import string
import zlib
from collections.abc import Iterable

HELD_OUT_SHARE = 8
ODD_SHARE = 0.5

N_SYLLABLES = 220
ONSETS = (*"bdfghjklmnprstvz", "br", "dr", "gr", "kr", "pl", "tr", "st")

CONSONANTS: tuple[str, ...] = (
    *"bcdfghjklmnpqrstvwxyz",
    "ch",
    "sh",
    "ck",
    "ll",
    "nn",
    "qu",
    "wh",
)
VOWELS: tuple[str, ...] = (*"aeiouy", "ee", "ie", "au", "ou")
ACCENTED_LETTERS: tuple[str, ...] = (*"äöüéøáî",)
OPENINGS: tuple[str, ...] = (
    *"bcdfghjklmnprstvwyz",
    *("bl", "br", "ch", "cl", "cr", "dr", "fl", "gl", "gr", "kn", "pl", "pr", "qu"),
    *("sc", "sh", "sl", "sm", "sn", "sp", "st", "str", "sw", "th", "thr", "tr", "wh"),
    "",
)
MIDDLES: tuple[str, ...] = (*"aeiouaeiouy", "ai", "ea", "ee", "ie", "oa", "oo", "ou")
CLOSINGS: tuple[str, ...] = (
    *("", "", "", "", "l", "m", "n", "r", "s", "t", "d", "ck", "ld", "ll", "lt", "mp"),
    *("nd", "ng", "nn", "nt", "rd", "rl", "rn", "rt", "ss", "st", "tch", "x", "w"),
)
"""Parts of syllables as in European names and English words."""
ACCENT_SHARE = 0.05
"""Share of accented syllables in odd words. An accent is two tokens, and rare."""

_rng = random.Random(20240606)


def _syllables(onsets: Iterable[str], codas: Iterable[str]) -> tuple[str, ...]:
    every = [a + v + c for a in onsets for v in "aeiou" for c in codas]
    return tuple(sorted(_rng.sample(every, N_SYLLABLES)))


FIRST_SYLLABLES = _syllables([onset.title() for onset in ONSETS], "lnrsm")
LAST_SYLLABLES = _syllables("bdfghklmnprtvz", ("", "n", "k", "s", "th", "r"))


def is_held_out(word: str) -> bool:
    """Return whether a name word is held out from training."""
    return zlib.crc32(word.encode()) % HELD_OUT_SHARE == 0


def name_word(rng: random.Random, *, held_out: bool, odd_share: float = 0.0) -> str:
    """Return a random name word from one side of the split.

    Args:
        rng: The random generator.
        held_out: Which side of the split to draw from.
        odd_share: How often the word is a random row of letters, 0..1.
    """
    while True:
        if rng.random() < odd_share:
            word = _odd_word(rng)
        else:
            word = rng.choice(FIRST_SYLLABLES) + rng.choice(LAST_SYLLABLES)
        if len(word) > 1 and is_held_out(word) == held_out:
            return word


def _odd_word(rng: random.Random) -> str:
    """Return a word as a person may invent it: any letters, any length."""
    draw = rng.random()
    if draw < 0.2:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 7))).title()
    if draw < 0.5:
        return spoken_word(rng).title()
    if draw < 0.6:
        tail = rng.choices(LAST_SYLLABLES, k=rng.choice((0, 2)))
        return rng.choice(FIRST_SYLLABLES) + "".join(tail)
    word = "".join(_odd_syllable(rng) for _ in range(rng.randint(2, 4)))
    word = (word[rng.randrange(2) :] + rng.choice(("", "", "n", "s", "t", "x"))).title()
    if draw < 0.95:
        return word
    return rng.choice(FIRST_SYLLABLES) + rng.choice("-'") + word


def spoken_word(rng: random.Random) -> str:
    """Return one to three pronounceable syllables in lower case."""
    parts = (OPENINGS, MIDDLES, CLOSINGS)
    n_syllables = rng.choices((1, 2, 3), weights=(30, 60, 10))[0]
    return "".join(rng.choice(part) for _ in range(n_syllables) for part in parts)


def _odd_syllable(rng: random.Random) -> str:
    vowels = ACCENTED_LETTERS if rng.random() < ACCENT_SHARE else VOWELS
    return rng.choice(CONSONANTS) + rng.choice(vowels)


def near_word(word: str, rng: random.Random) -> str:
    """Return a word that differs from ``word`` in one syllable or one letter."""
    first = next((s for s in FIRST_SYLLABLES if word.startswith(s)), None)
    while True:
        if first and rng.random() < 0.5:
            candidate = first + rng.choice(LAST_SYLLABLES)
        elif first and len(word) > len(first):
            candidate = rng.choice(FIRST_SYLLABLES) + word[len(first) :]
        else:
            position = rng.randrange(1, len(word))
            letter = rng.choice(string.ascii_lowercase)
            candidate = word[:position] + letter + word[position + 1 :]
        if candidate != word:
            return candidate
