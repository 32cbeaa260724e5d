"""Download models from the hub, in the downloader, a separate process.

So a study, a training or the reading of texts does not wait for a download, and a
download does not wait for them.
"""

from autolearn.core.records import RunKind
from autolearn.core.run_results import DownloadResult
from autolearn.core.run_settings import DownloadRunSettings
from autolearn.models.sources import hub
from autolearn.runs.context import Handler, RunContext

KB = 1024


def download(context: RunContext) -> DownloadResult:
    """Download the model that a run names; return where it is and its size."""
    settings = DownloadRunSettings.of(context.run)
    name = settings.name
    context.progress(f"asking for {name}", 0, 0)

    def tell(stage: str, n_bytes: int, total: int) -> None:
        context.progress(stage, n_bytes // KB, max(1, total // KB))

    place = hub.fetch(name, context.stop, tell)
    return DownloadResult(name, str(place), settings.bytes)


HANDLERS: dict[RunKind, Handler] = {"download": download}
