"""The tree of errors; every message is written for the user.

AutolearnError
├── InputError            what was given cannot be used
│   └── Outdated          it was made on something that has changed since
├── PromptError           a prompt file and its variables do not fit
├── BackendError          the model cannot do what was asked
│   ├── ModelNotFound     no usable model at that place
│   └── OutOfMemory       the device is too small for these settings
├── TrainingError         a round cannot continue
├── ProcessLost           one of several processes that train a round was ended
├── StoreError            the database cannot be used
│   └── SchemaTooNew      it was written by a newer autolearn
├── ChildFailed           work in a child process ended without a result
└── JobError              a run cannot be started or continued
    ├── AlreadyQueued     a run in the queue does the same
    ├── WorkerBusy        another worker owns this workspace
    └── WorkerLost        the worker ended in the middle of a run
"""

from collections.abc import Mapping
from typing import Any, Literal

ChildEnd = Literal["time", "memory", "signal", "error"]
"""How work in a child process ended: it took too long or too much memory, or it failed
by a signal or an error."""


class AutolearnError(Exception):
    """Any failure that is reported to the user in one clear sentence."""

    def __init__(self, message: str, *, command: str = "") -> None:
        """Take the sentence, and the command that does what the sentence advises.

        Args:
            message: The sentence, true for the page, the command line and programs.
            command: What follows ``python -m autolearn``; only shown in a terminal.
        """
        super().__init__(message)
        self.command = command

    def for_terminal(self) -> str:
        """Return the sentence, and the command in a line below it."""
        command = f"\nCommand: python -m autolearn {self.command}"
        return f"{self}{command if self.command else ''}"


class InputError(AutolearnError):
    """The input cannot be used; the text says what to give instead."""


class Outdated(InputError):
    """A decision was made on a sample that was changed since."""


class PromptError(AutolearnError):
    """A prompt file is missing, malformed, or does not fit its variables."""


class BackendError(AutolearnError):
    """The model cannot do what was asked of it."""


class ModelNotFound(BackendError):
    """There is no usable model at the place that was named."""


class OutOfMemory(BackendError):
    """The device has too little memory for this model with these settings."""

    def __init__(self, message: str, advice: Mapping[str, Any] | None = None) -> None:
        """Take the sentence, and the settings to change so that it would fit."""
        super().__init__(message)
        self.advice = dict(advice or {})


class TrainingError(AutolearnError):
    """A round cannot continue, for instance because its loss is not a number."""


class ProcessLost(AutolearnError):
    """One of several processes that train a round was ended; it can be resumed."""


class StoreError(AutolearnError):
    """The workspace or its database cannot be read or written."""


class SchemaTooNew(StoreError):
    """The database was written by a newer autolearn."""


class ChildFailed(AutolearnError):
    """Work in a child process ended without a result; the text is a predicate."""

    def __init__(self, message: str, how: ChildEnd) -> None:
        """Take the end of a sentence, such as "takes longer than 60 seconds"."""
        super().__init__(message)
        self.how = how


class JobError(AutolearnError):
    """A run cannot be started or continued as asked."""


class AlreadyQueued(JobError):
    """A run that is queued or running does exactly the same."""


class WorkerBusy(JobError):
    """Another worker already owns this workspace."""


class WorkerLost(JobError):
    """The worker ended in the middle of a run; the run can be resumed."""
