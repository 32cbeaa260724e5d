"""Keep the state of a round on disk, whole or not at all.

No random state: order, warm-up and decay follow from the step, and nothing else is
left to chance.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

_KEPT = 2
_STATE = "state.pt"


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, which takes its place only when all went well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def save(checkpoints: Path, step: int, state: dict[str, Any]) -> None:
    """Keep the state after ``step`` steps, and drop all but the newest two."""
    with written_whole(checkpoints / f"step-{step}") as draft:
        torch.save(state, draft / _STATE)
    for folder in _newest_first(checkpoints)[_KEPT:]:
        shutil.rmtree(folder)


def newest(checkpoints: Path) -> tuple[int, dict[str, Any]] | None:
    """Return step and state of the newest checkpoint, None when there is none."""
    for folder in _newest_first(checkpoints):
        # weights_only: tensors and plain values; a checkpoint cannot run code.
        state = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
        return _step(folder), state
    return None


def clear(checkpoints: Path) -> None:
    """Remove all checkpoints of a round that is done."""
    for folder in _newest_first(checkpoints):
        shutil.rmtree(folder)


def _newest_first(checkpoints: Path) -> list[Path]:
    return sorted(checkpoints.glob("step-*"), key=_step, reverse=True)


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))
