"""Training with several processes: their start, messages and end.

What: the process that owns the run starts one process for each device, passes on what
the first of them reports, and ends all of them as soon as one has ended.

Why: a process that waits for one that was killed would wait forever, and one whose
starter was killed would hold its GPU forever. ``accelerate launch`` does not start
several processes on a CPU without MPI, listens for the others on all interfaces of
the computer, and cannot be asked to stop at a checkpoint.
"""

import json
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import IO, Any, NoReturn

import psutil

from autolearn.containment import child_environment
from autolearn.core import errors
from autolearn.core.errors import AutolearnError, OutOfMemory, ProcessLost
from autolearn.core.ports import Cancelled, Watcher
from autolearn.core.settings import ModelSettings
from autolearn.engine.trainer.outcome import Outcome
from autolearn.engine.trainer.training_job import SentJob, TrainingJob
from autolearn.models import hardware

COMMAND = (sys.executable, "-m", "autolearn.engine.trainer.member")
"""The command of a process, to which the folder and its number are added."""
FOLDER = ".processes"
"""Where the processes find the job and each other; next to the checkpoints."""
POLL_SECONDS = 0.1
"""How often a request to stop is checked for."""
STOP_SECONDS = 60.0
"""How long the processes may take to write a checkpoint once they are asked to stop.
They might wait for each other forever, so they are then ended; the checkpoint before
counts."""
GRACE_SECONDS = 2.0
"""How long the others may take to end by themselves once one has failed. The error of
the one that failed explains more than those of the others, which only miss it."""

log = logging.getLogger(__name__)

_Message = tuple[int, dict[str, Any] | None]
"""The number of a process and what it sent; None: it has ended."""


def train(
    model: ModelSettings,
    folder: Path,
    job: TrainingJob,
    watcher: Watcher,
    command: Sequence[str] = COMMAND,
) -> Outcome:
    """Train with as many processes as the settings say, and wait for the end.

    Args:
        model: The settings by which each process loads the model.
        folder: The files of the model.
        job: The training.
        watcher: Receives the reports of the first process, and may stop the training.
        command: See ``COMMAND``.

    Raises:
        ProcessLost: One of them was ended; the training can be resumed.
        Cancelled: They were asked to stop and did not; it can be resumed too.
        AutolearnError: What one of them raised.
        OSError: A file could not be read or written.
    """
    place = job.checkpoints / FOLDER
    shutil.rmtree(place, ignore_errors=True)  # of a training that was killed
    place.mkdir(parents=True, mode=0o700)
    try:
        SentJob(model, folder, job).write(place)
        with _Members(place, job.settings.devices, command) as members:
            return members.outcome(watcher)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _Members:
    """The processes of a training; all have ended when the block is left."""

    def __init__(self, folder: Path, n: int, command: Sequence[str]) -> None:
        self._messages: queue.Queue[_Message] = queue.Queue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._command = [*command, str(folder)]
        self._n = n

    def __enter__(self) -> "_Members":
        try:
            for number in range(self._n):
                self._start(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, number: int) -> None:
        process = subprocess.Popen(
            [*self._command, str(number)],
            stdin=subprocess.PIPE,  # its end tells a process that we have ended
            stdout=subprocess.PIPE,
            env=environment(number, self._n),
        )
        self._processes.append(process)
        assert process.stdout is not None
        listener = threading.Thread(
            target=_listen, args=(number, process.stdout, self._messages), daemon=True
        )
        listener.start()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    assert pipe is not None
                    pipe.close()

    def outcome(self, watcher: Watcher) -> Outcome:
        """Pass on what the first process reports until it has finished.

        Raises:
            Cancelled: The processes did not stop in time, and are ended.
        """
        deadline = inf
        while True:
            if deadline == inf and watcher.stop():
                self._tell_to_stop()
                deadline = time.monotonic() + STOP_SECONDS
            if time.monotonic() > deadline:
                raise Cancelled
            try:
                number, message = self._messages.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if message is None or "error" in message:
                self._fail(number, message)
            elif "outcome" in message:
                return Outcome(**message["outcome"])
            else:
                _report(message, watcher)

    def _tell_to_stop(self) -> None:
        """Ask all processes to stop; they agree on the step."""
        for process in self._processes:
            assert process.stdin is not None
            with suppress(OSError):  # it has just ended
                process.stdin.write(b"stop\n")
                process.stdin.flush()

    def _fail(self, number: int, message: dict[str, Any] | None) -> NoReturn:
        """Raise why the training has ended; a refusal explains more than a signal."""
        deadline = time.monotonic() + GRACE_SECONDS
        messages = [message]
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        while not self._messages.empty():
            messages.append(self._messages.get()[1])
        for refusal in messages:
            if refusal and "error" in refusal:
                raise _error(refusal["error"])
        codes = [process.poll() for process in self._processes]
        by_signal = (i for i, code in enumerate(codes) if code is not None and code < 0)
        number = next(by_signal, number)
        log.warning("the processes of a training ended with %s", codes)
        raise ProcessLost(
            f"Process {number + 1} of {self._n} of this training ended "
            f"({_end(codes[number])}); resume the run. The log of the worker says more."
        )


def environment(number: int, n: int) -> dict[str, str]:
    """Return the environment variables of process ``number`` of ``n``.

    Each sees one GPU alone, which is its first. The connections between them are
    local to this computer, and on a CPU they divide the cores.
    """
    variables = dict(child_environment())
    variables.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as nvidia-smi counts
    variables["CUDA_VISIBLE_DEVICES"] = hardware.visible_gpu(number)
    variables.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // n)))
    if loopback := _loopback():
        variables |= {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback}
    return variables


def _loopback() -> str | None:
    """Return the name of the interface that only this computer reaches."""
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if address.family == socket.AF_INET and address.address == "127.0.0.1":
                return name
    return None


def _listen(number: int, pipe: IO[bytes], messages: "queue.Queue[_Message]") -> None:
    """Put each message of a process into a queue, and None at its end."""
    with suppress(OSError, ValueError):  # closed by who ended the process
        for line in pipe:
            if line.endswith(b"\n"):  # else it was killed while it wrote
                messages.put((number, json.loads(line)))
    messages.put((number, None))


def _report(message: dict[str, Any], watcher: Watcher) -> None:
    if "probe" in message:
        watcher.on_probe(message["step"], message["probe"])
    else:
        watcher.on_step(message["step"], message["total"], message["metrics"])


def _error(values: dict[str, Any]) -> Exception:
    """Return the error that a process has raised and sent."""
    if values["kind"] == "OSError":
        return OSError(*values["values"])
    if values["kind"] == "OutOfMemory":
        return OutOfMemory(values["message"], values["advice"])
    kind = getattr(errors, values["kind"], AutolearnError)
    error: Exception = kind(values["message"])
    return error


def _end(code: int | None) -> str:
    """Return in words how a process has ended."""
    if code is None:
        return "it did not answer"
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {-code}, {signal.Signals(-code).name}"
    return f"signal {-code}"
