"""Write approved samples and adapters where other programs can use them."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autolearn.errors import InputError
from autolearn.records import Sample


def _chat(sample: Sample) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": sample.prompt},
            {"role": "assistant", "content": sample.chosen},
        ]
    }


def _preference(sample: Sample) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": sample.prompt}],
        "chosen": [{"role": "assistant", "content": sample.chosen}],
        "rejected": [{"role": "assistant", "content": sample.rejected}],
    }


FORMATS: dict[str, Callable[[Sample], dict[str, Any]]] = {
    "chat": _chat,
    "preference": _preference,
}


def export_samples(samples: Sequence[Sample], kind: str, path: Path) -> int:
    """Write samples as JSON lines and return how many there are.

    The file appears whole or not at all.

    Raises:
        InputError: Nothing to write, an unknown kind, or no way to write there.
    """
    if kind not in FORMATS:
        raise InputError(f"There is no format {kind!r}; choose {' or '.join(FORMATS)}.")
    if not samples:
        raise InputError("No sample is approved, so there is nothing to export.")
    lines = [json.dumps(FORMATS[kind](one), ensure_ascii=False) for one in samples]
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be written: {reason}.") from None
    return len(lines)


def export_adapter(adapter: Path, target: Path) -> None:
    """Copy the PEFT folder of a round to a folder that does not exist yet.

    Raises:
        InputError: The target exists, the adapter does not, or nothing can be written.
    """
    if target.exists():
        raise InputError(f"{target} exists already; name a new folder.")
    if not adapter.is_dir():
        raise InputError(f"The adapter {adapter.name} is not in this workspace.")
    partial = target.with_name(target.name + ".partial")
    try:
        shutil.copytree(adapter, partial, dirs_exist_ok=True)
        partial.replace(target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{target} cannot be written: {reason}.") from None
