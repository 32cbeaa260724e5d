"""trackio, TensorBoard and Weights & Biases behind one protocol.

None of these packages comes with autolearn; each is imported when it is used. All write
into the folder of the workspace. Weights & Biases works offline unless the environment
variable ``WANDB_MODE`` says otherwise.
"""

import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from autolearn.core import atomic
from autolearn.core.errors import JobError
from autolearn.core.settings import Tracker

PROJECT = "autolearn"
"""The name of the project in every tracker."""
FOLDER = "tracking"
"""The folder of the workspace that trackers write into."""


@dataclass(frozen=True)
class TrackedRun:
    """A run as a tracker knows it."""

    workspace: Path
    name: str
    config: Mapping[str, Any]
    """The settings of the run."""

    def folder(self, tracker: Tracker) -> Path:
        """Return where a tracker keeps its files."""
        return self.workspace / FOLDER / tracker


class TrackerRun(Protocol):
    """An open run of a tracker. A method may raise whatever its package raises."""

    last_step: int
    """The last step that the tracker has; -1: none."""

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store the numbers of a step."""

    def close(self) -> None:
        """Write all that is still in memory."""


class TensorBoardRun:
    """Event files, which ``tensorboard --logdir`` shows."""

    def __init__(self, run: TrackedRun):
        folder = str(run.folder("tensorboard") / run.name)
        events = importlib.import_module(
            "tensorboard.backend.event_processing.event_accumulator"
        ).EventAccumulator(folder, size_guidance={"scalars": 1})
        writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(folder)
        events.Reload()
        names = events.Tags()["scalars"]
        steps = [events.Scalars(name)[-1].step for name in names]
        self.last_step = max(steps, default=-1)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store the numbers of a step, also if the process is killed after this."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class TrackioRun:
    """A local database, which ``trackio show`` shows."""

    def __init__(self, run: TrackedRun):
        # Read when the package is imported. Nothing is sent to a Space or server.
        os.environ["TRACKIO_DIR"] = str(run.folder("trackio"))
        for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL"):
            os.environ.pop(name, None)
        trackio = importlib.import_module("trackio")
        storage = importlib.import_module("trackio.sqlite_storage").SQLiteStorage
        last_step = storage.get_max_step_for_run(PROJECT, run.name)
        self.last_step = -1 if last_step is None else int(last_step)
        self._run = trackio.init(
            PROJECT,
            run.name,
            config=dict(run.config),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store the numbers of a step; they are written within half a second."""
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        """Wait until all is written."""
        self._run.finish()


class WandbRun:
    """Files of Weights & Biases, which a person may upload with ``wandb sync``.

    Each attempt has a separate folder, in which a kill leaves a part of the steps. A
    folder that was not closed is therefore removed, and its steps are sent again. A
    run that is online skips the steps that the server has.
    """

    def __init__(self, run: TrackedRun):
        self._folder = run.folder("wandb")
        self._attempts = f"wandb/offline-run-*-{run.name}"
        self._note = self._folder / f"{run.name}.json"
        closed: dict[str, Any] = {"step": -1, "attempts": []}
        if self._note.is_file():
            closed = json.loads(self._note.read_text(encoding="utf-8"))
        for attempt in self._folder.glob(self._attempts):
            if attempt.name not in closed["attempts"]:
                shutil.rmtree(attempt)
        self.last_step = self._step = int(closed["step"])
        self._run = self._opened(run)

    def _opened(self, run: TrackedRun) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("WANDB_MODE", "offline")
        # Read when the package is imported; it would report its own errors.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        wandb = importlib.import_module("wandb")
        options = {"console": "off", "x_disable_stats": True, "disable_git": True}
        return wandb.init(
            project=PROJECT,
            id=run.name,
            dir=self._folder,
            config=dict(run.config),
            resume="allow",
            settings=wandb.Settings(**options, save_code=False),
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store the numbers of a step."""
        self._run.log(dict(numbers), step=step)
        self._step = step

    def close(self) -> None:
        """Write the end of the attempt, and note that it is complete."""
        self._run.finish()
        attempts = sorted(path.name for path in self._folder.glob(self._attempts))
        note = {"step": self._step, "attempts": attempts}
        atomic.write_text(self._note, json.dumps(note))


OPEN: dict[Tracker, Callable[[TrackedRun], TrackerRun]] = {
    "trackio": TrackioRun,
    "tensorboard": TensorBoardRun,
    "wandb": WandbRun,
}
"""Opens a run in a tracker, or the one that an earlier attempt has begun."""


def check_installed(tracker: Tracker | None) -> None:
    """Refuse a tracker whose package is missing, before anything is queued.

    Raises:
        JobError: It is missing.
    """
    if tracker is None:
        return
    spec = importlib.util.find_spec(tracker)
    # A plain folder of that name, such as one with runs of W&B, has no origin.
    if spec is None or spec.origin is None:
        raise JobError(
            f"{tracker} is not installed, so this training cannot be tracked; install "
            f"it with: pip install {tracker}, or choose no tracker."
        )
