"""The interface to the Hugging Face hub for the page, the command line and the worker.

Network access happens in ``hub_process``, a separate process.
"""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from autolearn.containment import child_environment
from autolearn.core.errors import BackendError
from autolearn.core.ports import Cancelled, Stop

LOOK_SECONDS = 0.1
"""How often a download checks for cancellation."""
PATIENCE_SECONDS = 60.0
"""How long to wait for the first answer of the hub; the library has no limit."""
SPARE = 256 << 20
"""Bytes of disk space that a download leaves free."""

_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Xet has its own file format, so its downloads cannot be resumed as plain HTTP.
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
"""Environment variables for huggingface_hub, in addition to the token, endpoint and
folders that the user has set."""

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the current file, the bytes received, and all bytes."""


@dataclass(frozen=True)
class HubFile:
    """One file of a model on the hub."""

    name: str
    n_bytes: int


@dataclass(frozen=True)
class Offer:
    """A model on the hub: its files, and whether there is disk space for them."""

    name: str
    """The name by which it was asked for."""
    found_as: str
    """Its present name, which the cache uses. The hub also knows former names, and
    those in other cases."""
    commit: str
    licence: str | None
    gated: bool
    parts: tuple[HubFile, ...]
    bytes_missing: int
    """Bytes that are not on this computer yet."""
    bytes_free: int
    """Free bytes on the disk of the hub cache."""
    cache: str
    endpoint: str

    @property
    def n_bytes(self) -> int:
        """Return the size of all files in bytes."""
        return sum(part.n_bytes for part in self.parts)

    @property
    def fits(self) -> bool:
        """Return whether the disk has space for the missing files."""
        return self.bytes_missing + SPARE <= self.bytes_free

    def no_room(self) -> str:
        """Return the error message for a disk that is too small."""
        lack, free = self.bytes_missing / 2**30, self.bytes_free / 2**30
        return (
            f"{self.name} needs {lack:.1f} GiB more and {free:.1f} GiB are free in "
            f"{self.cache}; free some space, or put the hub's cache elsewhere with "
            "HF_HOME."
        )


def fetch_offer(name: str) -> Offer:
    """Ask the hub for size, licence and files of a model. Nothing is downloaded.

    Raises:
        BackendError: There is no such model, it cannot be used here, or the hub cannot
            be reached; the message says what to do.
    """
    with _process("look", name) as process:
        answers = list(_while_running(process, lambda: False))
    offer = _value(answers[-1] if answers else {}, "offer")
    parts = tuple(HubFile(**part) for part in offer.pop("parts"))
    return Offer(**offer, parts=parts)


def fetch(name: str, stop: Stop, on_progress: OnProgress) -> Path:
    """Download a model into the hub cache; return its folder, or its GGUF file.

    Raises:
        BackendError: The hub, the network or the disk failed.
        Cancelled: ``stop`` returned True. Another call resumes the download.
    """
    answer: dict[str, Any] = {}
    with _process("fetch", name) as process:
        for answer in _while_running(process, stop):
            if "stage" in answer:
                on_progress(answer["stage"], answer["done"], answer["total"])
    return Path(_value(answer, "folder"))


def nearest_folder(path: Path) -> Path:
    """Return the nearest existing folder at this path or above it."""
    absolute = path.expanduser().absolute()
    return next(p for p in (absolute, *absolute.parents) if p.is_dir())


@contextmanager
def _process(verb: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """Run the process that talks to the hub, and end it with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "autolearn.models.sources.hub_process", verb, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=child_environment() | _ENVIRONMENT,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()  # it has no state that must be saved


def _answers(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        yield dict(json.loads(line))
    process.wait()


def _while_running(
    process: subprocess.Popen[str], stop: Stop
) -> Iterator[dict[str, Any]]:
    """Yield the answers of the process until it ends or is cancelled.

    A thread reads them, since a process whose network hangs writes nothing.

    Raises:
        Cancelled: ``stop`` returned True.
        BackendError: The hub does not answer.
    """
    answers: Queue[dict[str, Any] | None] = Queue()

    def read() -> None:
        with suppress(ValueError):  # it was killed within a line
            for answer in _answers(process):
                answers.put(answer)
        answers.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if stop():
            raise Cancelled
        try:
            answer = answers.get(timeout=LOOK_SECONDS)
        except Empty:
            if time.monotonic() > deadline:
                raise BackendError(
                    f"The hub has not answered for {PATIENCE_SECONDS:.0f} seconds; "
                    "check the connection and try again."
                ) from None
            continue
        if answer is None:
            return
        deadline = math.inf  # from here on the library handles time-outs
        yield answer


def _value(answer: dict[str, Any], name: str) -> Any:
    """Return the value of an answer.

    Raises:
        BackendError: The process reported an error, or ended without an answer.
    """
    if "error" in answer:
        raise BackendError(answer["error"])
    if name not in answer:
        raise BackendError(
            "The process that talks to the hub ended unexpectedly; its log says why."
        )
    return answer[name]
