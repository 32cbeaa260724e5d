"""Skill checks and the rounds that teach skills: check, queue and look them up.

Like ``services.actions``: for the page and the command line.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from autolearn.core.errors import JobError
from autolearn.core.records import ACTIVE_STATES, Round, Run, RunState
from autolearn.core.run_results import TrainResult
from autolearn.core.run_settings import SkillRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.evaluation import skill_report
from autolearn.evaluation.skill_report import SkillReport, SkillRunResult
from autolearn.runs import model_references, run_control
from autolearn.runs.model_choice import with_model
from autolearn.services import actions
from autolearn.store import RunFilter, Store
from autolearn.training import presets

ENOUGH = 0.9
"""Share of the steps of the preset from which skills count as taught in full."""


def check(store: Store, model: ModelSettings) -> Run:
    """Queue a skill check of a model, or of a round of it.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
        JobError: It is being checked already; or its round is not finished, or was
            trained on another model.
    """
    run_settings = with_model(store, SkillRunSettings(), model)
    if run := active(store, model):
        raise JobError(f"This model is being checked already; wait for run {run.id}.")
    return run_control.submit(store, run_settings)


def teach(store: Store, model: ModelSettings, max_steps: int = 0) -> Run:
    """Queue a meta-skill round on the corpora of the library, by the fitting preset.

    It starts from the base model, or continues the round of ``model``. ``max_steps``:
    0: as many as the preset gives.

    Raises:
        JobError: There is no corpus, or the round cannot be trained yet.
        AutolearnError: The model is not on this computer.
    """
    settings = teaching_settings(model, max_steps)
    return actions.train(store, model, settings, model.round_id)


def teaching_settings(model: ModelSettings, max_steps: int = 0) -> TrainSettings:
    """Return the settings of a round that teaches a model the skills.

    Raises:
        AutolearnError: The model is not on this computer.
    """
    settings = TrainSettings(method="meta", max_steps=max_steps)
    return presets.preset_settings(model, settings)


def teaching(store: Store, model: ModelSettings) -> Run | None:
    """Return the meta-skill round of a model that is queued or running, if any."""
    for run in store.runs.find(RunFilter.of_model("train", model, *ACTIVE_STATES)):
        if TrainRunSettings.of(run).train.traits.teaches_skills:
            return run
    return None


def has_learned_skills(store: Store, round_id: int | None) -> bool:
    """Return whether a round, or one that it continues, has learned meta-skills."""
    return any(r.traits.teaches_skills for r in store.rounds.lineage(round_id))


def limited_steps(store: Store, round_id: int | None) -> tuple[int, int] | None:
    """Return in how many steps a round learned skills, and how many its epochs take.

    The steps of all rounds that taught it count. None: they were not fewer.
    """
    taught = [r for r in store.rounds.lineage(round_id) if r.traits.teaches_skills]
    if not taught:
        return None
    settings = TrainRunSettings.of(taught[0]).train
    if not settings.max_steps:
        return None
    result = TrainResult.of(store.runs.get(taught[0].run_id))
    per_epoch = ceil((result.items - result.dropped) / settings.batch_size)
    n_planned = replace(settings, max_steps=0).steps(per_epoch)
    n_steps = sum(round_.n_steps for round_ in taught)
    return (n_steps, n_planned) if n_steps < ENOUGH * n_planned else None


@dataclass(frozen=True)
class SkillRemedy:
    """What may help a model, or a round of it, whose skills are weak."""

    use: Round | None = None
    """A round to use instead, which has learned the skills."""
    has_learned: bool = False
    """Whether it has learned the skills itself."""
    steps: tuple[int, int] | None = None
    """In how many steps it has, and how many the preset gives; None: not in fewer."""

    @property
    def is_teaching(self) -> bool:
        """Return whether to teach it the skills, at all or in more steps."""
        return self.use is None and (not self.has_learned or self.steps is not None)


def remedy(store: Store, digest: str | None, round_id: int | None) -> SkillRemedy:
    """Return what may help a model, or a round of it, whose skills are weak.

    The sidebar and all advice follow it. ``digest``: that of the model.
    """
    taught = taught_round(store, digest)
    has_learned = has_learned_skills(store, round_id)
    if taught and has_learned:
        # A newer round of facts is to be evaluated first.
        is_newer = taught.id > (round_id or 0)
        taught = taught if is_newer and not taught.traits.teaches_facts else None
    if taught:
        return SkillRemedy(use=taught)
    return SkillRemedy(None, has_learned, limited_steps(store, round_id))


def taught_round(store: Store, digest: str | None) -> Round | None:
    """Return the newest finished round that taught a model meta-skills, if any.

    One that was rolled back does not count. ``digest``: that of the model.
    """
    rounds = (
        round_
        for round_ in reversed(store.rounds.all())
        if round_.is_usable
        and round_.traits.teaches_skills
        and round_.model.digest == digest
    )
    return next(rounds, None)


def active(store: Store, model: ModelSettings) -> Run | None:
    """Return the check of a model that is queued or running, if there is one."""
    return newest_check(store, model, *ACTIVE_STATES)


def newest_check(store: Store, model: ModelSettings, *states: RunState) -> Run | None:
    """Return the newest check of a model, or the newest in one of these states."""
    checks = RunFilter.of_model("skills", model, *states)
    runs = (r for r in store.runs.find(checks) if r.round_id == model.round_id)
    return next(runs, None)


def newest_report(store: Store, model: ModelSettings) -> SkillReport | None:
    """Return the newest report on a model; None: it was not checked.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
    """
    digest = model_references.digest(store, model.model)
    report = store.skills.newest(digest, model.own_quantization, model.round_id)
    return SkillReport.from_dict(report) if report else None


def readable(run: Run) -> dict[str, Any]:
    """Return the report of a skill check as a table, with what it means below."""
    report = SkillRunResult.of(run)
    return {
        "model": report.model,
        "protocol": report.protocol,
        "skills": [
            {
                "skill": row.title,
                "value": row.share_text,
                "n": row.n,
                "95 %": "{:.2f} to {:.2f}".format(*row.interval),
                "meaning": row.meaning,
            }
            for row in skill_report.rows(report)
        ],
        "advice": list(report.advice),
    }
