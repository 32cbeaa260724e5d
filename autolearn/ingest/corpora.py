"""Corpora of the library: queue their import, read, remove and use them.

The reader process imports them, as it does texts, so a study or a training does not
wait.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autolearn import containment
from autolearn.containment import Limits
from autolearn.core.errors import ChildFailed, InputError, JobError
from autolearn.core.gold import Corpus, GoldExample, MetaExample
from autolearn.core.ports import Cancelled
from autolearn.core.records import Run, Split, TrainItem
from autolearn.core.run_results import ImportResult
from autolearn.core.run_settings import (
    ImportRunSettings,
    ImportSource,
    TrainRunSettings,
)
from autolearn.core.server_addresses import measuring
from autolearn.core.settings import TrainSettings
from autolearn.demo import gold_examples
from autolearn.ingest import corpus_files, readers
from autolearn.ingest.corpus_files import CorpusReading
from autolearn.metaskills import examples as gold
from autolearn.metaskills import items
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.runs import queues
from autolearn.runs.context import RunContext
from autolearn.runs.versions import versions
from autolearn.store import RunFilter, Store
from autolearn.store.library import QuestionFilter
from autolearn.text import chunking
from autolearn.text.matching import normalise
from autolearn.training.leakage import Guard

INVENTED = "invented"
"""Name of the invented world, where a file could be given."""
MOST_NAMED = 20
"""Bad rows that are reported individually; the others are only counted."""
FEEDBACK_ITEMS = 3
"""Training items of an example that comes with feedback; see ``training.dataset``."""
MISSING = (
    "There is no corpus to learn meta-skills from; add one under Library or with: "
    "python -m autolearn add --corpus FILE; or use the invented world: --corpus "
    "invented"
)
NO_PAIRS = (
    "There is no corpus with questions and answers that the quiz does not ask; add one "
    "under Library or with: python -m autolearn add --corpus FILE"
)
NONE_APPROVED = (
    "No sample is approved, so there is nothing to train on; approve some under "
    "Review, or with: python -m autolearn approve --rule default"
)


def add(
    store: Store,
    path: Path | None,
    model: str,
    licence: str = "",
    *,
    upload: tuple[str, str] | None = None,
    name: str = "",
) -> Run:
    """Queue the import of a corpus from a file; None imports the invented world.

    Args:
        store: The workspace.
        path: The file.
        model: Its tokens measure the passages that long texts are cut into.
        licence: A note on licence and origin, stored with the corpus.
        upload: The temporary folder of an upload, and its name.
        name: The name of the corpus, if it is not that of the file.

    Raises:
        InputError: There is no such file.
        ModelNotFound: The model is not there.
    """
    model = measuring(model)
    model_files.locate(model)
    if path is not None and not path.is_file():
        raise InputError(f"There is no file {path}.")
    folder, file_name = upload or (None, path.name if path else gold_examples.NAME)
    settings = ImportRunSettings(
        corpus=ImportSource(str(path.resolve()) if path else None, name or file_name),
        licence=licence.strip(),
        upload_folder=folder,
        model=model,
    )
    return queues.submit(store, settings, versions())


def read_corpus(context: RunContext) -> ImportResult:
    """Import the corpus that a run names; return counts and refused rows.

    Raises:
        Cancelled: The person stopped the run; nothing of the corpus is kept.
        InputError: No row can be used, or the corpus is in the library already.
    """
    settings, store = ImportRunSettings.of(context.run), context.store
    assert settings.corpus is not None
    name, path = settings.corpus.name, settings.corpus.path
    # The corpus may have been stored before a kill.
    if earlier := store.corpora.brought_by(context.run.id):
        return _result(earlier[0], [])
    folder = model_files.locate(settings.model)
    measure = folder, settings.passage_tokens

    def tell(n_done: int, total: int) -> None:
        if context.stop():
            raise Cancelled
        context.progress(f"reading {name}", n_done, total)

    tell(0, 1)
    if path:
        reading = _in_child(store, Path(path), measure, tell)
    else:
        world = CorpusReading("invented", gold_examples.examples())
        reading = _shortened(world, _Cutter(store, None, measure), tell)
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
    measure: tuple[Path, int],
    on_progress: Callable[[int, int], None],
) -> CorpusReading:
    """Read a file in a child, since it may hold anything.

    Raises:
        InputError: It cannot be read.
    """
    size = path.stat().st_size if path.exists() else 0
    with TemporaryDirectory(dir=store.subfolder("incoming")) as place:
        target = Path(place) / "examples.jsonl"
        try:
            values = containment.run(
                "autolearn.ingest.corpora:parse_into",
                *(store.folder, path, (str(measure[0]), measure[1]), target),
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
    measure: tuple[str, int],
    target: str,
    *,
    report: Callable[[tuple[int, int]], None],
) -> dict[str, Any]:
    """Read a file in the child; its examples go to a file, as JSON lines."""
    with Store.open(Path(workspace)) as store:
        cutter = _Cutter(store, Path(path), (Path(measure[0]), measure[1]))
        reading = corpus_files.read(Path(path), cutter.text_of)
        short_reading = _shortened(reading, cutter, lambda *counts: report(counts))
    with Path(target).open("w", encoding="utf-8") as file:
        for example in short_reading.examples:
            file.write(json.dumps(asdict(example)) + "\n")
    return {"kind": short_reading.kind, "refused": short_reading.refusals}


def _shortened(
    reading: CorpusReading, cutter: "_Cutter", on_progress: Callable[[int, int], None]
) -> CorpusReading:
    examples = []
    for i, example in enumerate(reading.examples):
        if i % 500 == 0:
            on_progress(i, len(reading.examples))
        examples.append(cutter.shortened(example))
    return replace(reading, examples=examples)


def _result(corpus: Corpus, bad_rows: Sequence[str]) -> ImportResult:
    more = len(bad_rows) - MOST_NAMED
    messages = [
        *bad_rows[:MOST_NAMED],
        *([f"{more} more rows are like that."] * (more > 0)),
    ]
    return ImportResult(
        refusals=tuple(f"{corpus.name}: {sentence}" for sentence in messages),
        corpus=corpus.id,
        examples=corpus.n_examples,
        texts=corpus.n_texts,
        n_refused=corpus.n_refused,
    )


def _digest(examples: Sequence[GoldExample]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(json.dumps(asdict(example), ensure_ascii=False).encode())
    return digest.hexdigest()


class _Cutter:
    """Finds the texts of quizzes, and the passage in which an answer stands."""

    def __init__(
        self, store: Store, file: Path | None, measure: tuple[Path, int]
    ) -> None:
        self._store, self._file = store, file
        folder, self._most = measure
        self._count = token_counting.token_counter(folder)
        self._passages: dict[str, list[tuple[str, str]]] = {}
        self._last: tuple[str, list[tuple[str, str]]] = "", []

    def text_of(self, name: str, query: str) -> str:
        """Return the passage of a document that shares most words with ``query``.

        The document is looked up beside the corpus file, then in the library.
        """
        if name not in self._passages:
            self._passages[name] = self._beside(name) or self._in_library(name)
        words = set(normalise(query).split())

        def shared(text: str) -> int:
            return len(words & set(normalise(text).split()))

        return max((text for text, _ in self._passages[name]), key=shared, default="")

    def _beside(self, name: str) -> list[tuple[str, str]]:
        path = self._file.parent / name if self._file else Path(name)
        if not path.is_file() or path.suffix not in readers.KINDS:
            return []
        pieces = readers.open_source(path, name).pieces
        return self._cut("".join(piece.text for piece in pieces if not piece.left_out))

    def _in_library(self, name: str) -> list[tuple[str, str]]:
        library = self._store.library
        ids = [record.id for record in library.documents() if record.name == name]
        return [(record.text, record.heading) for record in library.passages(ids)]

    def _cut(self, text: str) -> list[tuple[str, str]]:
        passages = chunking.split(text, self._count, self._most)
        return [(passage.text.strip(), passage.heading) for passage in passages]

    def shortened(self, example: GoldExample) -> GoldExample:
        """Return an example with only the passage that holds its answer.

        The text is cut as in a study. If no passage holds the answer, the first is
        used.
        """
        # The questions of a text are neighbours, so one text is remembered.
        if example.text != self._last[0]:
            fits = self._count(example.text) <= self._most
            self._last = example.text, [] if fits else self._cut(example.text)
        parts = self._last[1]
        if not parts:
            return example
        evidence = gold.evidence_of(example)
        text, heading = next((p for p in parts if evidence in p[0]), parts[0])
        return replace(example, text=text, title=example.title or heading)


def remove(store: Store, corpus_id: int) -> Corpus:
    """Remove a corpus. Rounds that used it keep their items.

    Raises:
        InputError: There is no corpus with this id.
        JobError: An unfinished training uses it.
    """
    corpus = store.corpora.get(corpus_id)
    for run in store.runs.find(RunFilter(("train",), ("queued", "running"))):
        if corpus_id in TrainRunSettings.of(run).corpora:
            raise JobError(
                f"Run {run.id} is to be trained on {corpus.name}; wait for its end or "
                f"cancel it first: python -m autolearn cancel {run.id}"
            )
    store.corpora.remove(corpus_id)
    return corpus


def ids(store: Store, names: Sequence[str] = ()) -> list[int]:
    """Return the ids of corpora by name, or of all that are selected.

    Raises:
        InputError: There is no corpus of a name.
    """
    if not names:
        return [corpus.id for corpus in store.corpora.in_use()]
    corpus_ids = []
    for name in names:
        corpus = store.corpora.by_name(gold_examples.NAME if name == INVENTED else name)
        if corpus is None:
            names_known = (
                ", ".join(corpus.name for corpus in store.corpora.all()) or "none yet"
            )
            raise InputError(
                f"There is neither a file nor a corpus {name!r}; the library has: "
                f"{names_known}."
            )
        corpus_ids.append(corpus.id)
    return corpus_ids


def skills(
    store: Store, settings: TrainSettings, corpus_ids: Sequence[int], guard: Guard
) -> tuple[list[TrainItem], list[MetaExample], int]:
    """Return the items and feedback examples that corpora give a round.

    Returns:
        The items, the examples that come with feedback, and the number of examples left
        out because quiz or control ask the same.

    Raises:
        InputError: A corpus has been removed meanwhile.
    """
    if not settings.traits.teaches_skills or not corpus_ids:
        return [], [], 0
    for number in corpus_ids:
        store.corpora.get(number)
    n, seed = settings.meta_examples, settings.seed
    with_feedback = [
        MetaExample(
            example.question,
            example.response,
            example.feedback,
            example.refinement,
            example.text,
            example.answer,
        )
        for example in store.corpora.sample(
            corpus_ids, n // FEEDBACK_ITEMS, seed, with_feedback=True
        )
    ]
    gold_examples_drawn = store.corpora.sample(
        corpus_ids, items.POOL * n, seed, with_feedback=False
    )
    rest = n - FEEDBACK_ITEMS * len(with_feedback)
    skill_items, n_blocked = items.make(gold_examples_drawn, rest, seed, guard.blocks)
    return skill_items, with_feedback, n_blocked


def pairs(store: Store, corpus_ids: Sequence[int], seed: int) -> list[GoldExample]:
    """Return all examples of corpora that have a question and its right answer.

    Raises:
        InputError: A corpus has been removed meanwhile.
    """
    n = sum(store.corpora.get(number).n_examples for number in corpus_ids)
    return store.corpora.sample(corpus_ids, n, seed, with_feedback=False)


def quiz_questions(store: Store) -> list[str]:
    """Return the questions of all quizzes and controls, which are never trained on.

    Questions without a gold answer are among them: they may get one later.
    """
    splits: tuple[Split, ...] = ("quiz", "control")
    return [
        q.text for s in splits for q in store.library.questions(QuestionFilter(split=s))
    ]
