"""Corpora of the library: ordered to be read, read, removed, and made into items.

They are read by the reader, as texts are; so a study or a training does not wait.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import Corpus, GoldExample, MetaExample
from autolearn.core.ports import Cancelled
from autolearn.core.records import Run, Split, TrainItem
from autolearn.core.run_results import ImportResult
from autolearn.core.run_settings import (
    ImportRunSettings,
    ImportSource,
    TrainRunSettings,
)
from autolearn.core.settings import TrainSettings
from autolearn.demo import gold_examples
from autolearn.evaluation import gold_questions
from autolearn.ingest import corpus_files, readers
from autolearn.metaskills import examples as gold
from autolearn.metaskills import items
from autolearn.models import files as model_files
from autolearn.runs import queues
from autolearn.runs.context import RunContext
from autolearn.runs.versions import versions
from autolearn.store import RunFilter, Store
from autolearn.text import chunking
from autolearn.text.matching import normalise
from autolearn.training.dataset import blocker

INVENTED = "invented"
"""What stands for the invented world where a file could be named."""
NAMED = 20
"""Bad rows that are named; the others are only counted."""
FEEDBACK_ITEMS = 3
"""Items of an example that comes with feedback; see dataset."""
MISSING = (
    "There is no corpus to learn meta-skills from; add one under Library or with: "
    "python -m autolearn add --corpus FILE; or use the invented world: --corpus "
    "invented"
)
NONE_APPROVED = (
    "No sample is approved, so there is nothing to train on; approve some under "
    "Review, or with: python -m autolearn approve --rule default"
)
TAUGHT = ("meta", "self")
"""The methods that corpora go into."""


def add(
    store: Store,
    path: Path | None,
    model: str,
    licence: str = "",
    *,
    staged: tuple[str, str] | None = None,
) -> Run:
    """Queue the reading of a corpus from a file; None: of the invented world.

    Args:
        store: The workspace.
        path: The file.
        model: Its tokens measure the passages that long texts are cut into.
        licence: A note on licence and origin, kept with the corpus.
        staged: The folder, to be removed, in which an upload is kept, and its name.

    Raises:
        InputError: There is no such file.
        ModelNotFound: The model is not there.
    """
    model_files.locate(model)
    if path is not None and not path.is_file():
        raise InputError(f"There is no file {path}.")
    folder, name = staged or (None, path.name if path else gold_examples.NAME)
    settings = ImportRunSettings(
        corpus=ImportSource(str(path.resolve()) if path else None, name),
        licence=licence.strip(),
        staged=folder,
        model=model,
    )
    return queues.submit(store, settings, versions())


def read_corpus(context: RunContext) -> ImportResult:
    """Read the corpus that a run names; return how much came in and what was refused.

    Raises:
        Cancelled: The person stopped it; nothing of it is kept.
        InputError: Nothing of it can be used, or it is in the library already.
    """
    wanted, store = ImportRunSettings.of(context.run), context.store
    assert wanted.corpus is not None
    name, path = wanted.corpus.name, wanted.corpus.path
    if brought := store.corpora.brought_by(context.run.id):  # kept before a kill
        return _result(brought[0], [])
    context.progress(f"reading {name}", 0, 1)
    count = model_files.token_counter(model_files.locate(wanted.model))
    cut = _Cutter(store, Path(path) if path else None, count, wanted.passage_tokens)
    read = corpus_files.CorpusReading("invented", gold_examples.examples())
    if path:
        read = corpus_files.read(Path(path), cut.text_of)
    kept = []
    for i, one in enumerate(read.examples):
        if i % 500 == 0:
            if context.stop():
                raise Cancelled
            context.progress(f"reading {name}", i, len(read.examples))
        kept.append(cut.shortened(one))
    corpus = Corpus(
        name,
        _digest(kept),
        read.kind,
        wanted.licence or "",
        n_examples=len(kept),
        n_texts=len({one.text for one in kept if one.text}),
        n_refused=len(read.refused),
        run_id=context.run.id,
    )
    return _result(store.corpora.add(corpus, kept), read.refused)


def _result(corpus: Corpus, refused: Sequence[str]) -> ImportResult:
    more = len(refused) - NAMED
    told = [*refused[:NAMED], *([f"{more} more rows are like that."] * (more > 0))]
    return ImportResult(
        refused=tuple(f"{corpus.name}: {sentence}" for sentence in told),
        corpus=corpus.id,
        examples=corpus.n_examples,
        texts=corpus.n_texts,
        n_refused=corpus.n_refused,
    )


def _digest(kept: Sequence[GoldExample]) -> str:
    digest = hashlib.sha256()
    for one in kept:
        digest.update(json.dumps(asdict(one), ensure_ascii=False).encode())
    return digest.hexdigest()


class _Cutter:
    """Finds the texts of quizzes, and the passage of a long text that is asked of."""

    def __init__(
        self, store: Store, file: Path | None, count: chunking.CountTokens, most: int
    ) -> None:
        self._store, self._file = store, file
        self._count, self._most = count, most
        self._passages: dict[str, list[tuple[str, str]]] = {}
        self._last: tuple[str, list[tuple[str, str]]] = "", []

    def text_of(self, name: str, asked: str) -> str:
        """Return the passage of a document that shares most words with what is asked.

        The document is in the folder of the file, or in the library.
        """
        if name not in self._passages:
            self._passages[name] = self._beside(name) or self._in_library(name)
        words = set(normalise(asked).split())

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
        ids = [one.id for one in library.documents() if one.name == name]
        return [(one.text, one.heading) for one in library.passages(ids)]

    def _cut(self, text: str) -> list[tuple[str, str]]:
        cut = chunking.split(text, self._count, self._most)
        return [(one.text.strip(), one.heading) for one in cut]

    def shortened(self, one: GoldExample) -> GoldExample:
        """Return an example with the passage that holds its answer, as a study cuts it.

        One whose answer has no place in its text keeps the first passage of it.
        """
        if one.text != self._last[0]:  # the questions of a text stand together
            fits = self._count(one.text) <= self._most
            self._last = one.text, [] if fits else self._cut(one.text)
        parts = self._last[1]
        if not parts:
            return one
        evidence = gold.evidence_of(one)
        text, heading = next((p for p in parts if evidence in p[0]), parts[0])
        return replace(one, text=text, title=one.title or heading)


def remove(store: Store, corpus_id: int) -> Corpus:
    """Remove a corpus; rounds that were taught from it keep their items.

    Raises:
        InputError: There is none of this id.
        JobError: A training that is not over uses it.
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
    """Return the ids of the corpora of these names, or of all that are not left out.

    Raises:
        InputError: There is no corpus of a name.
    """
    if not names:
        return [corpus.id for corpus in store.corpora.chosen()]
    found = []
    for name in names:
        corpus = store.corpora.named(gold_examples.NAME if name == INVENTED else name)
        if corpus is None:
            known = ", ".join(one.name for one in store.corpora.all()) or "none yet"
            raise InputError(
                f"There is neither a file nor a corpus {name!r}; the library has: "
                f"{known}."
            )
        found.append(corpus.id)
    return found


