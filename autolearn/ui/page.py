"""The page: a sidebar that is always there, and tabs in the order of the work."""

from pathlib import Path

import gradio as gr

from autolearn.core.errors import JobError
from autolearn.runs import queues
from autolearn.runs.model_choice import chosen_model
from autolearn.services import pipeline
from autolearn.ui import html
from autolearn.ui.session import (
    NOTICE_JS,
    QUIET,
    TICK_SECONDS,
    PageContext,
    Session,
    html_panel,
)
from autolearn.ui.tabs import (
    ask,
    evaluation,
    experiments,
    history,
    library,
    model,
    review,
    study,
    train,
)

TABS = (model, library, study, review, train, evaluation, experiments, ask, history)
"""One module a tab; each has TITLE and ``build(context)``."""


INTRODUCTION = html.note(
    "A language model on this computer studies your texts, writes its own training "
    "samples and learns from those you approve. New here? Press “Run a whole round”: "
    "it takes a few minutes with the built-in model and library. For your own texts, "
    "start with Library."
)


def build(folder: Path) -> gr.Blocks:
    """Return the page of a workspace; nothing of it is kept in memory."""
    session = Session(folder)
    with gr.Blocks(title="autolearn", analytics_enabled=False) as page:
        current = gr.State(model.TITLE)
        pulses = {module.TITLE: gr.Textbox(visible="hidden") for module in TABS}
        timer = gr.Timer(TICK_SECONDS, active=False)
        with gr.Sidebar(width=300):
            html_panel("title", html.tag("h1", "autolearn", "al-title") + INTRODUCTION)
            sidebar = html_panel("status")
            stop = gr.Button("Stop this run", size="sm", elem_id="stop")
            whole = gr.Button("Run a whole round", variant="primary", elem_id="whole")
            walk = html_panel("steps")
            look = gr.Button("Look again", elem_id="look", visible="hidden")
        notice = gr.HTML(
            elem_id="notice", js_on_load=NOTICE_JS, apply_default_css=False
        )
        with gr.Tabs(selected=model.TITLE) as tabs:
            context = PageContext(
                session, current, pulses, timer, notice, sidebar, walk, stop, whole
            )
            for module in TABS:
                with gr.Tab(module.TITLE, id=module.TITLE) as tab:
                    module.build(context)
                context.wire(tab)
                tab.select(lambda name=module.TITLE: name, None, current, **QUIET)
                context.refresh_after(
                    tab.select
                )  # another page may have begun something
        walk.click(_tab_of_step, None, tabs, **QUIET)
        for event in (timer.tick, page.load, look.click):
            context.refresh_after(event)
        context.on_action([stop.click], lambda: _stop(session))
        context.on_action([whole.click], lambda: _whole_round(session))
    blocks: gr.Blocks = page
    return blocks


def _tab_of_step(event: gr.EventData) -> gr.Tabs:
    return gr.Tabs(selected=event.pick)


def _stop(session: Session) -> None:
    active = session.store.runs.in_state("running", "queued")
    if not active:
        raise JobError("Nothing is running, so there is nothing to stop.")
    queues.cancel(session.store, active[0].id)


def _whole_round(session: Session) -> None:
    store = session.store
    pipeline.refuse_second(store)
    if store.library.is_empty():
        pipeline.stock(store)
    with store.atomic():  # of two presses, the second sees the run of the first
        pipeline.refuse_second(store)
        run = pipeline.begin(store, chosen_model(store))
    session.order(run)


def theme() -> gr.Theme:
    """Return the look of the native components; the rest is in assets/css."""
    system = ["ui-sans-serif", "system-ui", "sans-serif"]
    base = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=system,
        font_mono=["ui-monospace", "monospace"],
        spacing_size="sm",
        radius_size="sm",
        text_size="sm",
    )
    # The colours of the base are too faint to be read by everybody (WCAG AA).
    return base.set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_large_text_size="*text_md",
        button_large_padding="*spacing_lg",
    )
