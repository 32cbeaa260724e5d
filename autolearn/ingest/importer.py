"""Import texts into the library: read each file, cut it into passages, store it.

The reader does this in a separate process. A study or a training does not wait for
it, and a crashing parser harms nothing else. What is read goes to a temporary file
first. One transaction then stores it, so a kill leaves nothing behind.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from autolearn.core.digests import stamp_of
from autolearn.core.errors import InputError
from autolearn.core.ports import Cancelled, Progress, Stop
from autolearn.core.reading import ReadingChoices
from autolearn.core.records import Document, RunKind
from autolearn.core.run_results import ImportResult, OtherRows
from autolearn.core.run_settings import ImportRunSettings
from autolearn.ingest import corpus_import, dedup, originals, readers
from autolearn.ingest.parsing import ImportFile as ImportFile
from autolearn.ingest.parsing import Parser, contained_parser
from autolearn.ingest.row_kinds import NotTexts
from autolearn.ingest.spool import Spool
from autolearn.models import files as model_files
from autolearn.runs.context import Handler, RunContext
from autolearn.store import Store, layout

KB = 1024
EXCERPT = 60
"""Characters of a stretch that are shown in a sentence."""


@dataclass(frozen=True)
class Refusal:
    """Why a file was not added."""

    sentence: str
    other: OtherRows | None = None
    """The kind of data that it is instead of a text."""


@dataclass(frozen=True)
class TextImporter:
    """Imports texts into a library."""

    store: Store
    parser: Parser
    stop: Stop = lambda: False
    progress: Progress = lambda stage, done, total: None
    run_id: int | None = None
    choices: ReadingChoices = field(default_factory=ReadingChoices)
    """How the files are read, where a person has decided it beforehand."""

    def import_files(self, files: list[ImportFile]) -> list[Refusal]:
        """Import files one after the other; return which were refused, and why.

        Files that an interrupted run has imported are skipped. A file of chats or the
        like is kept, so that it can be added as what it is.

        Raises:
            Cancelled: ``stop`` returned True. Files imported before stay.
        """
        sizes = [
            file.path.stat().st_size if file.path.exists() else 0 for file in files
        ]
        sources = {d.source for d in self.store.library.brought_by(self.run_id or 0)}
        refusals = []
        for i, file in enumerate(files):
            tell = self._teller(file.name, sum(sizes[:i]), sizes[i], sum(sizes))
            tell(0.0)
            if i not in sources:
                try:
                    refusals += self._import_or_keep(file, i, tell)
                except InputError as error:
                    refusals.append(Refusal(str(error)))
        return refusals

    def _import_or_keep(
        self, file: ImportFile, index: int, on_progress: Callable[[float], None]
    ) -> list[Refusal]:
        """Import a file; if it has rows of another kind, keep it and say so.

        Raises:
            InputError: It cannot be read, or not be kept.
        """
        try:
            self._import_file(file, index, on_progress)
        except NotTexts as error:
            original = originals.keep(self.store, file.path)
            other = OtherRows(file.name, original, error.kind)
            return [Refusal(str(error), other)]
        return []

    def _teller(
        self, name: str, before: int, size: int, total: int
    ) -> Callable[[float], None]:
        def tell(share: float) -> None:
            if self.stop():
                raise Cancelled
            n_read = round((before + share * size) / KB)
            self.progress(f"reading {name}", n_read, max(1, round(total / KB)))

        return tell

    def _import_file(
        self, file: ImportFile, index: int, on_progress: Callable[[float], None]
    ) -> None:
        with self._read(file, self.choices, on_progress) as (document, spool):
            new = replace(document, run_id=self.run_id, source=index)
            bring_back = self.store.readings.bring_back
            if not bring_back(new, spool.passages(), spool.exclusions()):
                self.store.library.add_document(
                    new, spool.passages(), spool.exclusions()
                )

    def reread(self, document: Document, choices: ReadingChoices) -> list[str]:
        """Read the file of a document again; decisions on equal passages stay.

        Returns: The excluded and included texts that are not in the new reading.

        Raises:
            Cancelled: ``stop`` returned True. The document stays as it was.
            InputError: Its file is not kept, or cannot be read in this way.
        """
        path = originals.path_of(self.store, document)
        size = path.stat().st_size
        tell = self._teller(document.name, 0, size, size)
        file = ImportFile(path, document.name)
        with self._read(file, choices, tell) as (new, spool):
            return self.store.readings.replace(
                replace(new, id=document.id), spool.passages(), spool.exclusions()
            )

    @contextmanager
    def _read(
        self,
        file: ImportFile,
        choices: ReadingChoices,
        on_progress: Callable[[float], None],
    ) -> Iterator[tuple[Document, Spool]]:
        """Read a file as a document that is not stored yet, and its parts."""
        stamp = stamp_of(file.path)
        with self.parser.parse(file, choices, on_progress, self.stop) as (
            parsed,
            spool,
        ):
            if stamp_of(file.path) != stamp:
                raise InputError(
                    f"{file.name} has changed while it was read; add it again."
                )
            if not parsed.has_text:
                raise InputError(
                    f"{file.name} is empty; there is nothing to learn from it."
                )
            document = Document(
                name=file.name,
                digest=parsed.digest,
                n_characters=parsed.n_characters,
                media_type=parsed.media_type,
                note=parsed.note,
                original=originals.keep(self.store, file.path),
                reading=parsed.reading,
            )
            yield document, spool


def stage(
    store: Store,
    paths: Sequence[Path],
    uploads: Sequence[Path],
    pasted_text: tuple[str, str] | None,
) -> tuple[Path | None, list[ImportFile]]:
    """Return the path and name of each text that an import is to read.

    Returns:
        The temporary folder for uploads and the pasted text, None if there are none,
        and the texts.

    Raises:
        InputError: A folder has no readable file, or the workspace is full.
    """
    texts = [
        # A link may name a file whose own name has no extension.
        ImportFile(file.absolute(), _display_name(file, path))
        for path in paths
        for file in readers.files(path)
    ]
    if not (uploads or pasted_text):
        return None, texts
    incoming = store.subfolder(layout.INCOMING)
    try:
        folder = Path(mkdtemp(dir=incoming))
        return folder, [*texts, *_copy(folder, uploads, pasted_text)]
    except OSError as error:
        raise InputError(
            f"The texts cannot be copied to {incoming} ({error.strerror or error}); "
            "free some space."
        ) from error


def _display_name(file: Path, root: Path) -> str:
    """Return the display name of a file: its path in the given folder."""
    name = file.relative_to(root) if file != root else Path(file.name)
    return name.as_posix().encode(errors="replace").decode()


def _copy(
    folder: Path, uploads: Sequence[Path], pasted_text: tuple[str, str] | None
) -> Iterator[ImportFile]:
    """Copy uploads and a pasted text into a folder; yield their entries."""
    for i, upload in enumerate(uploads):
        path = folder / f"{i}{upload.suffix}"
        shutil.copyfile(upload, path)
        yield ImportFile(path, _display_name(upload, upload))
    if pasted_text:
        name, text = pasted_text
        path = folder / ("pasted.md" if name.endswith(".md") else "pasted.txt")
        path.write_text(text, encoding="utf-8", errors="replace")
        yield ImportFile(path, name)


def import_(context: RunContext) -> ImportResult:
    """Import what a run names; return counts and refused files."""
    settings, store = ImportRunSettings.of(context.run), context.store
    folder = settings.upload_folder
    if context.run.result and folder and not (store.folder / folder).exists():
        # All was read, and the worker ended before it could say so.
        return ImportResult.of(context.run)
    if settings.corpus_source:
        return _corpus(context)
    model = model_files.locate(settings.model)
    with contained_parser(store, model, settings.passage_tokens) as parser:
        return _texts(context, settings, parser)


def _texts(
    context: RunContext, settings: ImportRunSettings, parser: Parser
) -> ImportResult:
    store, choices = context.store, settings.choices or ReadingChoices()
    text_importer = TextImporter(
        store=store,
        parser=parser,
        stop=context.stop,
        progress=context.progress,
        run_id=context.run.id,
        choices=choices,
    )
    if settings.document_id is not None:
        return _reread(context, text_importer, settings.document_id, choices)
    texts = [
        ImportFile(store.folder / (source.path or ""), source.name)
        for source in settings.sources
    ]
    refusals = text_importer.import_files(texts)
    documents = store.library.brought_by(context.run.id)
    n_repeats = _mark_repeats(context, {entry.id for entry in documents})
    errors = (*settings.skipped, *(refusal.sentence for refusal in refusals))
    others = tuple(refusal.other for refusal in refusals if refusal.other)
    if errors and not documents and not others:
        _drop(context)
        raise InputError(" ".join(errors))
    result = ImportResult(len(documents), errors, n_repeats, others=others)
    context.save_result(result)
    _drop(context)
    return result


def _mark_repeats(context: RunContext, documents: set[int], after: int = 0) -> int:
    last = context.store.library.last_passage_id()
    report = partial(context.report, "looking for repeats", last)
    return dedup.mark(context.store, documents, context.stop, report, after=after)


def _reread(
    context: RunContext,
    text_importer: TextImporter,
    number: int,
    choices: ReadingChoices,
) -> ImportResult:
    library = context.store.library
    last = library.last_passage_id()
    lost_choices = text_importer.reread(library.document(number), choices)
    n_repeats = _mark_repeats(context, {number}, after=last)
    sentences = tuple(
        f"“{text[:EXCERPT]}” is not in the new reading, so your choice is lost."
        for text in lost_choices
    )
    return ImportResult(1, sentences, n_repeats, document_id=number)


def _corpus(context: RunContext) -> ImportResult:
    try:
        result = corpus_import.read_corpus(context)
    except Cancelled:
        raise  # an upload is needed when the run is resumed
    except BaseException:
        _drop(context)
        raise
    context.save_result(result)
    _drop(context)
    return result


def _drop(context: RunContext) -> None:
    """Remove the temporary folder of an upload."""
    if folder := ImportRunSettings.of(context.run).upload_folder:
        shutil.rmtree(context.workspace / folder, ignore_errors=True)


HANDLERS: dict[RunKind, Handler] = {"import": import_}
