"""The child: ``python -m autolearn.containment.server`` calls functions by name.

Requests come as lines of JSON from standard input, and messages go out as lines of
JSON. The child ends when its parent has ended, and after a while without a request.
"""

import importlib
import json
import os
import queue
import sys
import threading
import traceback
from functools import partial
from typing import Any

from autolearn.containment.limits import Limits, enforced, limit_files
from autolearn.containment.messages import Send, message_sender
from autolearn.containment.process_role import Role
from autolearn.core.errors import AutolearnError

IDLE_SECONDS = 60.0
"""How long a child stays without a request."""
LARGEST_FILE = 4 << 30
"""Most bytes of a file that a child writes."""
EXCERPT = 4000
"""Characters of a traceback that are sent."""


def main() -> None:
    """Answer requests until there are none."""
    Role.is_child = True
    send = message_sender()
    limit_files(LARGEST_FILE)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        try:
            line = requests.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            return
        _answer(json.loads(line), send)


def _listen(requests: queue.Queue[bytes]) -> None:
    """Pass requests on; end the process when the parent has ended."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _answer(request: dict[str, Any], send: Send) -> None:
    limits = Limits(request["seconds"], request["memory"])
    try:
        module, _, name = request["function"].partition(":")
        # Libraries are ours; their size does not count.
        function = getattr(importlib.import_module(module), name)
        if request["reports"]:
            function = partial(function, report=lambda value: send({"report": value}))
        send({"begun": True})
        with enforced(limits):
            message = {"result": function(*request["arguments"])}
    except AutolearnError as error:
        message = {"refusal": str(error), "kind": type(error).__name__}
    except MemoryError:
        message = {"end": "memory"}
    except BaseException as error:  # noqa: BLE001  # a panic of Rust is not an Exception
        message = {"end": "error", "error": _line(error), "trace": _trace()}
    send(message)


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _trace() -> str:
    return traceback.format_exc()[-EXCERPT:]


if __name__ == "__main__":
    main()
