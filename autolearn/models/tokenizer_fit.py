"""Whether a model's tokenizer knows a text, seen without loading the model.

A tokenizer has pieces for the words that it was made from. Words of a language, or of a
kind of text, that it has hardly seen fall into small pieces; a model reads them poorly.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tokenizers import Tokenizer

from autolearn.containment import run
from autolearn.core.errors import BackendError, ChildFailed
from autolearn.models.foreign import is_contained
from autolearn.models.tokenizer_files import LIMITS, fault, guarded, load

SMALL = 2
"""Bytes (UTF-8) up to which a piece is small."""
DOUBTFUL = 0.3
"""Share of letters in small pieces from which a text counts as hard to read.

Measured: texts that a model was made for have 0.05 to 0.15. English prose has 0.5 with
the built-in model; German has 0.3 with SmolLM2, Finnish 0.5, Russian 0.7, Chinese 1."""
N_CHARACTERS = 2000
"""Characters at the beginning of a text that are checked."""


def small_piece_shares(folder: Path, texts: Sequence[str]) -> list[float]:
    """Return the share of letters of each text that are in small pieces, 0..1.

    Only the beginning of a text is read. A text without letters has none. The tokenizer
    of a foreign model checks them in a child.

    Raises:
        BackendError: The tokenizer is broken.
    """
    beginnings = [text[:N_CHARACTERS] for text in texts]
    if not is_contained(folder):
        return shares_here(str(folder), beginnings)
    try:
        function = f"{__name__}:shares_here"
        shares: list[float] = run(function, folder, beginnings, limits=LIMITS)
    except ChildFailed as error:
        raise BackendError(fault(folder, error)) from error
    return shares


def shares_here(folder: str, texts: Sequence[str]) -> list[float]:
    """Return the same, in this process.

    Raises:
        BackendError: The tokenizer is broken.
    """
    place = Path(folder)
    tokenizer = load(place)
    return [guarded(place, partial(_share, tokenizer, text)) for text in texts]


def _share(tokenizer: Tokenizer, text: str) -> float:
    spans = Counter(tokenizer.encode(text, add_special_tokens=False).offsets)
    n_letters = n_small = 0
    for (start, end), n_pieces in spans.items():
        piece = text[start:end]
        letters = sum(character.isalpha() for character in piece)
        n_letters += letters
        # Several pieces for the same characters are bytes of these.
        if n_pieces > 1 or len(piece.strip().encode()) <= SMALL:
            n_small += letters
    return n_small / n_letters if n_letters else 0.0
