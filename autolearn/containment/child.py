"""The parent's side: start a child, call it, and kill it when it takes too much.

A child is kept for further calls, since Python and the imports of a reader take longer
to start than most files take to read. A child that was killed, or that has become
large, is replaced. Several threads may call at once; each gets its own child.
"""

import atexit
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn, Self

import psutil

from autolearn.containment.limits import MIB, WALL_FACTOR, Limits
from autolearn.containment.stopping import is_stopped
from autolearn.core import errors
from autolearn.core.errors import ChildFailed
from autolearn.core.ports import Cancelled, Stop

POLL_SECONDS = 0.1
"""How often time, memory and stop requests are checked."""
START_SECONDS = 120.0
"""Computing time that a child may take to start and to import what it is asked for.
The time on the clock may be ``START_FACTOR`` times as long, on a busy computer."""
START_FACTOR = 5
KEPT_MEMORY = 512 * MIB
"""A child that holds more after a call is replaced."""
LARGEST_MESSAGE = 256 * MIB
N_KEPT = 2
"""Most idle children of ``run``."""
_ENVIRONMENT = {
    # Each further arena or thread would reserve address space, which is limited.
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "RUST_BACKTRACE": "0",
}
_OUT_OF_MEMORY = (
    b"memory allocation of",
    b"bad_alloc",
    b"out of memory",
    b"Out of mem",
)
"""What libraries of Rust and C++ write before they abort when out of memory."""

log = logging.getLogger(__name__)


