"""Download models from the hub; done by the fetcher, a process of its own.

So a study, a training or the reading of texts does not wait for a download, and a
download does not wait for them.
"""

from typing import Any

from autolearn.core.records import RunKind
from autolearn.models.sources import hub
from autolearn.runs.context import Handler, RunContext

KB = 1024


def download(context: RunContext) -> dict[str, Any]:
    """Download the model that a run names; return where it is and its size."""
    name = context.run.settings["name"]
    context.progress(f"asking for {name}", 0, 0)

    def tell(stage: str, done: int, total: int) -> None:
        context.progress(stage, done // KB, max(1, total // KB))

    place = hub.fetch(name, context.stop, tell)
    return {"model": name, "path": str(place), "bytes": context.run.settings["bytes"]}


HANDLERS: dict[RunKind, Handler] = {"download": download}
