"""Read quizzes, instructions and meta-skill examples in a child.

The page and the command line read these files at once, without the reader process.
"""

from pathlib import Path
from typing import Any

from autolearn.containment import Limits, run
from autolearn.core import codec
from autolearn.core.errors import ChildFailed, InputError
from autolearn.core.gold import GoldQuestion, MetaExample


def quiz(path: Path) -> list[GoldQuestion]:
    """Return the questions of a file; see ``quiz_files.read``.

    Raises:
        InputError: The file cannot be read, or a row cannot be used.
    """
    rows = _in_child("autolearn.ingest.quiz_files:read", path)
    return [codec.decode(GoldQuestion, row) for row in rows]


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return prompts with their answers; see ``gold_files.read_instructions``.

    Raises:
        InputError: A line is not an instruction.
    """
    rows = _in_child("autolearn.ingest.gold_files:read_instructions", path)
    return [(prompt, answer) for prompt, answer in rows]


def meta(path: Path) -> list[MetaExample]:
    """Return meta-skill examples; see ``gold_files.read_meta``.

    Raises:
        InputError: A line is not such an example.
    """
    rows = _in_child("autolearn.ingest.gold_files:read_meta", path)
    return [codec.decode(MetaExample, row) for row in rows]


def _in_child(function: str, path: Path) -> Any:
    size = path.stat().st_size if path.is_file() else 0
    limits = Limits.for_bytes(size, seconds=20.0, memory_per_byte=20)
    try:
        return run(function, path, limits=limits)
    except ChildFailed as error:
        raise InputError(f"{path.name} {error}; split it.") from error
