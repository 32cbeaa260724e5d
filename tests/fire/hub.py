"""A hub for the rig, in a process of its own: a fork would take its threads apart."""

import atexit
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from autolearn.models import files as model_files
from autolearn.models.sources.hub import Offer
from autolearn.services import model_actions
from tests.support.hub import NAME, Repository, files_of, serve

CACHE = "hub"
"""Folder of a workspace for what the rig downloads."""
SECONDS_A_SLICE = 0.02
"""So slow that most kills come while weights do."""


@cache
def offer() -> Offer:
    """Start the hub and return what it offers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fire.hub"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)
    assert process.stdout
    os.environ["HF_ENDPOINT"] = process.stdout.readline().strip()
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY"):
        os.environ.pop(name, None)
    return model_actions.fetch_offer(NAME)


def use_cache(workspace: Path) -> None:
    """Let this process download into a folder of the workspace."""
    os.environ["HF_HUB_CACHE"] = str(workspace / CACHE)


def main() -> None:
    """Serve the built-in model until standard input ends."""
    with serve() as hub:
        hub.repositories[NAME] = Repository(files_of(model_files.BUILT_IN))
        hub.seconds_a_slice = SECONDS_A_SLICE
        sys.stdout.write(f"{hub.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
