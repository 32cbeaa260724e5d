"""Import texts into the library: read each file, cut it into passages, store it.

The reader does this in a process of its own. A study or a training does not wait for
it, and a crashing parser harms nothing else. What is read goes to a temporary file
first. One transaction then stores it, so a kill leaves nothing behind.
"""

import bisect
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
from autolearn.text import chunking, units

IN_MEMORY = 8 * 2**20
"""Bytes of a text's parts that stay in memory before a file is used."""
KB = 1024

Parts = SpooledTemporaryFile[str]


@dataclass(frozen=True)
class ImportFile:
    """A file to import, and its display name."""

    path: Path
    name: str


@dataclass(frozen=True)
class TextImporter:
    """Imports texts into a library."""

    store: Store
    count_tokens: chunking.CountTokens
    max_tokens: int
    stop: Stop = lambda: False
    progress: Progress = lambda stage, done, total: None
    run_id: int | None = None

    def take(self, files: list[ImportFile]) -> list[str]:
        """Import files one after the other; return why some were refused.

        Files that an interrupted run has imported are skipped.

        Raises:
            Cancelled: ``stop`` returned True. Files imported before stay.
        """
        sizes = [
            file.path.stat().st_size if file.path.exists() else 0 for file in files
        ]
        done = {d.source for d in self.store.library.brought_by(self.run_id or 0)}
        errors = []
        for i, file in enumerate(files):
            tell = self._teller(file.name, sum(sizes[:i]), sizes[i], sum(sizes))
            tell(0.0)
            if i not in done:
                try:
                    self._take(file, i, tell)
                except InputError as error:
                    errors.append(str(error))
        return errors

    def _teller(
        self, name: str, before: int, size: int, total: int
    ) -> Callable[[float], None]:
        def tell(share: float) -> None:
            if self.stop():
                raise Cancelled
            done = round((before + share * size) / KB)
            self.progress(f"reading {name}", done, max(1, round(total / KB)))

        return tell

    def _take(
        self, file: ImportFile, index: int, tell: Callable[[float], None]
    ) -> None:
        stamp = _stamp(file.path)
        source = readers.open_source(file.path, file.name)
        with _parts() as passages, _parts() as exclusions:
            spool = _Spool(passages, exclusions)
            for chunk in chunking.chunks(
                spool.blocks(source, tell),
                self.count_tokens,
                self.max_tokens,
                headings=source.headings,
            ):
                spool.keep(chunk)
            if _stamp(file.path) != stamp:
                raise InputError(
                    f"{file.name} has changed while it was read; add it again."
                )
            if not spool.says:
                raise InputError(
                    f"{file.name} is empty; there is nothing to learn from it."
                )
            document = Document(
                name=file.name,
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
    """The parts of one text until all of it has been read."""

    def __init__(self, passages: Parts, exclusions: Parts) -> None:
        self.digest = hashlib.sha256()
        self.n_characters = 0
        """Characters of the passages, with those that are repeated in them."""
        self.says = False
        self._n_read = 0
        self._repeats: list[tuple[int, int]] = []
        self._passages, self._exclusions = passages, exclusions

    def blocks(
        self, source: readers.Source, tell: Callable[[float], None]
    ) -> Iterator[units.Block]:
        """Yield the blocks of the text; store what is left out of it."""
        for piece in source.pieces:
            tell(piece.share)
            if piece.left_out:
                exclusion = Exclusion(0, self._n_read, piece.text, piece.left_out)
                _write(self._exclusions, exclusion)
                continue
            self.digest.update(piece.text.encode())
            self._n_read += len(piece.text)
            self.says = self.says or bool(piece.text.strip())
            yield piece.text, piece.opens

    def keep(self, chunk: chunking.Chunk) -> None:
        """Store a passage."""
        if chunk.n_repeated:
            n_before = sum(n for _, n in self._repeats[-1:])
            place = chunk.passage.start - n_before
            self._repeats.append((place, n_before + chunk.n_repeated))
        self.n_characters = chunk.passage.end
        _write(self._passages, chunk.passage)

    def passages(self) -> Iterator[Passage]:
        """Yield the stored passages."""
        return (Passage(**row) for row in _rows(self._passages))

    def exclusions(self) -> Iterator[Exclusion]:
        """Yield what was left out, at its place between the passages.

        Passages that repeat a table's header are longer than what was read of them.
        """
        for row in _rows(self._exclusions):
            i = bisect.bisect_right(self._repeats, row["at"], key=lambda pair: pair[0])
            shift = self._repeats[i - 1][1] if i else 0
            yield Exclusion(**row | {"at": row["at"] + shift})


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
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def given(
    store: Store,
    paths: Sequence[Path],
    uploads: Sequence[Path],
    pasted_text: tuple[str, str] | None,
) -> tuple[str | None, list[ImportFile]]:
    """Return the path and name of each text that an import is to read.

    Returns:
        The temporary folder for uploads and the pasted text, None if there are none,
        and the texts.

    Raises:
        InputError: A folder has no readable file, or the workspace is full.
    """
    texts = [
        ImportFile(file.resolve(), _told(file, path))
        for path in paths
        for file in readers.files(path)
    ]
    if not (uploads or pasted_text):
        return None, texts
    folder = Path(mkdtemp(dir=store.subfolder("incoming"))).resolve()
    return str(folder), [*texts, *_put_aside(folder, uploads, pasted_text)]


def _told(file: Path, root: Path) -> str:
    """Return the display name of a file: its path in the given folder."""
    name = file.relative_to(root) if file != root else Path(file.name)
    return str(name).encode(errors="replace").decode()


def _put_aside(
    folder: Path, uploads: Sequence[Path], pasted_text: tuple[str, str] | None
) -> Iterator[ImportFile]:
    """Copy uploads and a pasted text into a folder; yield their entries.

    Raises:
        InputError: The folder cannot be written.
    """
    try:
        yield from _copied(folder, uploads, pasted_text)
    except OSError as error:
        raise InputError(
            f"The texts cannot be put aside in {folder}: {error.strerror or error}."
        ) from error


def _copied(
    folder: Path, uploads: Sequence[Path], pasted_text: tuple[str, str] | None
) -> Iterator[ImportFile]:
    for i, upload in enumerate(uploads):
        path = folder / f"{i}{upload.suffix}"
        shutil.copyfile(upload, path)
        yield ImportFile(path.resolve(), _told(upload, upload))
    if pasted_text:
        name, text = pasted_text
        path = folder / ("pasted.md" if name.endswith(".md") else "pasted.txt")
        path.write_text(text, encoding="utf-8", errors="replace")
        yield ImportFile(path.resolve(), name)


def import_(context: RunContext) -> ImportResult:
    """Import what a run names; return counts and refused files."""
    settings, store = ImportRunSettings.of(context.run), context.store
    if settings.corpus:
        return _corpus(context)
    intake = TextImporter(
        store=store,
        count_tokens=model_files.token_counter(model_files.locate(settings.model)),
        max_tokens=settings.passage_tokens,
        stop=context.stop,
        progress=context.progress,
        run_id=context.run.id,
    )
    texts = [ImportFile(Path(entry.path or ""), entry.name) for entry in settings.given]
    errors = intake.take(texts)
    documents = store.library.brought_by(context.run.id)
    context.progress("looking for repeats", 0, 1)
    n_repeats = dedup.mark(store, {entry.id for entry in documents}, context.stop)
    _drop(context)
    if errors and not documents:
        raise InputError(" ".join(errors))
    return ImportResult(len(documents), tuple(errors), n_repeats)


def _corpus(context: RunContext) -> ImportResult:
    try:
        result = corpora.read_corpus(context)
    except Cancelled:
        raise  # an upload is needed when the run is resumed
    except BaseException:
        _drop(context)
        raise
    _drop(context)
    return result


def _drop(context: RunContext) -> None:
    """Remove the temporary folder of an upload."""
    if folder := ImportRunSettings.of(context.run).staged:
        shutil.rmtree(folder, ignore_errors=True)


HANDLERS: dict[RunKind, Handler] = {"import": import_}
