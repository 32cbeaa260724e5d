"""A whole round as a chain of runs: study, quiz, rule, training, quiz again.

A round is a chain of runs. Each run stores the rest of the chain. When it has
succeeded, the worker queues the next, so the chain continues with every page closed. A
stopped run that is resumed continues the chain too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from autolearn.core.errors import AutolearnError, JobError
from autolearn.core.records import ACTIVE_STATES, Run
from autolearn.core.run_results import RunResult, TrainResult
from autolearn.core.run_settings import (
    Phase,
    PipelineLink,
    PipelinePlan,
    PipelineRunSettings,
)
from autolearn.core.server_addresses import check_has_weights
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import model_references
from autolearn.services import actions
from autolearn.services.experiments import schedule
from autolearn.services.train_checks import check_equipment
from autolearn.store import SampleFilter, Store
from autolearn.training import presets

RULE = "default"


def begin(
    store: Store,
    model: ModelSettings,
    study: StudySettings | None = None,
    train: TrainSettings | None = None,
    documents: Sequence[int] | None = None,
) -> Run:
    """Queue the first run of a whole round, which begins with the base model.

    AL stage 2 needs stage 1 and a study by its model before; each of the two stages
    then takes half of the steps, and stage 1 has the learning rate of its preset: that
    of stage 2 is for preferences. Without settings of its training it is trained by the
    preset for the model.

    Raises:
        JobError: There is no text to study, the package of the tracker is
            missing, or there are fewer devices.
    """
    train = train or presets.preset_settings(model, TrainSettings())
    check(model, train)
    phases: tuple[Phase, ...] = ("study", "quiz", "train", "quiz")
    trains = [train]
    if train.traits.is_second_stage:
        phases = ("study", "quiz", "train", "study", "train", "quiz")
        half = replace(train, max_steps=train.max_steps // 2 or train.max_steps)
        stage_1 = replace(half, method="al1")
        rate = presets.preset_settings(model, stage_1).learning_rate
        trains = [replace(stage_1, learning_rate=rate), half]
    plan = PipelinePlan(
        phases,
        replace(model, round_id=None),
        study or StudySettings(),
        tuple(trains),
        documents=None if documents is None else tuple(documents),
    )
    return _queue_phase(store, plan, after=None)


def check(model: ModelSettings, train: TrainSettings) -> None:
    """Refuse a whole round that this computer cannot do.

    Raises:
        BackendError: The model is on a server.
        JobError: The package of the tracker is missing, or there are fewer devices.
    """
    check_has_weights(model.model)
    check_equipment(train)


def begin_only(
    store: Store, model: ModelSettings, documents: Sequence[int] | None = None
) -> Run:
    """Queue the first run of a whole round, unless one is queued or in progress.

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
    if runs := in_progress(store):
        run = runs[0]
        raise JobError(
            f"A whole round is {run.state} already (run {run.id}, {run.kind}); "
            "wait for its end, or stop it first."
        )


def in_progress(store: Store) -> list[Run]:
    """Return the runs of whole rounds that are queued or running, the oldest first."""
    return [
        run
        for run in store.runs.in_state(*ACTIVE_STATES)
        # Other kinds of runs have other settings: the model of an import is a text.
        if run.kind in get_args(Phase) and PipelineRunSettings.of(run).plan is not None
    ]


def queue_next(store: Store, run: Run, result: RunResult) -> Run | None:
    """Queue what follows on a run that ends with this result; None if nothing does.

    Called before the end of the run is written, so that no kill can break the chain;
    a second call finds the run queued and does nothing.

    Raises:
        JobError: The whole round or an experiment ends here; the others continue. The
            text has a sentence for each.
    """
    problems = schedule.advance_all(store, run)
    following = None
    try:
        following = _queue_next_phase(store, run, result)
    except AutolearnError as error:
        problems.append(f"The whole round ends here: {error}")
    if problems:
        raise JobError(" ".join(problems))
    return following


def cancel_next(store: Store, run: Run) -> None:
    """Cancel what was queued after a run; it can be resumed."""
    schedule.cancel_next(store, run)
    following = store.runs.next_in_pipeline(run.id)
    if following:
        store.runs.request_cancel(following.id)


def _queue_next_phase(store: Store, run: Run, result: RunResult) -> Run | None:
    """Queue the next phase of the whole round of a run; None if there is none."""
    plan = PipelineRunSettings.of(run).plan
    if plan is None or not plan.phases or store.runs.next_in_pipeline(run.id):
        return None
    if isinstance(result, TrainResult):
        plan = replace(plan, round_id=result.round)
    return _queue_phase(store, plan, run.id)


def _queue_phase(store: Store, plan: PipelinePlan, after: int | None) -> Run:
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
