"""Find the passages that a question is about, by the words they share (BM25)."""

import math
from collections import Counter
from collections.abc import Sequence

from autolearn.core.records import Passage
from autolearn.text import matching

SATURATION = 1.2
"""How soon a word that is said again tells nothing new (k1)."""
LENGTH_SHARE = 0.75
"""How far a long passage is held to be long, 0..1 (b)."""
NEAR = 0.5
"""Share of the best score below which a passage would only distract."""


def best(
    question: str, passages: Sequence[Passage], most: int = 3, tokens: int = 512
) -> list[Passage]:
    """Return the passages that fit a question best, the best first.

    At most so many, and together no longer than ``tokens``. Those that share no word
    with the question, or far fewer than the best one, are left out.
    """
    found = sorted(
        zip(bm25(question, _texts(passages)), passages, strict=True),
        key=lambda scored: -scored[0],
    )
    chosen: list[Passage] = []
    for score, passage in found[:most]:
        room = tokens - sum(one.n_tokens for one in chosen)
        if score > 0 and score >= NEAR * found[0][0] and passage.n_tokens <= room:
            chosen.append(passage)
    return chosen


def _texts(passages: Sequence[Passage]) -> list[str]:
    return [f"{passage.heading} {passage.text}" for passage in passages]


def bm25(question: str, texts: Sequence[str]) -> list[float]:
    """Return the BM25 score of each text for a question; 0 where no word is shared."""
    words = [Counter(matching.normalise(text).split()) for text in texts]
    mean = sum(bag.total() for bag in words) / max(1, len(words))
    asked = set(matching.normalise(question).split())
    weight = {
        word: _weight(sum(word in bag for bag in words), len(words)) for word in asked
    }
    return [
        sum(weight[word] * _share(bag, word, mean) for word in asked if word in bag)
        for bag in words
    ]


def _weight(n_with: int, n_all: int) -> float:
    """Return what a word tells: the rarer, the more."""
    return math.log(1 + (n_all - n_with + 0.5) / (n_with + 0.5))


def _share(bag: Counter[str], word: str, mean: float) -> float:
    length = 1 - LENGTH_SHARE + LENGTH_SHARE * bag.total() / mean
    return bag[word] * (SATURATION + 1) / (bag[word] + SATURATION * length)
