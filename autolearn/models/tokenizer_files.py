"""Load the tokenizer of a model; report failures in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tokenizers import Tokenizer

from autolearn.containment import Limits
from autolearn.core.errors import BackendError

T = TypeVar("T")

LIMITS = Limits(seconds=60.0, memory=3 << 30)
"""Limits for loading a tokenizer and encoding a text."""


def load(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model, which neither cuts nor pads.

    Raises:
        BackendError: It is broken.
    """

    def read() -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    return guarded(folder, read)


def guarded(folder: Path, work: Callable[[], T]) -> T:
    """Turn whatever a tokenizer raises into one sentence.

    Raises:
        BackendError: It failed.
    """
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # tokenizers raises panics, which are not Exceptions
        reason = " ".join(str(error).split())[:120]
        raise BackendError(fault(folder, f"fails ({reason})")) from error


def fault(folder: Path, what: object) -> str:
    """Return the sentence that says what a tokenizer does wrong."""
    return f"The tokenizer in {folder} {what}; choose another model."
