"""Words under which texts are found, and BM25 over a few texts in memory."""

import math
from collections import Counter
from collections.abc import Sequence

from autolearn.text import matching

SATURATION = 1.2
"""k1: how fast repeated occurrences of a word stop raising the score."""
LENGTH_SHARE = 0.75
"""b: how much the score is normalised by the length of the text, 0..1."""


def bm25(question: str, texts: Sequence[str]) -> list[float]:
    """Return the BM25 score of each text for a question; 0 if no word is shared."""
    words = [Counter(matching.words(text)) for text in texts]
    mean = sum(bag.total() for bag in words) / max(1, len(words))
    query = set(matching.words(question))
    weight = {
        word: _weight(sum(word in bag for bag in words), len(words)) for word in query
    }
    return [
        sum(weight[word] * _share(bag, word, mean) for word in query if word in bag)
        for bag in words
    ]


def _weight(n_with: int, n_all: int) -> float:
    """Return the inverse document frequency of a word."""
    return math.log(1 + (n_all - n_with + 0.5) / (n_with + 0.5))


def _share(bag: Counter[str], word: str, mean: float) -> float:
    length = 1 - LENGTH_SHARE + LENGTH_SHARE * bag.total() / mean
    return bag[word] * (SATURATION + 1) / (bag[word] + SATURATION * length)


def passage_words(heading: str, text: str) -> str:
    """Return the words under which the full-text index of a workspace has a passage.

    Words are as in scores, so scripts without spaces can be searched too.
    """
    return matching.normalise(f"{heading} {text}")
