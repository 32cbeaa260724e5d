"""Who may stop the work that this thread waits for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from autolearn.core.ports import Stop

_current: ContextVar[Stop] = ContextVar("stop", default=lambda: False)


@contextmanager
def stopped_by(stop: Stop) -> Iterator[None]:
    """Let ``stop`` end each call of a child within the block, with ``Cancelled``."""
    token = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(token)


def is_stopped() -> bool:
    """Return whether the work of this thread is to stop."""
    return _current.get()()
