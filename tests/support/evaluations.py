"""Rounds whose quizzes were run, and what Evaluation shows of them."""

from dataclasses import replace

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.quiz_records import QuizMode, QuizResult
from autolearn.core.records import Round
from autolearn.core.settings import ModelSettings
from autolearn.evaluation.paired_quizzes import RoundComparison
from autolearn.models import files as model_files
from autolearn.services import actions, quiz_runs
from autolearn.store import Store
from autolearn.ui.views import evaluation as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
MODEL = ModelSettings()
DIGEST = model_files.digest(model_files.BUILT_IN)


def one_round(store, parent_id=None):
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", DIGEST, "nf4", "", "")
    new = Round(
        "join",
        run.id,
        {"model": MODEL.as_dict()},
        identity,
        parent_id,
        state="trained",
        adapter=f"adapters/round-{run.id}",
        scores={"forgetting_kl": 0.0238, "scale": 0.85, "validation": 0.9},
    )
    return store.rounds.create(new, [])


def take(
    store,
    questions,
    right,
    round_id=None,
    *,
    open_book=False,
    prompt=None,
    quantization="nf4",
):
    """Keep a quiz in which so many of the first questions of each split are right."""
    modes: list[QuizMode]
    modes = ["closed_book", "open_book"] if open_book else ["closed_book"]
    counts = {
        "model": replace(MODEL, round_id=round_id, quantization=quantization).as_dict(),
        "model_digest": DIGEST,
        "parts": [["quiz", mode] for mode in modes],
    }
    if prompt:
        counts["prompts"] = {"closed_book": prompt}
    run = store.runs.create("quiz", counts)
    results = [
        QuizResult(q.id, mode, HOSTILE, i % 10 < right, False, 0.5, round_id)
        for mode in modes
        for i, q in enumerate(questions)
    ]
    store.journal(run.id).step("take", lambda: results)
    return store.runs.finish(run.id, "done")


def compared(
    store: Store, round_id: int, before_id: int | None = None
) -> RoundComparison:
    """Return what a round changed, once both quizzes were run."""
    comparison = quiz_runs.compare(store, round_id, before_id)
    assert comparison is not None
    return comparison


def shown_of(store, round_id, before_id):
    return "".join(views.result(store, round_id, before_id))


def quiz_of(store, round_id):
    run = actions.quiz(store, replace(MODEL, round_id=round_id))
    return store.runs.get(run.id)
