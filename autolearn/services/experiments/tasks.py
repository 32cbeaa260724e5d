"""What the tasks of both kinds of experiments share."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Sample, Split
from autolearn.core.run_settings import (
    QuizRunSettings,
    RunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.evaluation import quiz_versions
from autolearn.runs.model_choice import with_model
from autolearn.store import Store
from autolearn.store.samples import SampleFilter

FinishedRuns = Mapping[str, int]
"""The ids of finished runs by the names of their tasks."""


@dataclass(frozen=True)
class Task:
    """One run of an experiment."""

    name: str
    make_settings: Callable[[FinishedRuns], RunSettings | None]
    """Returns the settings of the run, once the earlier tasks are done; None: the
    experiment ends before it."""


def study(
    store: Store,
    model: ModelSettings,
    settings: StudySettings,
    documents: Sequence[int],
    *,
    instructions: bool = False,
) -> StudyRunSettings:
    """Return the settings of a study of documents, and of the instructions if asked."""
    request = StudyRunSettings(
        study=settings, documents=tuple(documents), instructions=instructions
    )
    return with_model(store, request, model)


def quiz(
    store: Store,
    model: ModelSettings,
    settings: StudySettings,
    modes: Sequence[QuizMode],
    votes: int = 0,
    first: int | None = None,
) -> QuizRunSettings:
    """Return the settings of a quiz in some modes, and of the control closed-book.

    ``first`` is the id of the first quiz of the experiment. The same questions are
    asked again, also if some have left the quiz with their documents since.
    """
    parts: list[tuple[Split, QuizMode]] = [("quiz", mode) for mode in modes]
    if "closed_book" in modes:
        parts.append(("control", "closed_book"))
    version = None
    if first is not None:
        version = QuizRunSettings.of(store.runs.get(first)).version
    request = QuizRunSettings(
        model=model,
        votes=votes or None,
        study=settings,
        version=version or quiz_versions.freeze(store).version,
        searched=_searched(store) if "retrieval" in modes else None,
    )
    asked = (p for p in parts if quiz_versions.questions_of(store, request, p[0]))
    return with_model(store, replace(request, parts=tuple(asked)), model)


def _searched(store: Store) -> str:
    """Return the digest of the passages that retrieval chooses from."""
    ids = store.library.searched_ids()
    return hashlib.sha256(repr(ids).encode()).hexdigest()


def train(
    store: Store, model: ModelSettings, request: TrainRunSettings
) -> TrainRunSettings:
    """Return the settings of a round, which always belongs to the base model."""
    return with_model(store, request, replace(model, round_id=None))


def round_of(store: Store, run_id: int) -> int:
    """Return the id of the round that a run has trained."""
    (round_,) = store.rounds.all(run_id)
    return round_.id


def samples_of(store: Store, run_id: int) -> list[Sample]:
    """Return the samples of a study that no person has rejected."""
    samples = store.samples.find(SampleFilter(run_id=run_id))
    return [sample for sample in samples if sample.state != "rejected"]
