"""Import packages of thousands of modules in less time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Let the garbage collector wait at the start, and ignore what was made until then.

    Modules and classes stay, so there is little to collect. Checking them again and
    again takes a fifth of the time that torch and transformers take to import, and
    later holds up the page for 140 ms at each full collection.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def left_out(package: str) -> Iterator[None]:
    """Let imports within the block do without an optional package.

    It seems not to be installed, unless it has been imported before.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # so its import fails
    try:
        yield
    finally:
        del sys.modules[package]
