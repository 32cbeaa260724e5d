"""Write samples, training items and adapters in formats that other programs read."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from autolearn.core import atomic
from autolearn.core.errors import InputError
from autolearn.core.model_calls import Chat
from autolearn.core.records import Sample, TrainItem
from autolearn.export import model_card
from autolearn.metaskills.items import skill_of

Row = dict[str, Any]


def _chat(sample: Sample) -> Row:
    return {
        "messages": [
            {"role": "user", "content": sample.prompt},
            {"role": "assistant", "content": sample.chosen},
        ]
    }


def _preference(sample: Sample) -> Row | None:
    if sample.chosen == sample.rejected:
        return None
    return {
        "prompt": [{"role": "user", "content": sample.prompt}],
        "chosen": [{"role": "assistant", "content": sample.chosen}],
        "rejected": [{"role": "assistant", "content": sample.rejected}],
    }


FORMATS: dict[str, Callable[[Sample], Row | None]] = {
    "chat": _chat,
    "preference": _preference,
}
"""Functions that turn an approved sample into a row, by format; None for none."""


def _turns(chat: Chat) -> list[Row]:
    """Return the turns before the answer; a given beginning is part of the answer."""
    if chat and chat[-1].role == "assistant":
        chat = chat[:-1]
    return [{"role": turn.role, "content": turn.content} for turn in chat]


def _answer_row(text: str) -> Row:
    return {"role": "assistant", "content": text}


def _item_chat(item: TrainItem) -> Row | None:
    if item.kind != "sft":
        return None
    return {"messages": [*_turns(item.chat), _answer_row(item.chosen)]}


def _item_preference(item: TrainItem) -> Row | None:
    if item.kind != "dpo":
        return None
    return {
        "prompt": _turns(item.chat),
        "chosen": [_answer_row(item.chosen)],
        "rejected": [_answer_row(item.rejected or "")],
    }


def _item_meta(item: TrainItem) -> Row | None:
    skill = skill_of(item)
    row = _item_chat(item)
    return {"skill": skill, **row} if skill and row else None


def _item_text(item: TrainItem) -> Row | None:
    return {"text": item.chosen} if item.kind == "text" else None


ITEM_FORMATS: dict[str, Callable[[TrainItem], Row | None]] = {
    "chat": _item_chat,
    "preference": _item_preference,
    "meta": _item_meta,
    "text": _item_text,
}
"""Functions that turn a training item into a row; None for items of another kind."""

WHOLE = ("merged", "gguf")
"""Exports that are a folder with a whole model."""
WEIGHTS = ("adapter", *WHOLE)
"""Exports that are a folder of weights."""
KINDS = (*ITEM_FORMATS, *WEIGHTS)
"""All kinds of export, except folders for other trainers (``handover.folder``)."""


def export_samples(samples: Sequence[Sample], kind: str, path: Path) -> int:
    """Write samples as JSON Lines; return their number.

    The file is written completely or not at all.

    Raises:
        InputError: There is no sample, the format is unknown, or the file cannot be
            written.
    """
    if kind not in FORMATS:
        raise InputError(f"There is no format {kind!r}; choose {' or '.join(FORMATS)}.")
    if not samples:
        raise InputError(
            "No sample is approved, so there is nothing to export; approve some first."
        )
    rows = [row for row in map(FORMATS[kind], samples) if row is not None]
    if not rows:
        raise InputError(
            "The two answers of every approved sample are equal, so they express no "
            "preference; export them as chat."
        )
    _write_lines(rows, path)
    return len(rows)


def export_items(items: Sequence[TrainItem], kind: str, path: Path) -> int:
    """Write the items that taught a round as JSON Lines; return their number.

    Replay items and items that only measure are left out.

    Raises:
        InputError: The round has no such items, or the file cannot be written.
    """
    rows = [ITEM_FORMATS[kind](item) for item in items if item.teaches]
    selected_rows = [row for row in rows if row is not None]
    if not selected_rows:
        others = [k for k, row in ITEM_FORMATS.items() if any(map(row, items))]
        choices = " or ".join(others) or "its adapter"
        raise InputError(f"This round has no items of the kind {kind}; take {choices}.")
    _write_lines(selected_rows, path)
    return len(selected_rows)


def _write_lines(rows: Sequence[Row], path: Path) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    _write(path, "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    with atomic.input_errors(path):
        atomic.write_text(path, text)


def write_card(target: Path, text: str) -> Path:
    """Write a model card for an export; return its path.

    In an adapter's folder, and next to a single file, it is README.md. Next to other
    files its name begins with that of the export, so that no other README is
    overwritten.
    """
    folder = target if target.is_dir() else target.parent
    path = folder / "README.md"
    other_files = {file.name for file in folder.iterdir()} - {target.name, path.name}
    if folder != target and (other_files or not _is_ours(path)):
        path = target.with_name(f"{target.stem}.README.md")
    _write(path, text)
    return path


def _is_ours(path: Path) -> bool:
    """Return whether a card may be written there: no file, or a card of ours."""
    return not path.exists() or path.read_text("utf-8", "replace").startswith(
        model_card.HEAD
    )


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to write in, which becomes ``target`` if no error occurs.

    Raises:
        InputError: The target exists or cannot be written.
    """
    if target.exists():
        raise InputError(f"{target} exists already; name a new folder.")
    with atomic.input_errors(target), atomic.atomic_folder(target) as draft:
        yield draft


def pack(paths: Sequence[Path], target: Path) -> Path:
    """Write files and folders into one zip file, each once; return its path."""
    names: dict[Path, Path] = {}
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            names.setdefault(file, file.relative_to(path.parent))
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for file, name in names.items():
            archive.write(file, name)
    return target