class Child:
    """A process that does one call at a time; see ``run`` for one that is shared."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: queue.Queue[bytes | None] = queue.Queue()
        self._errors: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self.peak = 0
        """The most memory that was seen in the last call, in bytes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._kill()
        self._errors.close()

    def call(
        self,
        function: str,
        *arguments: Any,
        limits: Limits,
        stop: Stop = lambda: False,
        on_report: Callable[[Any], None] | None = None,
    ) -> Any:
        """Return the result of a function as JSON values.

        Args:
            function: ``module:name``, with arguments and a result of JSON values.
                Dataclasses and paths are allowed in the result.
            arguments: Its arguments.
            limits: What it may take.
            stop: Ends it within a moment; so does ``stopped_by``.
            on_report: Gets what the function passes to its argument ``report``.

        Raises:
            Cancelled: ``stop`` returned True.
            ChildFailed: It took too much, or ended without a result.
            AutolearnError: The function refuses what it was given.
        """
        request = {
            "function": function,
            "arguments": [_plain(value) for value in arguments],
            "seconds": limits.seconds,
            "memory": limits.memory,
            "reports": on_report is not None,
        }
        watch = self._begin(request, limits)
        try:
            try:
                message = self._answer(watch, stop, on_report or _ignore)
            except _NeverBegunError:  # it was about to end, or was killed before
                self._kill()
                watch = self._begin(request, limits)
                message = self._answer(watch, stop, on_report or _ignore)
        except BaseException:
            # It may still be at work, and its answer would be that of the next call.
            self._kill()
            raise
        finally:
            self.peak = watch.peak
            if self._process and watch.memory() > KEPT_MEMORY:
                self._kill()
        if "refusal" in message:
            raise _error_class(message["kind"])(message["refusal"])
        return message["result"]

    def _begin(self, request: dict[str, Any], limits: Limits) -> "_Watch":
        """Send a request; to a new process if the last one has ended."""
        line = json.dumps(request).encode() + b"\n"
        for _ in range(2):
            process = self._alive()
            with suppress(OSError):  # it ended since it was idle for long
                assert process.stdin is not None
                watch = _Watch(process.pid, limits)
                process.stdin.write(line)
                process.stdin.flush()
                return watch
            self._kill()
        raise ChildFailed("cannot be read: no process could be started", "error")

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._kill()
            self._process = self._start()
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors.seek(0)
        self._errors.truncate()
        process = subprocess.Popen(
            [sys.executable, "-m", "autolearn.containment.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**child_environment(), **_ENVIRONMENT},
            start_new_session=True,
        )
        self._messages = queue.Queue()
        assert process.stdout is not None
        listener = threading.Thread(
            target=_listen, args=(process.stdout, self._messages), daemon=True
        )
        listener.start()
        return process

    def _answer(
        self, watch: "_Watch", stop: Stop, on_report: Callable[[Any], None]
    ) -> dict[str, Any]:
        """Return the last message of a call: a result or a refusal."""
        while True:
            if stop() or is_stopped():
                raise Cancelled
            watch.check()
            try:
                line = self._messages.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                if not watch.has_begun:
                    raise _NeverBegunError("ended its reader before it began", "error")
                self._raise_end(watch.limits)
            message: dict[str, Any] = json.loads(line)
            if "begun" in message:
                watch.begin()
            elif "report" in message:
                on_report(message["report"])
            elif "end" in message:
                raise _failure(message, watch.limits)
            else:
                return message

    def _raise_end(self, limits: Limits) -> NoReturn:
        """Raise how the process ended."""
        assert self._process is not None
        code = self._process.wait()
        self._errors.seek(0)
        log_end = self._errors.read()[-4000:]
        log.warning("a child ended: %s", log_end.decode(errors="replace"))
        if any(text in log_end for text in _OUT_OF_MEMORY):
            raise _needs_memory(limits)
        if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            raise _takes_time(limits)
        if code < 0:
            raise ChildFailed(f"ended its reader by signal {_signal(-code)}", "signal")
        raise ChildFailed(f"ended its reader with exit code {code}", "signal")

    def _kill(self) -> None:
        """End the process and those that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            with suppress(psutil.Error):
                for started in psutil.Process(process.pid).children(recursive=True):
                    started.kill()
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()


class _NeverBegunError(ChildFailed):
    """The process ended before it took the request."""


def _ignore(value: Any) -> None:
    """Drop a report."""


class _Watch:
    """Checks the time and memory of a call."""

    def __init__(self, pid: int, limits: Limits) -> None:
        self.limits = limits
        self.peak = 0
        self._process = psutil.Process(pid)
        self.has_begun = False
        self._begin = self._looked = time.monotonic()
        self._computed = self._computing()  # in earlier calls
        self._memory_before = 0.0

    def begin(self) -> None:
        """Count from now on: Python has started and the function is imported."""
        self.has_begun = True
        self._begin = self._looked = time.monotonic()
        self._computed = self._computing()
        self._memory_before = self.memory()

    def check(self) -> None:
        """Check time and memory, from time to time.

        Raises:
            ChildFailed: Either is too much.
        """
        now = time.monotonic()
        if now - self._looked < POLL_SECONDS:
            return
        self._looked = now
        if not self.has_begun:
            clock = (now - self._begin) / START_FACTOR
            if max(clock, self._computing() - self._computed) > START_SECONDS:
                raise ChildFailed("cannot be read: its reader does not start", "error")
            return
        if now - self._begin > WALL_FACTOR * self.limits.seconds:
            raise _takes_time(self.limits)
        if self._computing() - self._computed > self.limits.seconds:
            raise _takes_time(self.limits)
        memory = self.memory()
        self.peak = max(self.peak, memory)
        if memory - self._memory_before > self.limits.memory:
            raise _needs_memory(self.limits)

    def _computing(self) -> float:
        with suppress(psutil.Error):
            times = self._process.cpu_times()
            own: float = times.user + times.system
            return own
        return 0.0

    def memory(self) -> int:
        """Return the memory of the process in bytes; 0 if it has ended."""
        with suppress(psutil.Error):
            return int(self._process.memory_info().rss)
        return 0


def _listen(pipe: IO[bytes], messages: "queue.Queue[bytes | None]") -> None:
    """Put each line of a child into a queue, and None at its end."""
    with suppress(OSError, ValueError):  # closed by who killed the child
        while line := pipe.readline(LARGEST_MESSAGE):
            if not line.endswith(b"\n"):
                break
            messages.put(line)
    messages.put(None)


def _failure(message: dict[str, Any], limits: Limits) -> ChildFailed:
    """Return how a call ended that has neither a result nor a refusal."""
    if message["end"] == "memory":
        return _needs_memory(limits)
    log.warning("a child failed:\n%s", message["trace"])
    return ChildFailed(f"cannot be read ({message['error']})", "error")


def _error_class(name: str) -> type[errors.AutolearnError]:
    kind = getattr(errors, name, errors.InputError)
    is_ours = isinstance(kind, type) and issubclass(kind, errors.AutolearnError)
    return kind if is_ours else errors.InputError


def _takes_time(limits: Limits) -> ChildFailed:
    return ChildFailed(f"takes longer than {ceil(limits.seconds)} seconds", "time")


def _needs_memory(limits: Limits) -> ChildFailed:
    return ChildFailed(
        f"needs more than {limits.memory // MIB} MiB of memory", "memory"
    )


def _signal(number: int) -> str:
    with suppress(ValueError):
        return f"{number} ({signal.Signals(number).name})"
    return str(number)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def child_environment() -> dict[str, str]:
    """Return the environment for a child process that imports these modules."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    python_path = os.pathsep.join(path for path in paths if path)
    return {**os.environ, "PYTHONPATH": python_path}


_idle: list[Child] = []
_idle_lock = threading.Lock()


def run(
    function: str,
    *arguments: Any,
    limits: Limits,
    stop: Stop = lambda: False,
    on_report: Callable[[Any], None] | None = None,
) -> Any:
    """Call a function in a child that is shared by this process; see ``Child.call``."""
    with _idle_lock:
        child = _idle.pop() if _idle else Child()
    try:
        return child.call(
            function, *arguments, limits=limits, stop=stop, on_report=on_report
        )
    finally:
        with _idle_lock:
            is_kept = len(_idle) < N_KEPT
            if is_kept:
                _idle.append(child)
        if not is_kept:
            child.close()


@atexit.register
def close_idle() -> None:
    """End the children that wait for a call, and their listeners.

    To be called before a fork: the new process would wait for the pipes forever.
    """
    with _idle_lock:
        while _idle:
            _idle.pop().close()
