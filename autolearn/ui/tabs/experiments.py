"""Experiments: compare ways of learning on the same texts, or evolve in rounds."""

from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError, JobError
from autolearn.core.experiments import (
    ARMS,
    CompareSettings,
    EvolveSettings,
    first_seeds,
)
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.runs.model_choice import chosen_model
from autolearn.services.experiments import (
    comparison_tasks,
    evolution_tasks,
    reports,
    schedule,
)
from autolearn.store import Store
from autolearn.study.rules import RULES
from autolearn.training import presets
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import QUIET, PageContext, Session, html_panel, redraw_on
from autolearn.ui.tabs import document_choice
from autolearn.ui.tabs.document_choice import Choice
from autolearn.ui.tabs.setting_labels import named_by
from autolearn.ui.views import experiments as views

TITLE = "Experiments"
LABELS = {
    "quiz_share": "Self-made quiz share",
    "steps": "Steps per arm",
    "rounds": "Rounds",
    "new_instructions": "New instructions",
    "votes": "Votes",
}
"""The labels of settings that may be refused."""
_EVOLUTIONS = [
    ("restart from the base model on all samples", "restart"),
    ("continue on all samples", "continual"),
    ("continue on new samples only", "continual-new"),
]


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    with gr.Row():
        with gr.Column(scale=2, min_width=340):
            with gr.Accordion("Compare methods", open=True):
                _compare(context)
            with gr.Accordion("Evolve over rounds (SELF)", open=False):
                _evolve(context)
        with gr.Column(scale=3, min_width=420):
            _results(context)


def _compare(context: PageContext) -> None:
    session = context.session
    html_panel("experiments-compare-help", views.COMPARE_HELP)
    arms = gr.CheckboxGroup(
        [(traits.title, arm) for arm, traits in ARMS.items()],
        value=list(CompareSettings.arms),
        label="Arms",
        info="Ways of learning, and the model without learning. Each arm that trains "
        "takes as long as a round, for each seed.",
        elem_id="experiments-arms",
    )
    documents = gr.Dropdown(
        [],
        multiselect=True,
        label="Documents",
        info="None selected: all but those of the placebo.",
    )
    placebo = gr.Dropdown(
        [],
        multiselect=True,
        label="Documents of the placebo",
        info="What the arm “other documents” learns instead.",
    )
    pairs = gr.Dropdown(
        [],
        multiselect=True,
        label="Questions and answers by people (corpora)",
        info="What the arm “SFT on people's pairs” learns from.",
    )
    seeds, steps, share = _lay_out_numbers()
    rule = gr.Dropdown(
        list(RULES),
        value=CompareSettings.rule,
        label="Rule for filtered arms",
        info="They learn what it approves, and what you approved. “strict” approves "
        "the fewest samples, “all-pairs” the most.",
    )
    instructions = gr.Checkbox(
        label="Also study the instructions",
        info="“Both papers combined” learns the refined answers that pass the model's "
        "own check, “SFT on unfiltered pairs” its first answers. The other arms learn "
        "from texts only.",
        elem_id="experiments-instructions",
    )
    begin = gr.Button("Compare", variant="primary", elem_id="experiments-compare")
    sources = [documents, placebo, pairs]
    context.redraw_on_opening(partial(_sources, session), sources, sources)
    inputs = [arms, documents, placebo, seeds, steps, share, rule, pairs, instructions]
    context.on_action([begin.click], partial(_begin_compare, session), inputs)


def _lay_out_numbers() -> tuple[gr.Number, gr.Number, gr.Number]:
    """Lay out the seeds, the steps of an arm, and the share of a self-made quiz."""
    with gr.Row():
        seeds = gr.Number(
            len(CompareSettings.seeds),
            label="Seeds",
            info="Trainings per arm. More narrows the intervals and takes longer.",
            precision=0,
            min_width=150,
            elem_id="experiments-seeds",
        )
        steps = gr.Number(
            0,
            label=LABELS["steps"],
            info="Of each training; 0: as many as “both papers combined” takes. More "
            "learns more and takes longer.",
            precision=0,
            min_width=150,
            elem_id="experiments-steps",
        )
        share = gr.Number(
            0.0,
            label=LABELS["quiz_share"],
            info=StudySettings.help()["quiz_share"],
            min_width=150,
        )
    return seeds, steps, share


def _sources(session: Session, *chosen: list[Choice]) -> list[gr.Dropdown]:
    """Offer the documents, those of the placebo, and the corpora."""
    store = session.store
    choices = document_choice.choices(store.library.document_sizes())
    by_people: list[tuple[str, Choice]] = [(c.name, c.id) for c in store.corpora.all()]
    return list(map(offer, (choices, choices, by_people), chosen))


def _begin_compare(session: Session, *values: Any) -> str:
    arms, documents, placebo, seeds, steps, share, rule, pairs, instructions = values
    store, model = session.store, chosen_model(session.store)
    selected = document_choice.selected_ids(store, documents or ())
    others = document_choice.selected_ids(store, placebo or ()) or []
    rest = [d.id for d in store.library.document_sizes() if d.id not in others]
    with named_by(LABELS):
        settings = CompareSettings(
            model,
            StudySettings(quiz_share=share or 0.0),
            presets.preset_settings(model, TrainSettings()),
            tuple(selected or rest),
            tuple(others),
            tuple(arm for arm in ARMS if arm in arms),
            first_seeds(int(seeds or 0)),
            rule,
            int(steps or 0),
            tuple(pairs or ()),
            instructions,
        )
    return _start(session, comparison_tasks.begin(store, settings).id)


