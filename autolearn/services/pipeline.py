"""One whole round by itself: study, rule, quiz, training, quiz again.

A round is a chain of runs. Each carries what is still to come; when it has ended well
the worker queues the next, so the chain goes on with every page closed, and a run
that was stopped and is resumed takes up the rest of the chain with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from autolearn.core.errors import JobError
from autolearn.core.records import Run
from autolearn.core.run_results import RunResult, StudyResult, TrainResult
from autolearn.core.run_settings import (
    Phase,
    PipelineLink,
    PipelinePlan,
    PipelineRunSettings,
    TrainRunSettings,
)
from autolearn.core.server_addresses import check_has_weights
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.demo.library import write_library, write_problems
from autolearn.evaluation import paired_quizzes
from autolearn.ingest import importer
from autolearn.ingest.parsing import ImportFile, LocalParser
from autolearn.models import files as model_files
from autolearn.models import token_counting
from autolearn.models.files import BUILT_IN
from autolearn.runs import model_references
from autolearn.services import actions, gold_actions
from autolearn.services.experiments import schedule
from autolearn.services.train_checks import check_devices
from autolearn.store import SampleFilter, Store
from autolearn.training import presets

LIBRARY = BUILT_IN.parent / "demo-library"
RULE = "default"

Finish = Callable[[Run, str], Run]
"""Waits for a run under a title; raises if it does not end well."""


def begin(
    store: Store,
    model: ModelSettings,
    study: StudySettings | None = None,
    train: TrainSettings | None = None,
    documents: Sequence[int] | None = None,
) -> Run:
    """Queue the first run of a whole round, which begins with the base model.

    AL stage 2 needs stage 1 and a study by its model before; each of the two stages
    then takes half of the steps. Without settings of its training it is trained by the
    preset for the model.

    Raises:
        JobError: There is no text to study, or there are fewer devices.
    """
    check_has_weights(model.model)
    train = train or presets.preset_settings(model, TrainSettings())
    check_devices(train.devices)
    phases: tuple[Phase, ...] = ("study", "quiz", "train", "quiz")
    trains = [train]
    if train.traits.is_second_stage:
        phases = ("study", "quiz", "train", "study", "train", "quiz")
        half = replace(train, max_steps=train.max_steps // 2)
        trains = [replace(half, method="al1"), half]
    plan = PipelinePlan(
        phases,
        replace(model, round_id=None),
        study or StudySettings(),
        tuple(trains),
        documents=None if documents is None else tuple(documents),
    )
    return _order(store, plan, after=None)


def begin_only(
    store: Store, model: ModelSettings, documents: Sequence[int] | None = None
) -> Run:
    """Queue the first run of a whole round, unless one is queued or goes on.

    Raises:
        JobError: One is, or there is no text to study.
    """
    with store.atomic():  # of two at once, the second sees the run of the first
        refuse_second(store)
        return begin(store, model, documents=documents)


def refuse_second(store: Store) -> None:
    """Refuse a whole round while another one is queued or running.

    Raises:
        JobError: There is one; the sentence names its run.
    """
    for run in store.runs.in_state("running", "queued"):
        if PipelineRunSettings.of(run).plan is not None:
            raise JobError(
                f"A whole round is {run.state} already (run {run.id}, {run.kind}); "
                "wait for its end, or stop it first."
            )


def queue_next(store: Store, run: Run, result: RunResult) -> Run | None:
    """Queue what follows on a run that ends with this result; None if nothing does.

    Called before the end of the run is written, so that no kill can break the chain;
    a second call finds the run queued and leaves it at that.

    Raises:
        AutolearnError: The next run cannot begin; the chain ends here.
    """
    schedule.advance_all(store, run)
    plan = PipelineRunSettings.of(run).plan
    if plan is None or not plan.phases or store.runs.next_in_pipeline(run.id):
        return None
    if isinstance(result, TrainResult):
        plan = replace(plan, round_id=result.round)
    return _order(store, plan, run.id)


def _order(store: Store, plan: PipelinePlan, after: int | None) -> Run:
    """Queue the first phase of a plan; it carries the rest."""
    phase, *rest = plan.phases
    model = replace(plan.model, round_id=plan.round_id)
    remaining_plan = replace(plan, phases=tuple(rest))
    if phase == "train":
        remaining_plan = replace(remaining_plan, trains=plan.trains[1:])
    link = PipelineLink(remaining_plan, after)
    if phase == "study":
        return actions.study(store, model, plan.study, plan.documents, link=link)
    if phase == "quiz":
        is_base = plan.round_id is None
        return actions.quiz(
            store, model, open_book=is_base, link=link, study=plan.study
        )
    digest = model_references.digest(store, model.model)
    actions.approve(store, RULE, SampleFilter(model_digest=digest))
    return actions.train(store, model, plan.trains[0], plan.round_id, link=link)


# --- the demo -----------------------------------------------------------------


def free_folder(workspace: Path, seed: int | None) -> Path:
    """Return a folder for a demo that does not exist yet."""
    name = "demo" if seed is None else f"demo-{seed}"
    folder, n = workspace / name, 1
    while folder.exists():
        n += 1
        folder = workspace / f"{name}-{n}"
    return folder


def stock(store: Store, seed: int | None = None) -> None:
    """Add the built-in library with its quiz and control, or that of a seed.

    The quiz comes from the facts of the invented world, not from the model, in
    phrasings of its own.
    """
    folder = stock_texts(store, seed)
    gold_actions.add_gold(store, folder / "quiz.jsonl", "quiz")
    gold_actions.add_gold(store, folder / "control.jsonl", "control")
    gold_actions.add_instructions(store, folder / "instructions.jsonl")


def stock_texts(store: Store, seed: int | None) -> Path:
    """Add the texts of the built-in library, or of a seed's; return its folder."""
    folder = LIBRARY
    if seed is not None:
        folder = store.folder / f"library-{seed}"
        write_library(folder, seed)
    texts = sorted(folder.glob("*.md"))
    count = token_counting.token_counter(model_files.BUILT_IN)
    intake = importer.TextImporter(
        store, LocalParser(count, StudySettings.passage_tokens)
    )
    intake.take([ImportFile(text, text.name) for text in texts])
    return folder


