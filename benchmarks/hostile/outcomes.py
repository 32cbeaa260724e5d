"""Read hostile documents and folders as the app does, and measure it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autolearn.containment import Child, Limits
from autolearn.core.errors import AutolearnError, BackendError, ChildFailed
from autolearn.core.ports import Cancelled
from autolearn.core.reading import ReadingChoices
from autolearn.engine import finite
from autolearn.ingest.parsing import ContainedParser, ImportFile
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.store import Store

LOOK_SECONDS = 0.02
"""How often the page looks into its database."""
CANCEL_AFTER = 0.3
"""Seconds after which a document is cancelled."""


@dataclass(frozen=True)
class Outcome:
    """How one document or folder ended."""

    name: str
    seconds: float
    peak_mib: int
    sentence: str
    """What the person is told; empty if it was read."""
    cancel_seconds: float | None = None
    """Time from cancelling to the end; None if it ended sooner."""


def of_document(parser: ContainedParser, path: Path) -> Outcome:
    """Read a document, twice: to its end, and cancelled."""
    begin = time.monotonic()
    sentence = _read(parser, path, lambda: False)
    seconds = time.monotonic() - begin
    peak = parser.child.peak >> 20
    cancelled = _cancelled(parser, path) if seconds > 3 * CANCEL_AFTER else None
    return Outcome(path.name, seconds, peak, sentence, cancelled)


def _read(parser: ContainedParser, path: Path, stop: Callable[[], bool]) -> str:
    file = ImportFile(path, path.name)
    try:
        with parser.parse(file, ReadingChoices(), lambda share: None, stop):
            return ""
    except AutolearnError as error:
        return str(error)


def _cancelled(parser: ContainedParser, path: Path) -> float | None:
    end = time.monotonic() + CANCEL_AFTER
    try:
        _read(parser, path, lambda: time.monotonic() > end)
    except Cancelled:
        return time.monotonic() - end
    return None


def of_folder(folder: Path) -> Outcome:
    """Look at a model folder as the page does."""
    begin, sentence = time.monotonic(), ""
    try:
        model_files.locate(str(folder))
        model_shape.of(folder)
        model_files.digest(folder)
    except AutolearnError as error:
        sentence = str(error)
    return Outcome(folder.name, time.monotonic() - begin, 0, sentence)


def of_loading(child: Child, folder: Path, limits: Limits) -> Outcome:
    """Try tokenizer, template and weights of a folder as the worker does."""
    begin, sentence = time.monotonic(), ""
    try:
        child.call("autolearn.engine.tokenizer_trial:try_out", folder, limits=limits)
        finite.check(model_files.weight_files(folder))
    except (ChildFailed, BackendError) as error:
        sentence = str(error)
    seconds = time.monotonic() - begin
    return Outcome(folder.name, seconds, child.peak >> 20, sentence)


class Page:
    """Looks into the database again and again, as the page does for its visitors."""

    def __init__(self) -> None:
        self.slowest = 0.0
        """The longest time that a look took, in seconds."""
        self.over = threading.Event()

    def look(self, workspace: Path) -> None:
        """Look until it is over."""
        with Store.open(workspace) as store:
            while not self.over.wait(LOOK_SECONDS):
                begin = time.monotonic()
                store.library.documents()
                store.runs.in_state("running")
                self.slowest = max(self.slowest, time.monotonic() - begin)


@contextmanager
def page(workspace: Path) -> Iterator[Page]:
    """Let a page look at a workspace while the block lasts."""
    visitor = Page()
    thread = threading.Thread(target=visitor.look, args=(workspace,))
    thread.start()
    try:
        yield visitor
    finally:
        visitor.over.set()
        thread.join()
