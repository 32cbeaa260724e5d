"""How packages of thousands of modules are imported in less time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Let the garbage collector wait while large packages are imported.

    Modules and classes stay, so there is little to collect. To look through them again
    and again takes a fifth of the time that torch and transformers take to import.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
