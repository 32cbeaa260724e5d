"""Whether a model's tokenizer knows a text, seen without loading the model.

A tokenizer has pieces for the words that it was made from. Words of a language, or of a
kind of text, that it has hardly seen fall into small pieces; a model reads them poorly.
"""

from collections import Counter
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

SMALL = 2
"""Bytes (UTF-8) up to which a piece is small."""
DOUBTFUL = 0.3
"""Share of letters in small pieces from which a text counts as hard to read.

Measured: texts that a model was made for have 0.05 to 0.15. English prose has 0.5 with
the built-in model; German has 0.3 with SmolLM2, Finnish 0.5, Russian 0.7, Chinese 1."""
N_CHARACTERS = 2000
"""So much of a text is looked at."""


def small_piece_share(folder: Path, text: str) -> float:
    """Return the share of letters of a text that lie in small pieces, 0..1.

    Only the beginning of the text is read. A text without letters has none.
    """
    text = text[:N_CHARACTERS]
    encoding = _tokenizer(folder, _changed_at(folder)).encode(
        text, add_special_tokens=False
    )
    spans = Counter(encoding.offsets)
    n_letters = n_small = 0
    for (start, end), n_pieces in spans.items():
        piece = text[start:end]
        letters = sum(character.isalpha() for character in piece)
        n_letters += letters
        # Several pieces for the same characters are bytes of these.
        if n_pieces > 1 or len(piece.strip().encode()) <= SMALL:
            n_small += letters
    return n_small / n_letters if n_letters else 0.0


def _changed_at(folder: Path) -> int:
    return (folder / "tokenizer.json").stat().st_mtime_ns


@lru_cache(maxsize=2)
def _tokenizer(folder: Path, changed_at: int) -> Tokenizer:
    """Return the tokenizer of a folder, read anew when its file has changed."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
