"""Raw texts that are longer than an item of a round may be.

A text is learned in parts, each cut where a passage would be. An answer cannot be cut,
so any other item that is too long is left out.
"""

from dataclasses import replace
from math import ceil

from autolearn.core.records import TrainItem
from autolearn.text import chunking
from autolearn.text.chunking import CountTokens


def parts(item: TrainItem, count_tokens: CountTokens, most: int) -> list[TrainItem]:
    """Return a raw text in parts of at most ``most`` tokens, any other item alone.

    ``count_tokens``: counts as the model reads a raw text, with its start token.
    """
    if item.kind != "text" or count_tokens(item.chosen) <= most:
        return [item]
    texts = [part.text for part in chunking.split(item.chosen, count_tokens, most)]
    return [replace(item, chosen=text) for text in texts if text.strip()]


def sizes(item: TrainItem, n_tokens: int, most: int) -> list[int]:
    """Return about how many tokens each part of an item of ``n_tokens`` has."""
    n_parts = max(1, ceil(n_tokens / most)) if item.kind == "text" else 1
    return [ceil(n_tokens / n_parts)] * n_parts
