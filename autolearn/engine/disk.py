"""Failures while weights are written, as errors of the operating system.

torch and safetensors report a full disk as their own errors. The worker reports an
``OSError`` in one sentence and lets the run be resumed.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

SMALL = 1 << 20
"""Free bytes below which a disk counts as full."""


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Raise what fails while this file is written as ``OSError``."""
    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        is_full = shutil.disk_usage(path.parent).free < SMALL
        number = errno.ENOSPC if is_full else errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from error
