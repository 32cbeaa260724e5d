"""Parse a file into passages and exclusions, in this process or in a child.

Our own texts are parsed here. What a person adds is parsed in a child, which can be
stopped at any moment and cannot take too much time or memory. Both run the same
function; only its results, as files, come back.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

from autolearn.containment import Child, Limits
from autolearn.core.codec import JsonRecord
from autolearn.core.errors import ChildFailed, InputError
from autolearn.core.ports import Stop
from autolearn.core.reading import Reading, ReadingChoices
from autolearn.ingest import readers
from autolearn.ingest.row_kinds import NotTexts, RowKind
from autolearn.ingest.spool import Spool, spooled
from autolearn.models import token_counting
from autolearn.store import Store
from autolearn.text import chunking

FOLDER = "parsed"
"""The folder of the workspace for the parts of the file that is being read."""

REPORT_SECONDS = 0.1

OnProgress = Callable[[float], None]
"""Gets the share of a file that has been read, 0..1."""


@dataclass(frozen=True)
class ImportFile:
    """A file to import, and its display name."""

    path: Path
    name: str


@dataclass(frozen=True)
class ParsedText(JsonRecord):
    """Facts about a text, besides its passages and exclusions."""

    media_type: str
    note: str
    digest: str
    n_characters: int
    has_text: bool
    """Whether it has any text."""
    reading: Reading = field(default_factory=Reading)
    repeats: tuple[tuple[int, int], ...] = ()
    """See ``Spool.repeats``."""


class Parser(Protocol):
    """Parses files."""

    def parse(
        self,
        file: ImportFile,
        choices: ReadingChoices,
        on_progress: OnProgress,
        stop: Stop,
    ) -> AbstractContextManager[tuple[ParsedText, Spool]]:
        """Yield the facts about a text, and its parts for as long as the block lasts.

        Raises:
            Cancelled: ``stop`` returned True, or ``on_progress`` raised it.
            NotTexts: The file has rows that are not texts.
            InputError: It cannot be read; the message begins with its name.
        """


@dataclass(frozen=True)
class LocalParser:
    """Parses texts that are known to be harmless, in this process."""

    count_tokens: chunking.CountTokens
    max_tokens: int

    @contextmanager
    def parse(
        self,
        file: ImportFile,
        choices: ReadingChoices,
        on_progress: OnProgress,
        stop: Stop,
    ) -> Iterator[tuple[ParsedText, Spool]]:
        """Parse a file; see ``Parser.parse``."""
        with spooled() as spool:
            yield _parse(file, choices, self, spool, on_progress), spool


@dataclass(frozen=True)
class ContainedParser:
    """Parses files in a child."""

    child: Child
    workspace: Path
    model: Path
    """The folder of the model whose tokens are counted."""
    max_tokens: int
    limits: Callable[[int], Limits] = Limits.for_bytes
    """Returns the limits for a file of this many bytes."""

    @contextmanager
    def parse(
        self,
        file: ImportFile,
        choices: ReadingChoices,
        on_progress: OnProgress,
        stop: Stop,
    ) -> Iterator[tuple[ParsedText, Spool]]:
        """Parse a file; see ``Parser.parse``."""
        with TemporaryDirectory(dir=self.workspace / FOLDER) as folder:
            facts = self._facts(file, choices, Path(folder), on_progress, stop)
            with spooled(Path(folder)) as spool:
                spool.repeats = list(facts.repeats)
                yield facts, spool

    def _facts(
        self,
        file: ImportFile,
        choices: ReadingChoices,
        folder: Path,
        on_progress: OnProgress,
        stop: Stop,
    ) -> ParsedText:
        size = file.path.stat().st_size if file.path.exists() else 0
        try:
            result = self.child.call(
                "autolearn.ingest.parsing:parse_into",
                *(file.path, file.name, choices.as_dict()),
                *((str(self.model), self.max_tokens), folder),
                limits=self.limits(size),
                stop=stop,
                on_report=on_progress,
            )
        except ChildFailed as error:
            raise InputError(f"{file.name} {error}; {_advice(error)}.") from error
        if "kind" in result:
            raise NotTexts(result["sentence"], cast(RowKind, result["kind"]))
        return ParsedText.from_dict(result)


def _advice(error: ChildFailed) -> str:
    if error.how in ("time", "memory"):
        return "split it, or save its text as .txt"
    return "save its text as .txt"


@contextmanager
def contained_parser(
    store: Store,
    model: Path,
    max_tokens: int,
    limits: Callable[[int], Limits] = Limits.for_bytes,
) -> Iterator[ContainedParser]:
    """Yield a parser with its own child; remove what a killed reader left.

    Raises:
        BackendError: The tokenizer of the model cannot be used.
    """
    shutil.rmtree(store.folder / FOLDER, ignore_errors=True)
    store.subfolder(FOLDER)
    with Child() as child:
        # Whatever fails here is the fault of the tokenizer, not of a text.
        token_counting.try_in(child, model)
        yield ContainedParser(child, store.folder, model, max_tokens, limits)


def parse_into(
    path: str,
    name: str,
    choices: dict[str, Any],
    measure: tuple[str, int],
    folder: str,
    *,
    report: OnProgress,
) -> dict[str, Any]:
    """Parse a file in the child; its parts go to files in ``folder``.

    ``measure`` is the folder of the model whose tokens are counted, and how many of
    them a passage may have.

    Returns:
        The ``ParsedText``, or sentence and kind of a file whose rows are not texts.
    """
    model, max_tokens = measure
    parser = LocalParser(token_counting.local_counter(Path(model)), max_tokens)
    file = ImportFile(Path(path), name)
    try:
        with spooled(Path(folder)) as spool:
            facts = _parse(
                file, ReadingChoices.from_dict(choices), parser, spool, _seldom(report)
            )
    except NotTexts as error:
        return {"sentence": str(error), "kind": error.kind}
    return facts.as_dict()


def _seldom(report: OnProgress) -> OnProgress:
    """Report often enough to show progress, and seldom enough to cost nothing."""
    last = 0.0

    def tell(share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_SECONDS:
            last = now
            report(share)

    return tell


def _parse(
    file: ImportFile,
    choices: ReadingChoices,
    parser: LocalParser,
    spool: Spool,
    on_progress: OnProgress,
) -> ParsedText:
    source = readers.open_source(file.path, file.name, choices)
    for chunk in chunking.chunks(
        spool.blocks(source, on_progress),
        parser.count_tokens,
        parser.max_tokens,
        headings=source.headings,
    ):
        spool.keep(chunk)
    return ParsedText(
        media_type=source.media_type,
        note="\n".join(filter(None, (source.note, *spool.notes))),
        digest=spool.digest.hexdigest(),
        n_characters=spool.n_characters,
        has_text=spool.has_text,
        reading=Reading(choices, source.encoding, source.encodings, source.columns),
        repeats=tuple(spool.repeats),
    )
