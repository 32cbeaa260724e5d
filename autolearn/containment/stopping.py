"""Stop requests for the work of a thread, and how it is interrupted.

Most work asks between two steps whether to stop. The code of others has no such steps:
a call of a child ends with the child, and Python code, such as a template, is
interrupted by an exception.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from autolearn.core.ports import Cancelled, Stop

_current: ContextVar[Stop] = ContextVar("stop", default=lambda: False)
_lock = threading.RLock()
_interruptible: set[int] = set()
"""The threads that may be interrupted at this moment."""


@contextmanager
def stopped_by(stop: Stop) -> Iterator[None]:
    """Let ``stop`` end the work within the block with ``Cancelled``.

    That is each call of a child, and each pass of a model that only reads or writes.
    """
    token = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(token)


def is_stopped() -> bool:
    """Return whether the work of this thread is to stop."""
    return _current.get()()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let ``interrupt`` end the block with ``Cancelled``, between two bytecodes.

    Only for code that leaves nothing half done.
    """
    thread = threading.get_ident()
    with _lock:
        _interruptible.add(thread)
    try:
        yield
    finally:
        # After this an exception is no longer sent; one that was sent is raised here.
        with _lock:
            _interruptible.discard(thread)


def interrupt() -> None:
    """Interrupt all threads that may be interrupted."""
    with _lock:
        for thread in _interruptible:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(Cancelled)
            )
