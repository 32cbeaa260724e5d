"""Messages of a child to the process that started it, as lines of JSON."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

Send = Callable[[dict[str, Any]], None]


def message_sender() -> Send:
    """Return a function that writes each message to the present standard output.

    What a library prints goes to standard error from now on.
    """
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message, default=_plain).encode() + b"\n")
        channel.flush()

    return send


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
