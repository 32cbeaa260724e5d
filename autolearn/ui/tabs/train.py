"""Training: choose how, see what goes in, start a round and watch it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import AutolearnError, InputError, JobError
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import TrainSettings
from autolearn.models import files as model_files
from autolearn.models.token_counting import TokenCounter
from autolearn.rounds.sources import why_nothing
from autolearn.runs.model_choice import chosen_model
from autolearn.services import (
    actions,
    corpus_actions,
    round_progress,
    skill_actions,
    token_preview,
)
from autolearn.services.actions import TrainSources
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.round_contents import RoundContents, contents_with
from autolearn.services.train_checks import check_train
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.training import presets
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import (
    LAST,
    QUIET,
    SHOWN,
    PageContext,
    Session,
    html_panel,
    redraw_on,
    with_error_panel,
)
from autolearn.ui.tabs import train_form, train_preset, train_scope, training_progress
from autolearn.ui.tabs.train_form import settings_of
from autolearn.ui.tabs.train_scope import N_FIELDS, ScopeForm, n_samples_of_others
from autolearn.ui.views import labels
from autolearn.ui.views import train as views
from autolearn.ui.views.links import NEW_ROUND

TITLE = "Train"

SPARE = 256 << 20
"""Bytes that must stay free on the disk in addition to checkpoints and adapter."""

LOOKING = "Reading the approved samples …"
PLANNING = "Computing the plan of the new method …"

METHOD = "train-method"
"""The id of the field of the method."""


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    memo = PlanCache()
    progress = training_progress.lay_out()
    new_round = gr.Accordion("New round", open=True, elem_id=NEW_ROUND)
    with new_round:
        # The titles of the methods are long, so the field has the whole width.
        parts = {"method": train_form.field_of("method")}
        with gr.Row():
            with gr.Column(scale=2, min_width=340):
                others, parent, preset, scope = _lay_out_first(context)
                start = gr.Button(
                    "Start training", variant="primary", elem_id="train-go"
                )
                look = gr.Button("Show the exact tokens", elem_id="train-look")
            with gr.Column(scale=3, min_width=420):
                plan = html_panel("train-plan", html.note(LOOKING))
        parts |= others | train_form.lay_out_groups()
        tokens = html_panel("train-tokens")
    form = [parts[entry.name] for entry in fields(TrainSettings)]
    inputs = [parent, *scope, *form]
    session = context.session
    announce_plan(parts["method"], plan)
    filled, settled = train_preset.wire(context, preset, form)
    draw_plan = partial(_plan, session, memo)
    # The plan is not drawn with the tab, which first brings parent and settings.
    basis = gr.Textbox("", visible="hidden")
    context.redraw_on_change(lambda: session.store.revisions.round_plan(), [], [basis])
    wire_plan(draw_plan, inputs, [filled, settled, basis], plan)
    keep_on_input(session, [filled, preset, parent, *form], settled)
    waiting = html.note("Tokenizing all items …")
    training_progress.wire(context, progress, parent, new_round)
    request = look.click(lambda: waiting, None, tokens, **QUIET)
    draw_tokens = partial(_tokens, session, memo)
    redraw_on([request.then], draw_tokens, inputs, [tokens], **SHOWN)
    queue = partial(_start, session)
    context.on_action([start.click], queue, inputs, [progress.run_choice])


def announce_plan(method: gr.Dropdown, plan: gr.HTML) -> None:
    """Replace the plan of the former method at once: a new one may take seconds.

    The browser does so on its own, so that the note never follows the new plan.
    """
    note = json.dumps(html.note(PLANNING))
    method.input(None, None, plan, js=f"() => {note}")


def wire_plan(
    draw: Callable[..., Html],
    inputs: list[Any],
    also_on: list[gr.Textbox],
    plan: gr.HTML,
) -> None:
    """Draw the plan for what is chosen; until then, Gradio dims the former one.

    Another method brings the values of its preset, so it is drawn once these are in the
    form: ``also_on`` are the boxes that change then, or as the workspace does. One
    event for all: several change together, each drawing may take seconds, and an older
    one that ends late would stay.
    """
    fields_to_draw = [field for field in inputs if field.elem_id != METHOD]
    changes = [field.change for field in (*also_on, *fields_to_draw)]
    handler = with_error_panel(draw, [plan])
    gr.on(changes, handler, inputs, [plan], **(LAST | SHOWN))


def keep_on_input(session: Session, inputs: list[Any], settled: gr.Textbox) -> None:
    """Keep what a person chooses in the form, so that a reload does not lose it.

    ``inputs``: what the form is filled for, the preset, the parent, and the settings.
    Not the samples: their fields are folded, so those of a later study would be left
    out unseen. One event for all fields, since each takes time as a page loads.
    """

    def keep(source: str, preset: str, parent: int, *values: Any) -> None:
        store = session.store
        # A slider also reports an input as it is first shown.
        if source and not store.read_only:
            train_preset.keep(store, source, preset, values)
            training_progress.keep_parent(store, parent)

    _, _, *fields_to_keep = inputs
    triggers = [settled.change, *(field.input for field in fields_to_keep)]
    gr.on(triggers, keep, inputs, None, **LAST)


def _lay_out_first(
    context: PageContext,
) -> tuple[dict[str, Any], gr.Dropdown, gr.Dropdown, list[Any]]:
    """Lay out parent, preset, scope, and the settings always seen but the method."""
    _, *others = train_form.FIRST
    parent = gr.Dropdown(
        [labels.BASE],
        value=0,
        label="Start from",
        info="The base model, or a finished round to continue. At first the round in "
        "use, if it has learned meta-skills.",
        elem_id="train-parent",
    )
    preset = gr.Dropdown(
        [(entry.title, name) for name, entry in presets.PRESETS.items()],
        value="tiny",
        label="Preset",
        info="Sets rank, alpha, learning rate, epochs, minimum of steps, batch size, "
        "warm-up, replay items and meta-skill items; all other settings but the method "
        "get their defaults. Choose it again to undo your changes.",
        filterable=False,
        elem_id="train-preset",
    )
    scope = train_scope.lay_out(context)
    parts = {name: train_form.field_of(name) for name in others}
    return parts, parent, preset, scope


class PlanCache:
    """Caches the contents of the planned round, which several windows may ask for."""

    def __init__(self) -> None:
        self._cached: tuple[object, RoundContents] | None = None
        self._counter: tuple[object, TokenCounter] | None = None

    def intake(self, store: Store, request: TrainRunSettings) -> RoundContents:
        """Return what a round would train on, made again if anything has changed."""
        settings, model = request.train, request.model
        revision = store.revisions.round_contents()
        # These change neither the items nor their description. Of the dial, only
        # whether there is replay counts; of the steps, how much they replay, ``_fits``.
        plain = replace(
            settings,
            epochs=1,
            max_steps=0,
            least_steps=0,
            replay_weight=float(settings.replay_weight > 0),
            max_tokens=16,
            tracker=None,
            devices=1,
        )
        changed_prompts = prompts.of_run()[prompts.CHANGED]
        key = (store.folder, revision, changed_prompts, replace(request, train=plain))
        cached = self._cached
        if cached is None or cached[0] != key or not _fits(cached[1], settings):
            folder = model_files.locate(model.model)
            contents = contents_with(self._count(folder), folder, store, request)
            self._cached = cached = key, contents
        return cached[1]

    def _count(self, folder: Path) -> TokenCounter:
        key = folder, (folder / "tokenizer.json").stat().st_mtime_ns
        counter = self._counter
        if counter is None or counter[0] != key:
            self._counter = counter = key, TokenCounter(folder)
        return counter[1]


def _fits(contents: RoundContents, settings: TrainSettings) -> bool:
    """Return whether as much is replayed with these settings, whose steps limit it."""
    return contents.n_instructions == settings.n_replay(len(contents.dataset.items))


def request_of(store: Store, parent: int, *values: Any) -> TrainRunSettings:
    """Return the settings of the round that a form asks for, with the chosen model.

    Raises:
        InputError: A field is empty or out of its range.
    """
    scope, settings = values[:N_FIELDS], settings_of(values[N_FIELDS:])
    has_corpora = settings.traits.uses_corpora
    return TrainRunSettings(
        model=replace(chosen_model(store), round_id=None),
        train=settings,
        parent=parent or None,
        corpus_ids=tuple(corpus_actions.ids(store)) if has_corpora else (),
        scope=ScopeForm(*scope).scope(store),
    )


def _plan(session: Session, memo: PlanCache, *values: Any) -> Html:
    """Return what a round would learn, what prevents it, and its time and memory."""
    store = session.store
    try:
        request = request_of(store, *values)
    except InputError as error:
        return views.preflight([str(error)], [])
    model, settings = request.model, request.train
    contents = memo.intake(store, request)
    fit = memory_needs.of_training(store, model, settings, contents)
    effort = durations.training_time(store, model, settings, contents)
    stops = problems(store, request, contents)
    stops += _disk(store, fit.disk)
    notes = _notes(store, request, contents)
    if fit.problem:
        notes.insert(0, f"It may not fit. {fit.problem}")
    plan = views.preflight(stops, notes) + views.intake(contents, settings)
    if not contents.dataset.items:  # an estimate of nothing would only mislead
        return plan
    return plan + views.estimate(effort, fit)


def _notes(
    store: Store, request: TrainRunSettings, contents: RoundContents
) -> list[str]:
    """Return what a person should know of a round before it is trained."""
    settings, scope = request.train, request.scope
    usual = presets.PRESETS[presets.preset_for(request.model, settings.method)]
    notes = views.warnings(contents, settings, usual)
    if scope and scope.model_digest and (n := n_samples_of_others(store)):
        notes.append(
            f"Left out: {html.count(n, 'approved sample')} of other models; what those "
            "did not know says little about this one. Include them under “Which "
            "samples”."
        )
    notes += _skills_left_behind(store, request)
    progress = round_progress.newest(store)
    if progress and progress.is_active:
        notes.insert(0, views.WHOLE_ROUND)
    return notes


def _skills_left_behind(store: Store, request: TrainRunSettings) -> list[str]:
    """Return that the round in use has learned skills that the new one will lack."""
    in_use = chosen_model(store).round_id
    if (
        request.train.traits.teaches_skills
        or skill_actions.has_learned_skills(store, request.parent)
        or not skill_actions.has_learned_skills(store, in_use)
    ):
        return []
    return [
        f"Round {in_use}, which is in use, has learned meta-skills; this round starts "
        "without them. To keep them, choose that round under “Start from”."
    ]


def problems(
    store: Store, request: TrainRunSettings, contents: RoundContents
) -> list[str]:
    """Return what keeps a round from being trained, in sentences."""
    try:
        check_train(store, request)
        if not contents.dataset.items:
            raise JobError(why_nothing(request.train))
    except AutolearnError as error:
        return [str(error)]
    return []


def _disk(store: Store, n_bytes: int) -> list[str]:
    """Return that the disk is too full for a round, if it is."""
    free = shutil.disk_usage(store.folder).free
    if free >= n_bytes + SPARE:
        return []
    return [
        f"Only {free >> 20} MiB are free on the disk of the workspace; make room for "
        f"checkpoints and the adapter ({(n_bytes + SPARE) >> 20} MiB)."
    ]


def _tokens(session: Session, memo: PlanCache, *values: Any) -> Html:
    """Return the exact tokens of the first items."""
    request = request_of(session.store, *values)
    items = memo.intake(session.store, request).dataset.items
    if not items:
        raise InputError(
            "There is no training data yet, so no tokens; approve samples first."
        )
    folder = model_files.locate(request.model.model)
    return views.preview(token_preview.preview(folder, items, request.train.max_tokens))


def _start(session: Session, *values: Any) -> Any:
    """Queue a round and show the newest training."""
    store = session.store
    request = request_of(store, *values)
    sources = TrainSources(scope=request.scope)
    session.start_worker_for(
        actions.train(store, request.model, request.train, request.parent, sources)
    )
    return training_progress.newest(store)
