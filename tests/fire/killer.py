"""Child processes that die at a chosen moment: before their n-th write, or in time.

A child is forked, so that it costs no import. It counts what it is about to change:
each statement that writes to the database, and each file that is opened for writing,
renamed or removed. It sends itself the signal before the chosen one. Kills at every
joint are thus drawn evenly, and the same seed dies at the same place, however busy the
computer is.
"""

import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolearn.containment.child import close_idle

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "CREATE", "ALTER", "DROP")
UNCOUNTED = ("RETURNING cancel_requested", "UPDATE runs SET stage")
"""Heartbeat and progress: how many there are depends on the time."""
FILES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
SIGNALS = {
    "SIGKILL": signal.SIGKILL,
    "SIGTERM": signal.SIGTERM,
    "SIGSTOP": signal.SIGSTOP,
}


_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT
"""Whether a child has ended, without taking note of it."""


@dataclass(frozen=True)
class Kill:
    """When a child dies, and by which signal; SIGSTOP is followed by SIGKILL."""

    name: str = "SIGKILL"
    event: int | None = None
    """Before this write, counted from 1."""
    seconds: float | None = None
    """So long after its start."""


class Counter:
    """Counts the writes of this process and kills it before one of them."""

    def __init__(self, folder: Path, kill: Kill | None, report: Path) -> None:
        self.n = 0
        self._folder = str(folder)
        self._kill = kill
        self._report = report

    def install(self) -> None:
        """Count from now on; there is no way back."""
        sys.addaudithook(self._hear)
        connect = sqlite3.connect

        def traced(*args, **options):
            connection = connect(*args, **options)
            connection.set_trace_callback(self._statement)
            return connection

        sqlite3.connect = traced

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if flags & (os.O_WRONLY | os.O_RDWR) and self._is_ours(path):
                self._count()
        elif event in FILES and self._is_ours(args[0]):
            self._count()

    def _is_ours(self, path: object) -> bool:
        # Locks and the counter's own report change nothing that a kill could break.
        return (
            isinstance(path, str | os.PathLike)
            and os.fspath(path).startswith(self._folder)
            and not os.fspath(path).endswith((".lock", ".pid", ".log"))
        )

    def _statement(self, sql: str) -> None:
        if sql.startswith(WRITES) and not any(text in sql for text in UNCOUNTED):
            self._count()

    def _count(self) -> None:
        self.n += 1
        if self._kill and self._kill.event == self.n:
            os.kill(os.getpid(), SIGNALS[self._kill.name])

    def save(self) -> None:
        """Write how many writes there were."""
        self._report.write_text(str(self.n))


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    was_killed: bool
    """By SIGKILL, or asked by SIGTERM, in the middle of its work."""
    was_stopped: bool
    n_events: int
    """0 if it was killed."""
    error: str = ""


def run(
    act: Callable[[], None],
    folder: Path,
    kill: Kill | None = None,
    while_stopped: Callable[[], None] = lambda: None,
) -> Ending:
    """Do something in a child that is killed on the way; ``folder`` is where it writes.

    No database may be open in this process: its locks would be the child's too.
    """
    report = folder.with_name(f"{folder.name}.events")
    report.unlink(missing_ok=True)
    close_idle()
    child = os.fork()
    if not child:
        _be_child(act, Counter(folder, kill, report))
    was_stopped = was_asked = False
    if kill and kill.seconds is not None:
        time.sleep(kill.seconds)
        was_asked = os.waitid(os.P_PID, child, _LOOK) is None
        os.kill(child, SIGNALS[kill.name])
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        was_stopped = True
        try:
            while_stopped()
        finally:
            os.kill(child, signal.SIGKILL)
    was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    text = report.read_text() if report.exists() else "0"
    n, _, error = text.partition("\n")
    was_asked |= bool(kill and kill.event and int(n) >= kill.event)
    is_term = bool(kill and kill.name == "SIGTERM" and was_asked)
    return Ending(was_killed or is_term, was_stopped, int(n), error)


def _be_child(act: Callable[[], None], counter: Counter) -> None:
    """Act and leave, without what the parent would do at its end."""
    report = counter._report
    try:
        # What a worker writes to its log would only fill that of the rig.
        log = os.open(f"{report}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        counter.install()
        act()
        counter.save()
        os._exit(0)
    except BaseException:  # noqa: BLE001  # whatever it is, the rig reports it
        report.write_text(f"{counter.n}\n{traceback.format_exc()}")
        os._exit(1)
