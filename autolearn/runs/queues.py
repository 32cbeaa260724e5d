"""The queues of runs: which process does which kinds of runs, and by which handlers.

There are three queues: for the worker, which owns the model, for the reader, which
imports texts at the same time, and for the downloader, which downloads models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autolearn.core.records import RunKind
from autolearn.core.run_kinds import RUN_KINDS, QueueName


@dataclass(frozen=True)
class WorkerQueue:
    """Runs that one process does, one after the other."""

    name: QueueName
    """The name of its process, lock, log and pid file."""
    handlers: str
    """The module whose ``HANDLERS`` do the runs."""
    environment: Mapping[str, str] = field(hash=False)
    """Environment variables of its worker, unless the user has set them."""
    follow_up: str = ""
    """The module whose ``queue_next(store, run, result)`` queues what follows on a
    successful run, and whose ``cancel_next(store, run)`` cancels it; empty: nothing
    follows. Named, not imported, because a worker knows neither the pipeline nor the
    demo library."""

    @property
    def kinds(self) -> tuple[RunKind, ...]:
        """The kinds of runs that wait in it."""
        return tuple(k for k, traits in RUN_KINDS.items() if traits.queue == self.name)

    @property
    def pid_file(self) -> str:
        """The name of the file with the id of its process."""
        return f"{self.name}.pid"


_OFFLINE = {
    # Waiting threads spin only briefly. If they spin for long, they starve other
    # processes on the same cores; if they do not, every small operation waits for them
    # to wake up.
    "GOMP_SPINCOUNT": "5000",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",  # bars would only fill the log
    "TOKENIZERS_PARALLELISM": "false",
}
MODEL_QUEUE = WorkerQueue(
    "worker",
    "autolearn.handlers.model_runs",
    _OFFLINE,
    follow_up="autolearn.services.pipeline",
)
IMPORT_QUEUE = WorkerQueue("reader", "autolearn.ingest.importer", _OFFLINE)
DOWNLOAD_QUEUE = WorkerQueue("downloader", "autolearn.handlers.download", {})
QUEUES: dict[QueueName, WorkerQueue] = {
    queue.name: queue for queue in (MODEL_QUEUE, IMPORT_QUEUE, DOWNLOAD_QUEUE)
}


def queue_of(kind: RunKind) -> WorkerQueue:
    """Return where runs of a kind are done."""
    return QUEUES[RUN_KINDS[kind].queue]