def _evolve(context: PageContext) -> None:
    session = context.session
    help_of = EvolveSettings.help()
    html_panel("experiments-evolve-help", views.EVOLVE_HELP)
    with gr.Row():
        rounds = gr.Number(
            EvolveSettings.rounds,
            label=LABELS["rounds"],
            info=help_of["rounds"],
            precision=0,
            min_width=150,
        )
        new = gr.Number(
            0,
            label=LABELS["new_instructions"],
            info=help_of["new_instructions"],
            precision=0,
            min_width=150,
        )
        votes = gr.Number(
            EvolveSettings.votes,
            label=LABELS["votes"],
            info=help_of["votes"],
            precision=0,
            min_width=150,
        )
    way = gr.Radio(_EVOLUTIONS, value=EvolveSettings.evolution, label="Training")
    with gr.Row():
        meta = gr.Checkbox(
            label="Begin with a meta-skill round", info=help_of["meta"], min_width=150
        )
        stop = gr.Checkbox(
            label="Stop early", info=help_of["stop_early"], min_width=150
        )
        margin = gr.Number(
            100 * EvolveSettings.margin,
            label="Margin of the control score, points",
            info="How far it may fall for a round to be kept. More tolerates more "
            "forgetting.",
            min_width=150,
        )
    begin = gr.Button("Evolve", variant="primary", elem_id="experiments-evolve")
    inputs = [rounds, new, votes, way, meta, stop, margin]
    context.on_action([begin.click], partial(_begin_evolve, session), inputs)


def _begin_evolve(session: Session, *values: Any) -> str:
    rounds, new, votes, way, meta, stop, margin = values
    store, model = session.store, chosen_model(session.store)
    if not 0 <= (margin or 0) <= 100:
        raise InputError("Enter a margin from 0 to 100 points.")
    with named_by(LABELS):
        settings = EvolveSettings(
            model,
            StudySettings(),
            presets.preset_settings(model, TrainSettings()),
            int(rounds or 0),
            way,
            int(new or 0),
            meta,
            int(votes or 0),
            (margin or 0.0) / 100,
            stop,
        )
    return _start(session, evolution_tasks.begin(store, settings).id)


def _start(session: Session, experiment_id: int) -> str:
    run = schedule.advance(session.store, experiment_id)
    if run is not None:
        session.start_worker_for(run)
    return (
        f"Experiment {experiment_id} has begun. Its result appears under the list of "
        "experiments."
    )


def _results(context: PageContext) -> None:
    session = context.session
    chosen, version = gr.State(0), gr.State("")
    table = html_panel("experiments-list")
    with gr.Row(visible=False) as buttons:
        resume = gr.Button("Resume", size="sm", elem_id="experiments-resume")
        as_html = gr.Button("Report as HTML", size="sm", elem_id="experiments-html")
        as_csv = gr.Button("Numbers as CSV", size="sm", elem_id="experiments-csv")
    file = gr.File(
        label="Download", visible=False, interactive=False, elem_id="experiments-file"
    )
    result = html_panel("experiments-result")
    state = [chosen, version]
    context.redraw_on_change(lambda: _list(session.store), [], [table, buttons])
    context.redraw_on_change(
        partial(_changed_result, session), state, [result, version]
    )
    click = table.click(_picked_id, None, chosen, **QUIET)
    redraw_on([click.then], partial(_changed_result, session), state, [result, version])
    context.on_action([resume.click], partial(_resume, session), [chosen])
    for button, extension in ((as_html, "html"), (as_csv, "csv")):
        context.on_action(
            [button.click],
            lambda i, e=extension: _file(session, i, e),
            [chosen],
            [file],
        )


def _list(store: Store) -> tuple[Html, gr.Row]:
    """Return the experiments, and what can be done with one if there is any."""
    return views.table(store), gr.Row(visible=bool(store.experiments.all()))


def _picked_id(event: gr.EventData) -> int:
    return int(event.pick)


def _changed_result(session: Session, chosen: int, version: str) -> tuple[Any, Any]:
    """Return the result, drawn again only if a run has ended: it may be unfolded."""
    now = views.version(session.store, chosen)
    if now == version:
        return gr.skip(), gr.skip()
    return views.result(session.store, chosen), now


def _existing_id(session: Session, chosen: int) -> int:
    experiments = session.store.experiments.all()
    if not experiments:
        raise JobError("There is no experiment yet; begin one first.")
    return chosen or experiments[0].id


def _resume(session: Session, chosen: int) -> None:
    session.start_worker_for(
        schedule.resume(session.store, _existing_id(session, chosen))
    )


def _file(session: Session, chosen: int, extension: str) -> gr.File:
    number = _existing_id(session, chosen)
    report = reports.report(session.store, number)
    path = Path(mkdtemp()) / f"experiment-{number}.{extension}"
    write = {"html": reports.write_html, "csv": reports.write_csv}[extension]
    write(report, path)
    return gr.File(value=str(path), visible=True)
