"""The page: a sidebar that is always there, and tabs in the order of the work."""

from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import JobError
from autolearn.runs import queues
from autolearn.services import model_scope
from autolearn.ui import html
from autolearn.ui.session import (
    NOTICE_JS,
    QUIET,
    TICK_SECONDS,
    PageContext,
    Session,
    html_panel,
    now,
)
from autolearn.ui.tabs import (
    ask,
    evaluation,
    experiments,
    history,
    library,
    model,
    review,
    start,
    study,
    train,
)
from autolearn.ui.temporary import DELETE_CACHE
from autolearn.ui.views import whole_round
from autolearn.ui.views.links import tab_of
from autolearn.ui.visits import drop_closed

TABS = (
    start,
    model,
    library,
    study,
    review,
    train,
    evaluation,
    experiments,
    ask,
    history,
)
"""One module a tab; each has TITLE and ``build(context)``."""

OPENED_JS = "() => decodeURIComponent(location.hash.slice(1))"
"""Tells which tab the address names, so that a reload stays on it."""


def build(folder: Path) -> gr.Blocks:
    """Return the page of a workspace; nothing of it is kept in memory."""
    session = Session(folder)
    with gr.Blocks(
        title="autolearn", analytics_enabled=False, delete_cache=DELETE_CACHE
    ) as page:
        current = gr.State(start.TITLE)
        address, acted = (gr.Textbox("", visible="hidden") for _ in range(2))
        pulses = {module.TITLE: gr.Textbox(visible="hidden") for module in TABS}
        timer = gr.Timer(TICK_SECONDS, active=False)
        with gr.Sidebar(width=270):
            html_panel("title", html.tag("h1", "autolearn", "al-title"))
            sidebar = html_panel("status")
            stop = gr.Button("Stop this run", size="sm", elem_id="stop")
            whole = gr.Button("Run a whole round", variant="primary", elem_id="whole")
            walk = html_panel("steps")
            look = gr.Button("Look again", elem_id="look", visible="hidden")
        notice = gr.HTML(
            elem_id="notice", js_on_load=NOTICE_JS, apply_default_css=False
        )
        strip = html_panel("whole-round")
        with gr.Tabs(selected=start.TITLE, overflow_behavior="wrap") as tabs:
            context = PageContext(
                session,
                current,
                pulses,
                timer,
                notice,
                sidebar,
                walk,
                stop,
                whole,
                strip,
                acted,
            )
            for module in TABS:
                with gr.Tab(module.TITLE, id=module.TITLE) as tab:
                    heading = html.tag("h2", module.TITLE, "al-unseen")
                    html_panel(f"heading-{module.TITLE}", heading)
                    module.build(context)
                context.wire(tab)
                name = module.TITLE
                js = (
                    f"() => {{ history.replaceState(null, '', '#{name}'); return []; }}"
                )
                # Refreshed, since another page may have begun something.
                opened = [current, acted]
                tab.select(lambda n=name: (n, now()), None, opened, js=js, **QUIET)
        for panel in (walk, strip, *context.links):
            panel.click(_linked, None, tabs, **QUIET)
        page.load(_named, address, tabs, js=OPENED_JS, **QUIET)
        context.refresh_on([timer.tick, page.load, look.click])
        context.on_action([stop.click], lambda: _stop(session))
        context.on_action([sidebar.click], lambda: model_scope.turn(session.store))
        context.on_action([whole.click], context.session.start_round)

        def press_strip(event: gr.EventData) -> None:
            _press_strip(session, str(event.pick))

        context.on_action([strip.click], press_strip)
        drop_closed(page)
    blocks: gr.Blocks = page
    return blocks


def _linked(event: gr.EventData) -> Any:
    """Open the tab that a click leads to."""
    name = tab_of(event.pick)
    return gr.Tabs(selected=name) if name else gr.skip()


def _named(address: str) -> Any:
    """Open the tab that the address names, if there is one."""
    is_tab = address in {module.TITLE for module in TABS}
    return gr.Tabs(selected=address) if is_tab else gr.skip()


def _press_strip(session: Session, key: str) -> None:
    """Put the result of a whole round away, or resume its run."""
    store = session.store
    if key == whole_round.CLOSE and (last := store.runs.last_in_pipeline()):
        store.choices.set(whole_round.CLOSED, last.id)
    elif key.startswith(whole_round.RESUME):
        run_id = int(key.removeprefix(whole_round.RESUME))
        session.order(queues.resume(store, run_id))


def _stop(session: Session) -> None:
    active = session.store.runs.in_state("running", "queued")
    if not active:
        raise JobError("Nothing is running, so there is nothing to stop.")
    queues.cancel(session.store, active[0].id)


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