def skills(
    store: Store, settings: TrainSettings, corpus_ids: Sequence[int]
) -> tuple[list[TrainItem], list[MetaExample], int]:
    """Return what corpora give a round: items, and examples that come with feedback.

    And how many examples were left out since the quiz or the control asks the same.

    Raises:
        InputError: A corpus has been removed meanwhile.
    """
    if settings.method not in TAUGHT or not corpus_ids:
        return [], [], 0
    for number in corpus_ids:
        store.corpora.get(number)
    n, seed = settings.meta_examples, settings.seed
    with_feedback = [
        MetaExample(
            one.question,
            one.response,
            one.feedback,
            one.refinement,
            one.text,
            one.answer,
        )
        for one in store.corpora.sample(
            corpus_ids, n // FEEDBACK_ITEMS, seed, with_feedback=True
        )
    ]
    drawn = store.corpora.sample(corpus_ids, items.POOL * n, seed, with_feedback=False)
    rest = n - FEEDBACK_ITEMS * len(with_feedback)
    made, blocked = items.make(drawn, rest, seed, blocker(asked(store)))
    return made, with_feedback, blocked


def asked(store: Store) -> list[str]:
    """Return the questions of quiz and control, which are never trained on."""
    splits: tuple[Split, ...] = ("quiz", "control")
    return [q.question.text for s in splits for q in gold_questions.questions(store, s)]
