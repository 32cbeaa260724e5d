"""Follow a whole round to its end, and summarise it in numbers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from autolearn.core.errors import JobError
from autolearn.core.records import Run
from autolearn.core.run_results import StudyResult, TrainResult
from autolearn.core.run_settings import StudyRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import paired_quizzes
from autolearn.services import demo_library, pipeline
from autolearn.services.round_progress import quiz_title
from autolearn.store import SampleFilter, Store

Finish = Callable[[Run, str], Run]
"""Waits for a run under a title; raises if it does not end well."""


def follow(
    store: Store, first: Run, settings: TrainSettings, finish: Finish
) -> dict[str, Any]:
    """Follow a whole round from its first run to its end; return its numbers.

    Raises:
        JobError: A run did not end well.
    """
    chain: list[Run] = []
    following_run: Run | None = first
    while following_run:
        chain.append(finish(following_run, _title(chain, following_run)))
        following_run = store.runs.next_in_pipeline(chain[-1].id)
    return _numbers(store, chain, settings)


def demo(
    store: Store, seed: int | None, settings: TrainSettings, finish: Finish
) -> dict[str, Any]:
    """Run the loop once on the built-in model and a library; return the numbers.

    Raises:
        JobError: The workspace is not empty.
    """
    if store.library.documents():
        raise JobError(
            f"{store.folder} has documents already; name an empty --workspace."
        )
    demo_library.add(store, seed)
    # The quiz comes from the world; none of the model's own wordings is needed.
    run = pipeline.begin(
        store, ModelSettings(), StudySettings(quiz_share=0.0), settings
    )
    return {
        "workspace": str(store.folder),
        "seed": seed,
        **follow(store, run, settings, finish),
    }


def _title(before: list[Run], run: Run) -> str:
    if run.kind == "quiz":
        is_after = any(earlier.kind == "quiz" for earlier in before)
        return quiz_title(is_after=is_after).lower()
    if run.kind == "train":
        return f"train {TrainRunSettings.of(run).train.method}"
    return "study"


def _numbers(store: Store, chain: list[Run], settings: TrainSettings) -> dict[str, Any]:
    if chain[-1].error:
        raise JobError(chain[-1].error)
    study = StudyResult.of(chain[0])
    own = SampleFilter(model_digest=StudyRunSettings.of(chain[0]).model_digest)
    training = [TrainResult.of(run) for run in chain if run.kind == "train"][-1]
    quizzes = [store.runs.quiz_results(run.id) for run in chain if run.kind == "quiz"]
    return {
        "method": settings.method,
        "questions": study.questions,
        "gaps": study.gaps,
        "approved": store.samples.counts(own)["approved"],
        "trained": training.items,
        "steps": training.steps,
        # Measured by the trainer, which sees neither quiz nor control.
        "validation": training.validation,
        "forgetting_kl": training.forgetting_kl,
        "scale": training.scale,
        **paired_quizzes.compare(store, quizzes[0], quizzes[1], training.round)
        .summary()
        .as_dict(),
        "seconds": _seconds(chain),
    }


def _seconds(chain: list[Run]) -> dict[str, float]:
    """Return how long each phase took, and all of them with the time between."""
    phase_seconds: dict[str, float] = {}
    for i, run in enumerate(chain):
        is_quiz = run.kind == "quiz"
        name = _title(chain[:i], run).replace(" ", "_") if is_quiz else run.kind
        seconds = phase_seconds.get(name, 0.0) + (run.seconds or 0.0)
        phase_seconds[name] = round(seconds, 1)
    times = (chain[0].created_at, chain[-1].finished_at)
    first, last = (datetime.fromisoformat(time or "") for time in times)
    return phase_seconds | {"all": round((last - first).total_seconds(), 1)}
