"""The note of autolearn in the folder of a model or an adapter."""

import json
from pathlib import Path

from autolearn.core import atomic
from autolearn.models.foreign import contained
from autolearn.models.small_files import read_json
from autolearn.study.protocol import PROTOCOLS

ADAPTER_NOTE = "autolearn.json"
"""A note in the folder of an adapter or a model that names its base model. It also
names the protocol for prompting the weights."""


@contained
def noted_protocol(folder: Path) -> str | None:
    """Return the protocol noted for a model or adapter, if any."""
    protocol = read_json(folder / ADAPTER_NOTE).get("protocol")
    return protocol if isinstance(protocol, str) and protocol in PROTOCOLS else None


def note_protocol(folder: Path, protocol: str) -> None:
    """Note how the weights in a folder are prompted, beside what is noted already.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / ADAPTER_NOTE
    note = read_json(path) | {"protocol": protocol}
    atomic.write_text(path, json.dumps(note, indent=2) + "\n")
