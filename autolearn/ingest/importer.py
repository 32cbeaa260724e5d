"""Take texts into the library: each is read, cut into passages, and kept whole or not.

Done by the reader, a process of its own, so that a study or a training does not hold
it up, and a parser that breaks takes nothing else along. What is read goes to a spool
first; one transaction then keeps it, so a kill in the middle leaves nothing behind.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile, mkdtemp
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.ports import Cancelled, Progress, Stop
from autolearn.core.records import Document, Exclusion, Passage, RunKind
from autolearn.core.run_results import ImportResult
from autolearn.core.run_settings import ImportRunSettings
from autolearn.ingest import corpora, dedup, readers
from autolearn.models import files as model_files
from autolearn.runs.context import Handler, RunContext
from autolearn.store import Store
from autolearn.text import chunking

IN_MEMORY = 8 * 2**20
"""Bytes of a text's parts that are held in memory rather than in a file."""
KB = 1024

Parts = SpooledTemporaryFile[str]


@dataclass(frozen=True)
class ImportFile:
    """A file to take in, and what it is called."""

    path: Path
    name: str


@dataclass(frozen=True)
class TextImporter:
    """What takes texts into a library."""

    store: Store
    count_tokens: chunking.CountTokens
    max_tokens: int
    stop: Stop = lambda: False
    progress: Progress = lambda stage, done, total: None
    run_id: int | None = None

    def take(self, given: list[ImportFile]) -> list[str]:
        """Take the texts in, one after the other; return why some were refused.

        Those that an interrupted run has brought already are not taken twice.

        Raises:
            Cancelled: ``stop`` says so; what came in before stays.
        """
        sizes = [one.path.stat().st_size if one.path.exists() else 0 for one in given]
        there = {d.source for d in self.store.library.brought_by(self.run_id or 0)}
        refused = []
        for i, one in enumerate(given):
            tell = self._teller(one.name, sum(sizes[:i]), sizes[i], sum(sizes))
            tell(0.0)
            if i not in there:
                try:
                    self._take(one, i, tell)
                except InputError as error:
                    refused.append(str(error))
        return refused

    def _teller(
        self, name: str, before: int, size: int, total: int
    ) -> Callable[[float], None]:
        def tell(share: float) -> None:
            if self.stop():
                raise Cancelled
            done = round((before + share * size) / KB)
            self.progress(f"reading {name}", done, max(1, round(total / KB)))

        return tell

    def _take(self, one: ImportFile, index: int, tell: Callable[[float], None]) -> None:
        before = _stamp(one.path)
        source = readers.open_source(one.path, one.name)
        with _parts() as passages, _parts() as exclusions:
            spool = _Spool(passages, exclusions)
            for passage in chunking.passages(
                spool.blocks(source, tell), self.count_tokens, self.max_tokens
            ):
                spool.keep(passage)
            if _stamp(one.path) != before:
                raise InputError(
                    f"{one.name} has changed while it was read; add it again."
                )
            if not spool.says:
                raise InputError(
                    f"{one.name} is empty; there is nothing to learn from it."
                )
            document = Document(
                name=one.name,
                digest=spool.digest.hexdigest(),
                n_characters=spool.n_characters,
                media_type=source.media_type,
                note=source.note,
                run_id=self.run_id,
                source=index,
            )
            self.store.library.add_document(
                document, spool.passages(), spool.exclusions()
            )


class _Spool:
    """The parts of one text, until all of it has been read."""

    def __init__(self, passages: Parts, exclusions: Parts) -> None:
        self.digest = hashlib.sha256()
        self.n_characters = 0
        self.says = False
        self._passages, self._exclusions = passages, exclusions

    def blocks(
        self, source: readers.Source, tell: Callable[[float], None]
    ) -> Iterator[chunking.Block]:
        """Yield what is part of the text; keep what is not."""
        for piece in source.pieces:
            tell(piece.share)
            if piece.left_out:
                out = Exclusion(0, self.n_characters, piece.text, piece.left_out)
                _write(self._exclusions, out)
                continue
            self.digest.update(piece.text.encode())
            self.n_characters += len(piece.text)
            self.says = self.says or bool(piece.text.strip())
            yield piece.text, piece.opens

    def keep(self, passage: Passage) -> None:
        """Keep a passage."""
        _write(self._passages, passage)

    def passages(self) -> Iterator[Passage]:
        """Yield the passages again."""
        return (Passage(**row) for row in _rows(self._passages))

    def exclusions(self) -> Iterator[Exclusion]:
        """Yield what was left out."""
        return (Exclusion(**row) for row in _rows(self._exclusions))


