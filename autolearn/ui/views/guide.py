"""The steps of a round for a newcomer: what is done, and what comes next."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autolearn.core.records import ACTIVE_STATES, Round, Run, RunKind, SampleState
from autolearn.core.run_results import RoundScores, StudyResult
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation.skill_report import (
    guidance,
    is_unchecked,
    nearest_report,
)
from autolearn.runs.model_choice import chosen_model
from autolearn.services import round_progress, skill_actions
from autolearn.services.model_scope import chosen_digest, shown_digest
from autolearn.services.skill_actions import SkillRemedy
from autolearn.store import RunFilter, SampleFilter, Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels, study
from autolearn.ui.views.links import NEW_ROUND, SKILLS, SKILLS_RESULT, TAB


@dataclass(frozen=True)
class GuideStep:
    """One step by hand: the tab where it is done, and whether it was."""

    tab: str
    what: str
    done: bool
    kind: RunKind | None = None
    """The kind of the run that does it."""
    may_be_next: bool = True
    """Whether it may come next; not if it is not needed and was left out."""
    part: str | None = None
    """The id of the part of the tab to which it leads; None: the top."""


def of(store: Store) -> list[GuideStep]:
    """Return the steps of a round by hand, in their order."""
    digest = shown_digest(store)
    samples = store.samples.counts(SampleFilter(model_digest=digest))
    has_samples = any(samples.values())
    chats = store.runs.find(
        RunFilter(("chat",), ("done",), model_digest=digest), limit=1
    )
    rounds = [
        round_
        for round_ in labels.rounds(store, digest)
        if round_.adapter and round_.traits.teaches_facts
    ]
    has_quiz = any(RoundScores.of(round_).closed_book() for round_ in rounds)
    studies = RunFilter(("study",), ("done",), model_digest=digest)
    last_study = next(iter(store.runs.find(studies, limit=1)), None)
    in_use = chosen_model(store).round_id
    is_studied = has_samples and not _has_new_skills(store, last_study)
    is_poor = last_study is not None and study.is_poor(StudyResult.of(last_study))
    # Who approves some of its samples by hand, or trains a round with others, has left
    # the skills as they are.
    of_last = SampleFilter(run_id=last_study.id if last_study else 0)
    has_trained = bool(rounds) and rounds[-1].id > (in_use or 0)
    is_used = has_trained or store.samples.counts(of_last)["approved"] > 0
    return [
        GuideStep("Library", "Add texts", not store.library.is_empty()),
        *_skills(store, may_be_next=not is_studied or (is_poor and not is_used)),
        GuideStep("Study", "Let the model study them", is_studied, "study"),
        GuideStep("Review", _review(samples), samples["approved"] > 0),
        _train(store, digest, done=bool(rounds)),
        # Before the first round, the quiz only measures the base model.
        GuideStep(
            "Evaluation", "See what it learned", has_quiz, "quiz" if rounds else None
        ),
        _keep(store, rounds),
        GuideStep("Chat", "Ask it a question", bool(chats)),
    ]


def _review(counts: Mapping[SampleState, int]) -> str:
    """Return the step that approves samples, with what is done while some are left."""
    if not counts["pending"]:
        return "Approve samples"
    done = f"{counts['approved']:,} approved, " * (counts["approved"] > 0)
    return f"Approve samples ({done}{counts['pending']:,} to review)"


def _train(store: Store, digest: str | None, *, done: bool) -> GuideStep:
    """Return the step that trains; an ended training is shown above its form."""
    trainings = store.runs.find(RunFilter(("train",), model_digest=digest), limit=1)
    has_ended = bool(trainings) and trainings[0].state not in ACTIVE_STATES
    part = NEW_ROUND if has_ended else None
    return GuideStep("Train", "Train a round", done, "train", part=part)


def _keep(store: Store, rounds: Sequence[Round]) -> GuideStep:
    """Return the step that decides on the newest round: training alone uses none."""
    newest = rounds[-1] if rounds else None
    is_decided = newest is not None and (
        newest.state != "trained" or newest.id == chosen_model(store).round_id
    )
    name = f"round {newest.id}" if newest else "the round"
    what = f"Keep {name} to use it from now on, or roll it back"
    return GuideStep("Evaluation", what, is_decided)


def _has_new_skills(store: Store, last_study: Run | None) -> bool:
    """Return whether the round in use has learned skills since the last study."""
    studied_with = last_study.round_id if last_study else None
    before = {round_.id for round_ in store.rounds.lineage(studied_with)}
    in_use = store.rounds.lineage(chosen_model(store).round_id)
    return any(r.traits.teaches_skills and r.id not in before for r in in_use)


def _skills(store: Store, *, may_be_next: bool) -> list[GuideStep]:
    """Return the step that checks or teaches the skills of a real model."""
    model, digest = chosen_model(store), chosen_digest(store)
    if model.model == ModelSettings.model or digest is None:
        return []
    weights = digest, model.own_quantization, model.round_id
    # Replay keeps the skills in a round of facts.
    report = nearest_report(store, *weights)
    is_checked = report is not None and not is_unchecked(store, *weights)
    what, is_done, part = "Check its skills", is_checked, SKILLS
    if report and guidance(report).needs_teaching:
        remedy = skill_actions.remedy(store, digest, model.round_id)
        if remedy.use:
            what, is_done, part = "Use the round with the skills", False, SKILLS_RESULT
            may_be_next = True
        elif is_checked and remedy.is_teaching:
            what, is_done = _teaching(remedy), False
    return [GuideStep("Model", what, is_done, "skills", may_be_next, part)]


def _teaching(remedy: SkillRemedy) -> str:
    """Return the step that teaches the skills, again if it was done in few steps."""
    if remedy.steps is None:
        return "Teach it the weak skills"
    n_steps, n_planned = remedy.steps
    return f"Teach it the skills in more steps ({n_steps} of {n_planned} so far)"


def draw(store: Store) -> Html:
    """Return the steps, which lead to their tabs.

    During a whole round, no step is the next one: the round does all of them itself.
    """
    progress = round_progress.newest(store)
    is_active = progress is not None and progress.is_active
    active_kinds = {_step_kind(run) for run in store.runs.in_state(*ACTIVE_STATES)}
    # A whole round checks no skills.
    steps = [step for step in of(store) if not (is_active and step.tab == "Model")]
    buttons = _buttons(steps, active_kinds, shows_next=not is_active)
    rows = html.join(html.tag("li", button) for button in buttons)
    title = html.tag("strong", "Steps of the round" if is_active else "Or step by step")
    listing = title + html.tag("ol", rows, "al-steps")
    return html.tag("div", listing, "al-box")


def _step_kind(run: Run) -> RunKind:
    """Return the kind of the step that a run does: a meta-skill round is no round."""
    if run.kind != "train" or TrainRunSettings.of(run).train.traits.teaches_facts:
        return run.kind
    return "skills"


def _buttons(
    steps: list[GuideStep], active_kinds: Collection[RunKind], *, shows_next: bool
) -> Iterator[Html]:
    """Yield the steps; ``active_kinds``: kinds of runs that are running or queued."""
    remaining = [step for step in steps if step.may_be_next and not step.done]
    for step in steps:
        is_next = shows_next and bool(remaining) and step is remaining[0]
        sign, state = ("✓", "done") if step.done else ("○", "to do")
        if step.kind in active_kinds:
            sign, state = "…", "in progress"
        elif is_next:
            sign, state = "→", "next"
        content = html.tag("span", html.text(sign), "al-sign", aria_hidden="true")
        content += html.text(step.what)
        yield html.pick(
            content,
            f"{TAB}{step.tab}",
            "al-link al-next" if is_next else "al-link",
            data_part=step.part,
            aria_label=f"{step.what} ({state}): open the {step.tab} tab",
        )