def stock_problems(store: Store, seed: int) -> None:
    """Add word problems as instructions, with a quiz of others and the control."""
    folder = store.folder / f"problems-{seed}"
    write_problems(folder, seed)
    gold_actions.add_gold(store, folder / "problems.jsonl", "quiz")
    gold_actions.add_gold(store, folder / "control.jsonl", "control")
    gold_actions.add_instructions(store, folder / "instructions.jsonl")


def whole_round(
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
    stock(store, seed)
    # The quiz comes from the world; none of the model's own wordings is needed.
    run = begin(store, ModelSettings(), StudySettings(quiz_share=0.0), settings)
    return {
        "workspace": str(store.folder),
        "seed": seed,
        **whole_round(store, run, settings, finish),
    }


def _title(before: list[Run], run: Run) -> str:
    if run.kind == "quiz":
        is_after = any(earlier.kind == "quiz" for earlier in before)
        return "quiz after" if is_after else "quiz before"
    if run.kind == "train":
        return f"train {TrainRunSettings.of(run).train.method}"
    return "study"


def _numbers(store: Store, chain: list[Run], settings: TrainSettings) -> dict[str, Any]:
    if chain[-1].error:
        raise JobError(chain[-1].error)
    study = StudyResult.of(chain[0])
    training = [TrainResult.of(run) for run in chain if run.kind == "train"][-1]
    quizzes = [store.runs.quiz_results(run.id) for run in chain if run.kind == "quiz"]
    return {
        "method": settings.method,
        "questions": study.questions,
        "gaps": study.gaps,
        "approved": store.samples.counts()["approved"],
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
    """Return how long each phase took, and all of them with what lay between."""
    phase_seconds: dict[str, float] = {}
    for i, run in enumerate(chain):
        is_quiz = run.kind == "quiz"
        name = _title(chain[:i], run).replace(" ", "_") if is_quiz else run.kind
        seconds = _between(run.started_at, run.finished_at)
        phase_seconds[name] = round(phase_seconds.get(name, 0.0) + seconds, 1)
    whole = _between(chain[0].created_at, chain[-1].finished_at)
    return phase_seconds | {"all": round(whole, 1)}


def _between(start: str | None, end: str | None) -> float:
    first, last = (datetime.fromisoformat(time or "") for time in (start, end))
    return (last - first).total_seconds()
