"""The Hugging Face hub, as the page, the command line and the worker use it.

What goes over the network is done by ``hub_process``, a process of its own.
"""

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from autolearn.core.errors import BackendError
from autolearn.core.ports import Cancelled, Stop
from autolearn.models import hardware

LOOK_SECONDS = 0.1
"""How often a download looks whether it is to stop."""
PATIENCE_SECONDS = 60.0
"""How long the hub may take to say anything; the library would wait for ever."""
SPARE = 256 << 20
"""Bytes of the disk that a download leaves free."""

_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Xet writes files in its own way; what is resumed here comes by plain HTTP.
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
"""Environment variables for huggingface_hub, beside the token, endpoint and folders
that the person has set."""

Tell = Callable[[str, int, int], None]
"""Takes the file that is fetched, the bytes that are here, and all bytes."""


@dataclass(frozen=True)
class HubFile:
    """One file of a model on the hub."""

    name: str
    n_bytes: int


@dataclass(frozen=True)
class Offer:
    """A model on the hub: what would be fetched, and whether there is room for it."""

    name: str
    commit: str
    licence: str | None
    gated: bool
    parts: tuple[HubFile, ...]
    bytes_missing: int
    """Of all parts, those that are not on this computer yet."""
    bytes_free: int
    """On the disk of the hub's cache."""
    cache: str
    endpoint: str

    @property
    def n_bytes(self) -> int:
        """Return the size of all parts."""
        return sum(part.n_bytes for part in self.parts)

    @property
    def fits(self) -> bool:
        """Return whether the disk has room for what is missing."""
        return self.bytes_missing + SPARE <= self.bytes_free

    def no_room(self) -> str:
        """Return the sentence that says that the disk is too small."""
        missing, free = self.bytes_missing / 2**30, self.bytes_free / 2**30
        return (
            f"{self.name} needs {missing:.1f} GiB more and {free:.1f} GiB are free in "
            f"{self.cache}; free some space, or put the hub's cache elsewhere with "
            "HF_HOME."
        )


def look(name: str) -> Offer:
    """Ask the hub about a model: size, licence and files; nothing is downloaded.

    Raises:
        BackendError: There is no such model, or none that can be used here, or the hub
            cannot be reached; the text says what to do.
    """
    with _process("look", name) as process:
        answers = list(_while_running(process, lambda: False))
    offer = _checked(answers[-1] if answers else {}, "offer")
    parts = tuple(HubFile(**part) for part in offer.pop("parts"))
    return Offer(**offer, parts=parts)


def fetch(name: str, stop: Stop, tell: Tell) -> Path:
    """Download a model into the hub's cache; return its folder, or its GGUF file.

    Raises:
        BackendError: The hub, the network or the disk did not let it happen.
        Cancelled: ``stop`` says so; another try goes on from what has come.
    """
    answer: dict[str, Any] = {}
    with _process("fetch", name) as process:
        for answer in _while_running(process, stop):
            if "stage" in answer:
                tell(answer["stage"], answer["done"], answer["total"])
    return Path(_checked(answer, "folder"))


def nearest_folder(path: Path) -> Path:
    """Return the folder that exists, at this place or above it."""
    absolute = path.expanduser().absolute()
    return next(p for p in (absolute, *absolute.parents) if p.is_dir())


@contextmanager
def _process(verb: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """Run the process that talks to the hub; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "autolearn.models.sources.hub_process", verb, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=hardware.child_environment() | _ENVIRONMENT,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()  # it keeps nothing that would have to be saved


def _answers(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        yield dict(json.loads(line))
    process.wait()


def _while_running(
    process: subprocess.Popen[str], stop: Stop
) -> Iterator[dict[str, Any]]:
    """Yield what the process says, until it ends or is to be stopped.

    A thread reads, since a process whose network hangs says nothing.

    Raises:
        Cancelled: ``stop`` says so.
        BackendError: The hub does not answer at all.
    """
    answers: Queue[dict[str, Any] | None] = Queue()

    def read() -> None:
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
        deadline = math.inf  # it has answered; from here on the library looks to that
        yield answer


def _checked(answer: dict[str, Any], name: str) -> Any:
    """Return what the process has answered.

    Raises:
        BackendError: It could not; the text is its own.
    """
    if "error" in answer:
        raise BackendError(answer["error"])
    if name not in answer:
        raise BackendError(
            "The process that talks to the hub ended unexpectedly; its log says why."
        )
    return answer[name]