def _parts() -> Parts:
    return SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")


def _write(file: Parts, record: Any) -> None:
    file.write(json.dumps(asdict(record)) + "\n")


def _rows(file: Parts) -> Iterator[dict[str, Any]]:
    file.seek(0)
    return (json.loads(line) for line in file)


def _stamp(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def given(
    store: Store,
    paths: Sequence[Path],
    uploads: Sequence[Path],
    pasted: tuple[str, str] | None,
) -> tuple[str | None, list[ImportFile]]:
    """Return the place and the name of each text that an import is to read.

    Returns:
        The folder, if there is one, in which uploads and the pasted text are kept
        until then, and the texts.

    Raises:
        InputError: A folder holds nothing to read, or the workspace is full.
    """
    found = [
        ImportFile(file.resolve(), _told(file, path))
        for path in paths
        for file in readers.files(path)
    ]
    if not (uploads or pasted):
        return None, found
    folder = Path(mkdtemp(dir=store.subfolder("incoming"))).resolve()
    return str(folder), [*found, *_put_aside(folder, uploads, pasted)]


def _told(file: Path, given: Path) -> str:
    """Return what a file is called: by its place in the folder that was given."""
    name = file.relative_to(given) if file != given else Path(file.name)
    return str(name).encode(errors="replace").decode()


def _put_aside(
    folder: Path, uploads: Sequence[Path], pasted: tuple[str, str] | None
) -> Iterator[ImportFile]:
    """Copy uploads and a pasted text into a folder; yield them as given.

    Raises:
        InputError: The folder cannot take them.
    """
    try:
        yield from _copied(folder, uploads, pasted)
    except OSError as error:
        raise InputError(
            f"The texts cannot be put aside in {folder}: {error.strerror or error}."
        ) from error


def _copied(
    folder: Path, uploads: Sequence[Path], pasted: tuple[str, str] | None
) -> Iterator[ImportFile]:
    for i, upload in enumerate(uploads):
        path = folder / f"{i}{upload.suffix}"
        shutil.copyfile(upload, path)
        yield ImportFile(path.resolve(), _told(upload, upload))
    if pasted:
        name, text = pasted
        path = folder / ("pasted.md" if name.endswith(".md") else "pasted.txt")
        path.write_text(text, encoding="utf-8", errors="replace")
        yield ImportFile(path.resolve(), name)


def import_(context: RunContext) -> ImportResult:
    """Take in what a run names; return what came in and what was refused."""
    wanted, store = ImportRunSettings.of(context.run), context.store
    if wanted.corpus:
        return _corpus(context)
    intake = TextImporter(
        store=store,
        count_tokens=model_files.token_counter(model_files.locate(wanted.model)),
        max_tokens=wanted.passage_tokens,
        stop=context.stop,
        progress=context.progress,
        run_id=context.run.id,
    )
    texts = [ImportFile(Path(one.path or ""), one.name) for one in wanted.given]
    refused = intake.take(texts)
    brought = store.library.brought_by(context.run.id)
    context.progress("looking for repeats", 0, 1)
    n_repeats = dedup.mark(store, {one.id for one in brought}, context.stop)
    _drop(context)
    if refused and not brought:
        raise InputError(" ".join(refused))
    return ImportResult(len(brought), tuple(refused), n_repeats)


def _corpus(context: RunContext) -> ImportResult:
    try:
        made = corpora.read_corpus(context)
    except Cancelled:
        raise  # an upload is needed when the run is resumed
    except BaseException:
        _drop(context)
        raise
    _drop(context)
    return made


def _drop(context: RunContext) -> None:
    """Remove the folder in which an upload was put aside."""
    if staged := ImportRunSettings.of(context.run).staged:
        shutil.rmtree(staged, ignore_errors=True)


HANDLERS: dict[RunKind, Handler] = {"import": import_}
