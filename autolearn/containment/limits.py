"""How much time and memory a piece of work may take, and how that is enforced."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

MIB = 1 << 20
WALL_FACTOR = 3
"""A child that waits for a processor may take this many times its computing time."""


@dataclass(frozen=True)
class Limits:
    """The limits of a call."""

    seconds: float = 60.0
    """Computing time. The time on the clock may be ``WALL_FACTOR`` times as long."""
    memory: int = 1536 * MIB
    """Bytes beyond those that the process has at the start of the call."""

    @classmethod
    def for_bytes(
        cls,
        n_bytes: int,
        *,
        seconds: float = 60.0,
        seconds_per_mib: float = 20.0,
        memory_per_byte: float = 0.0,
    ) -> "Limits":
        """Return limits that grow with the size of the input."""
        return cls(
            seconds + seconds_per_mib * n_bytes / MIB,
            cls.memory + round(memory_per_byte * n_bytes),
        )


@contextmanager
def enforced(limits: Limits) -> Iterator[None]:
    """Let the system enforce limits on this process while the block lasts.

    Allocations beyond the limit fail with ``MemoryError`` (Linux). Computing beyond
    the time ends the process (Linux, macOS), even if its parent has ended.
    """
    with limited_memory(limits.memory), _limited_time(limits.seconds):
        yield


@contextmanager
def limited_memory(n_bytes: int) -> Iterator[None]:
    """Let allocations fail that need more than ``n_bytes`` beyond today's (Linux)."""
    if sys.platform != "linux":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _address_space() + n_bytes
    for bound in (soft, hard):
        limit = limit if bound == resource.RLIM_INFINITY else min(limit, bound)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """Return the address space of this process in bytes."""
    n_pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(n_pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    # The parent kills at the deadline; this is for a child without a parent.
    limit = int(usage.ru_utime + usage.ru_stime + seconds) + 2
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def limit_files(n_bytes: int) -> None:
    """Let no file grow beyond ``n_bytes`` that this process writes (Linux, macOS)."""
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
