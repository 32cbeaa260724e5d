"""Read a corpus into the library.

The reader process does so, as it reads texts, so a study or a training does not wait.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from autolearn import containment
from autolearn.containment import Limits
from autolearn.core.errors import ChildFailed, InputError
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.ports import Cancelled
from autolearn.core.run_results import ImportResult
from autolearn.core.run_settings import ImportRunSettings
from autolearn.demo import gold_examples
from autolearn.ingest import corpus_files, readers
from autolearn.ingest.corpus_files import CorpusReading
from autolearn.ingest.gold_files import BadRow
from autolearn.metaskills import examples as gold
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.runs.context import RunContext
from autolearn.store import Store, layout
from autolearn.text import chunking, matching

MOST_NAMED = 20
"""Bad rows that are reported individually; the others are only counted."""


class PassageSize(NamedTuple):
    """How long texts are cut into passages."""

    tokenizer_folder: Path
    """The model whose tokens are counted."""
    max_tokens: int


def read_corpus(context: RunContext) -> ImportResult:
    """Import the corpus that a run names; return counts and refused rows.

    Raises:
        Cancelled: The user stopped the run; nothing of the corpus is stored.
        InputError: No row can be used, or the corpus is in the library already.
    """
    settings, store = ImportRunSettings.of(context.run), context.store
    assert settings.corpus_source is not None
    name, path = settings.corpus_source.name, settings.corpus_source.path
    # The corpus may have been stored before a kill.
    if earlier := store.corpora.brought_by(context.run.id):
        return _result(earlier[0], [])
    folder = model_files.locate(settings.model)
    passage_size = PassageSize(folder, settings.passage_tokens)

    def tell(n_done: int, total: int) -> None:
        if context.stop():
            raise Cancelled
        context.progress(f"reading {name}", n_done, total)

    tell(0, 1)
    if path:
        reading = _in_child(store, store.folder / path, passage_size, tell)
    else:
        world = CorpusReading("invented", gold_examples.examples())
        reading = _shortened(world, _PassageFinder(store, None, passage_size), tell)
    examples = reading.examples
    corpus = Corpus(
        name,
        _digest(examples),
        reading.kind,
        settings.licence or "",
        n_examples=len(examples),
        n_texts=len({example.text for example in examples if example.text}),
        n_refused=len(reading.refusals),
        run_id=context.run.id,
    )
    return _result(store.corpora.add(corpus, examples), reading.refusals)


def _in_child(
    store: Store,
    path: Path,
    passage_size: PassageSize,
    on_progress: Callable[[int, int], None],
) -> CorpusReading:
    """Read a file in a child, since it may hold anything.

    Raises:
        InputError: It cannot be read.
    """
    size = path.stat().st_size if path.exists() else 0
    with TemporaryDirectory(dir=store.subfolder(layout.INCOMING)) as place:
        target = Path(place) / "examples.jsonl"
        try:
            values = containment.run(
                "autolearn.ingest.corpus_import:parse_into",
                *(store.folder, path, *passage_size, target),
                limits=Limits.for_bytes(size, memory_per_byte=20),
                on_report=lambda counts: on_progress(*counts),
            )
        except ChildFailed as error:
            raise InputError(f"{path.name} {error}; split it.") from error
        with target.open(encoding="utf-8") as lines:
            examples = [GoldExample(**json.loads(line)) for line in lines]
    return CorpusReading(values["kind"], examples, values["refused"])


def parse_into(
    workspace: str,
    path: str,
    tokenizer_folder: str,
    max_tokens: int,
    target: str,
    *,
    report: Callable[[tuple[int, int]], None],
) -> dict[str, Any]:
    """Read a file in the child; its examples go to a file, as JSON lines."""
    with Store.open(Path(workspace)) as store:
        passage_size = PassageSize(Path(tokenizer_folder), max_tokens)
        finder = _PassageFinder(store, Path(path), passage_size)
        reading = corpus_files.read(Path(path), finder.text_of)
        short_reading = _shortened(reading, finder, lambda *counts: report(counts))
    with Path(target).open("w", encoding="utf-8") as file:
        for example in short_reading.examples:
            file.write(json.dumps(asdict(example)) + "\n")
    return {"kind": short_reading.kind, "refused": short_reading.refusals}


def _shortened(
    reading: CorpusReading,
    finder: "_PassageFinder",
    on_progress: Callable[[int, int], None],
) -> CorpusReading:
    examples = []
    for i, example in enumerate(reading.examples):
        if i % 500 == 0:
            on_progress(i, len(reading.examples))
        examples.append(finder.shortened(example))
    return replace(reading, examples=examples)


def _result(corpus: Corpus, bad_rows: Sequence[str]) -> ImportResult:
    messages = list(bad_rows[:MOST_NAMED])
    if len(bad_rows) > MOST_NAMED:
        messages.append(f"{len(bad_rows) - MOST_NAMED} more rows are like that.")
    return ImportResult(
        refusals=tuple(f"{corpus.name}: {sentence}" for sentence in messages),
        corpus_id=corpus.id,
        examples=corpus.n_examples,
        texts=corpus.n_texts,
        n_refused=corpus.n_refused,
    )


def _digest(examples: Sequence[GoldExample]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(json.dumps(asdict(example), ensure_ascii=False).encode())
    return digest.hexdigest()


class _PassageFinder:
    """Finds the texts of quizzes, and the passage that has an answer."""

    def __init__(
        self, store: Store, file: Path | None, passage_size: PassageSize
    ) -> None:
        self._store, self._file = store, file
        self._max_tokens = passage_size.max_tokens
        self._count = token_counting.token_counter(passage_size.tokenizer_folder)
        self._passages: dict[str, list[tuple[str, str]] | BadRow] = {}
        self._last: tuple[str, list[tuple[str, str]]] = "", []

    def text_of(self, name: str, query: str) -> str:
        """Return the passage of a document that shares most words with ``query``.

        The document is looked up in the corpus file's folder, then in the library.

        Raises:
            BadRow: The document cannot be read.
        """
        if name not in self._passages:
            self._passages[name] = self._read(name)
        passages = self._passages[name]
        if isinstance(passages, BadRow):
            raise BadRow(*passages.args)
        texts = (text for text, _ in passages)
        return max(texts, key=matching.shared_words(query), default="")

    def _read(self, name: str) -> list[tuple[str, str]] | BadRow:
        try:
            return self._beside(name) or self._in_library(name)
        except InputError as error:
            reason = str(error).rstrip(".")
        except OSError as error:
            reason = error.strerror or type(error).__name__
        return BadRow(f"needs the text {name!r}, which cannot be read: {reason}")

    def _beside(self, name: str) -> list[tuple[str, str]]:
        """Return the passages of a file in the folder of the corpus or below it.

        A corpus may come from anywhere, so it reads no other files of the user.
        """
        if self._file is None:
            return []
        folder = self._file.parent.resolve()
        path = folder / name
        if not path.is_file() or path.suffix.lower() not in readers.KINDS:
            return []
        if not path.resolve().is_relative_to(folder):
            return []
        pieces = readers.open_source(path, name).pieces
        return self._cut("".join(piece.text for piece in pieces if not piece.left_out))

    def _in_library(self, name: str) -> list[tuple[str, str]]:
        library = self._store.library
        ids = [record.id for record in library.documents() if record.name == name]
        return [(record.text, record.heading) for record in library.passages(ids)]

    def _cut(self, text: str) -> list[tuple[str, str]]:
        passages = chunking.split(text, self._count, self._max_tokens)
        return [(passage.text.strip(), passage.heading) for passage in passages]

    def shortened(self, example: GoldExample) -> GoldExample:
        """Return an example with only the passage that holds its answer.

        The text is cut as in a study. If no passage holds the answer, the first is
        used.
        """
        # The questions of a text are neighbours, so one text is remembered.
        if example.text != self._last[0]:
            fits = self._count(example.text) <= self._max_tokens
            self._last = example.text, [] if fits else self._cut(example.text)
        parts = self._last[1]
        if not parts:
            return example
        evidence = gold.evidence_of(example)
        text, heading = next((p for p in parts if evidence in p[0]), parts[0])
        return replace(example, text=text, title=example.title or heading)
