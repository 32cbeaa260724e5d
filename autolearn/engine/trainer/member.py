"""One of several processes that train a round together.

Started as ``python -m autolearn.engine.trainer.member FOLDER NUMBER`` by
``joint_training``. Its messages are lines of JSON on standard output. It ends when its
standard input does: then the process that started it has ended.
"""

import logging
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autolearn.containment.messages import Send, message_sender
from autolearn.core.errors import AutolearnError, OutOfMemory
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.engine.trainer.process_group import ProcessGroup
from autolearn.engine.trainer.training_job import SentJob

MEETING_FILE = "meeting"
"""In the folder, where the processes find each other."""


def main() -> None:
    """Train as the process that the command line names."""
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    send = message_sender()
    logging.basicConfig(format=f"%(asctime)s process {number + 1}: %(message)s")
    try:
        _train(folder, number, stop, send)
    except AutolearnError as error:
        advice = error.advice if isinstance(error, OutOfMemory) else {}
        kind = type(error).__name__
        send({"error": {"kind": kind, "message": str(error), "advice": advice}})
    except OSError as error:
        values = (error.errno, error.strerror or str(error), error.filename)
        send({"error": {"kind": "OSError", "values": values}})
    # Python would wait for the thread that reads the standard input.
    sys.stderr.flush()
    os._exit(0)


def _train(folder: Path, number: int, stop: threading.Event, send: Send) -> None:
    task = SentJob.read(folder)
    backend = HuggingFaceBackend.load(task.model, task.model_folder)
    group = ProcessGroup(folder / MEETING_FILE, number, task.job.settings.devices)
    watcher = _SendingWatcher(stop, send if number == 0 else _drop)
    outcome = backend.train_here(task.job, watcher, group)
    if number == 0:
        send({"outcome": asdict(outcome)})
    else:
        # Ending now could cut off the first process; the process that started us ends
        # us.
        threading.Event().wait()


def _listen(stop: threading.Event) -> None:
    """Set the event when a stop is requested; end the process with its input."""
    while os.read(0, 64):
        stop.set()
    os._exit(1)


def _drop(message: dict[str, Any]) -> None:
    """Drop a message: the first process reports for all."""


class _SendingWatcher:
    """Sends the numbers of a round to the process that owns its run."""

    def __init__(self, stop: threading.Event, send: Send) -> None:
        self.stop = stop.is_set
        self._send = send

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        """Send how much memory the largest step needs."""
        self._send({"step": step, "probe": metrics})

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Send the numbers of a step."""
        self._send({"step": step, "total": total, "metrics": metrics})


if __name__ == "__main__":
    main()
