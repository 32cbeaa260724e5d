"""Memory of the page's process after many visits: ``python -m benchmarks.visits``."""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks import apps
from benchmarks.visitor import Visitor

TABS = ("Library", "Study", "Review", "History")
AT_ONCE = 10
"""So many visitors are there together; then all of them leave."""
STEPS = (0, 10, 20, 40, 80)
SETTLE_SECONDS = 3.0


def main() -> None:
    """Let visitors come and go, and print what the process holds."""
    with tempfile.TemporaryDirectory() as place:
        app, url = apps.start(Path(place), {**os.environ, "TMPDIR": place})
        process, n_visits = psutil.Process(app.pid), 0
        try:
            for step in STEPS:
                while n_visits < step:
                    _visit(url)
                    n_visits += AT_ONCE
                time.sleep(SETTLE_SECONDS)
                memory = process.memory_info().rss / (1 << 20)
                sys.stdout.write(
                    f"{n_visits:4} visits: {memory:5.0f} MiB, "
                    f"{process.num_threads()} threads, {process.num_fds()} files\n"
                )
                sys.stdout.flush()
        finally:
            apps.end(app)


def _visit(url: str) -> None:
    """Let visitors load the page and open tabs, and leave together."""
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            visitor = stack.enter_context(Visitor(url))
            for name in TABS:
                visitor.open_tab(name)


if __name__ == "__main__":
    main()
