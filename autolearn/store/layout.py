"""The files and folders of a workspace that several packages use, by their names."""

from pathlib import Path

DATABASE = "autolearn.db"
ADAPTERS = "adapters"
"""One PEFT folder for each round."""
CHECKPOINTS = "checkpoints"
"""The states of rounds in training, a folder for each round."""
EXPORTS = "exports"
INCOMING = "incoming"
"""Texts that wait to be read, a folder for each import."""
LOGS = "logs"
PAGE_LOCK = "page.lock"
"""Held by the page that serves the workspace."""
PAGE_ADDRESS = "page.url"
"""The address of that page."""


def round_name(round_id: int) -> str:
    """Return the name of the folders of a round."""
    return f"round-{round_id}"


def adapter(round_id: int) -> str:
    """Return the folder of the adapter of a round, relative to the workspace."""
    return f"{ADAPTERS}/{round_name(round_id)}"


def checkpoints(workspace: Path, round_id: int) -> Path:
    """Return the folder with the states of a round in training."""
    return workspace / CHECKPOINTS / round_name(round_id)


def run_log(workspace: Path, run_id: int) -> Path:
    """Return the file with the log of a run."""
    return workspace / LOGS / f"run-{run_id}.log"


def worker_log(workspace: Path, queue_name: str) -> Path:
    """Return the log file of the worker of a queue."""
    return workspace / LOGS / f"{queue_name}.log"


def stored_path(workspace: Path, path: Path | None) -> str | None:
    """Return a path as rows keep it; ``workspace`` joined with it is the path again.

    Within the workspace it is relative, so that it stays right when the workspace is
    moved, or restored elsewhere. None stays None.
    """
    if path is None:
        return None
    place, folder = path.absolute(), workspace.absolute()
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place)
