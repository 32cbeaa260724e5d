"""The page: a sidebar that is always there, and tabs in the order of the work."""

from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from autolearn.runs import run_control
from autolearn.services import model_scope
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.closed_pages import drop_closed
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.html import Html
from autolearn.ui.scripts import NOTICE_JS
from autolearn.ui.session import (
    QUIET,
    TICK_SECONDS,
    PageContext,
    Session,
    html_panel,
)
from autolearn.ui.tabs import (
    chat,
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
from autolearn.ui.views import status, whole_round
from autolearn.ui.views.links import tab_of


class TabModule(Protocol):
    """A module of ``ui.tabs``."""

    TITLE: str
    """The name and the id of the tab."""

    def build(self, context: PageContext) -> None:
        """Lay out the tab and wire it to the page."""


TABS: tuple[TabModule, ...] = (
    start,
    model,
    library,
    study,
    review,
    train,
    evaluation,
    experiments,
    chat,
    history,
)
"""The modules of the tabs, in their order."""

OPENED_JS = "() => decodeURIComponent(location.hash.slice(1))"
"""Tells which tab the address names, so that a reload stays on it.

``assets/autolearn.js`` writes the name there, and follows Back and Forward.
"""


def build(folder: Path) -> gr.Blocks:
    """Return the page of a workspace; nothing of it is kept in memory."""
    session = Session(folder)
    with gr.Blocks(
        title="autolearn", analytics_enabled=False, delete_cache=DELETE_CACHE
    ) as page:
        address = gr.Textbox("", visible="hidden")
        context, refresh_button = _lay_out(session)
        with gr.Tabs(selected=start.TITLE, overflow_behavior="wrap") as tabs:
            for module in TABS:
                _build_tab(context, module)
        above = (context.steps_panel, context.round_strip, context.round_question)
        for panel in (*above, *context.links):
            panel.click(_open_linked_tab, None, tabs, **QUIET)
        page.load(_open_named_tab, address, tabs, js=OPENED_JS, **QUIET)
        context.refresh_on([context.timer.tick, page.load, refresh_button.click])
        _wire(context)
        drop_closed(page)
    blocks: gr.Blocks = page
    return blocks


def _lay_out(session: Session) -> tuple[PageContext, gr.Button]:
    """Lay out what is next to and above the tabs; the button refreshes all of it."""
    current = gr.Textbox(start.TITLE, visible="hidden")
    last_action_at = gr.Textbox("", visible="hidden")
    revision_boxes = {module.TITLE: gr.Textbox(visible="hidden") for module in TABS}
    timer = gr.Timer(TICK_SECONDS, active=False)
    with gr.Sidebar(width=270):
        html_panel("title", html.tag("h1", "autolearn", "al-title"))
        sidebar = html_panel("status")
        stop = gr.Button("Stop", size="sm", elem_id="stop")
        start_round = gr.Button("Run a whole round", variant="primary", elem_id="whole")
        steps_panel = html_panel("steps")
        refresh_button = gr.Button("Refresh", elem_id="look", visible="hidden")
    notice = gr.HTML(elem_id="notice", js_on_load=NOTICE_JS, apply_default_css=False)
    context = PageContext(
        session,
        current,
        revision_boxes,
        timer,
        notice,
        sidebar,
        steps_panel,
        stop,
        drawn_number(),
        start_round,
        html_panel("whole-round"),
        html_panel("whole-round-question"),
        last_action_at,
    )
    return context, refresh_button


def _build_tab(context: PageContext, module: TabModule) -> None:
    """Build a tab, which is refreshed when it is opened."""
    name = module.TITLE
    with gr.Tab(name, id=name) as tab:
        html_panel(f"heading-{name}", html.tag("h2", name, "al-unseen"))
        module.build(context)
    context.wire(tab)
    # The browser knows what is open now. Another page may have begun something.
    js = f"() => [window.alOpened?.() ?? '{name}', `${{performance.now()}}`]"
    tab.select(None, None, [context.current, context.last_action_at], js=js)


def _wire(context: PageContext) -> None:
    """Wire what is next to and above the tabs."""
    session = context.session
    context.on_action(
        [context.stop.click],
        lambda run_id: _stop(session.store, run_id),
        [context.stoppable],
    )

    def press_sidebar(event: gr.EventData) -> None:
        is_all = event.pick == status.ALL_MODELS
        model_scope.show_all_models(session.store, all_models=is_all)

    context.on_action([context.sidebar.click], press_sidebar)
    question = context.round_question
    button = context.start_round_button
    context.on_action([button.click], session.ask_or_start_round, [], [question])

    def answer(event: gr.EventData) -> Html:
        if event.pick == whole_round.asked(session.store):
            return session.start_round()
        is_outdated = str(event.pick).startswith(whole_round.GO)
        return session.ask_or_start_round() if is_outdated else Html("")

    context.on_action([question.click], answer, [], [question])

    def press_strip(event: gr.EventData) -> None:
        _press_strip(session, str(event.pick))

    context.on_action([context.round_strip.click], press_strip)


def _open_linked_tab(event: gr.EventData) -> Any:
    """Open the tab that a click leads to."""
    name = tab_of(event.pick)
    return gr.Tabs(selected=name) if name else gr.skip()


def _open_named_tab(address: str) -> Any:
    """Open the tab that the address names, if there is one."""
    is_tab = address in {module.TITLE for module in TABS}
    return gr.Tabs(selected=address) if is_tab else gr.skip()


def _press_strip(session: Session, key: str) -> None:
    """Dismiss the result of a whole round, or resume its run."""
    store = session.store
    if key.startswith(whole_round.DISMISS):
        run_id = int(key.removeprefix(whole_round.DISMISS))
        store.choices.set(whole_round.CLOSED, run_id)
    elif key.startswith(whole_round.RESUME):
        run_id = int(key.removeprefix(whole_round.RESUME))
        session.start_worker_for(run_control.resume(store, run_id))


def _stop(store: Store, run_id: int) -> None:
    """Stop a run, or what a whole round has begun after it; 0: the current run."""
    run = store.runs.get(run_id) if run_id else None
    while run and run.state == "done":
        following = store.runs.next_in_pipeline(run.id)
        if following is None:
            break
        run = following
    run_control.cancel(store, run.id if run else None)


def theme() -> gr.Theme:
    """Return the look of the native components; the rest is in assets/css."""
    system = ["ui-sans-serif", "system-ui", "sans-serif"]
    base = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=system,
        font_mono=["ui-monospace", "monospace"],
        spacing_size="sm",
        radius_size="md",
        text_size="sm",
    )
    # The colours of the base are too faint to be read by everybody (WCAG AA), and its
    # blocks are rounded and framed as the cards of assets/css are.
    return base.set(
        block_radius="*radius_lg",
        border_color_primary="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        button_large_text_size="*text_md",
        button_large_padding="*spacing_lg",
    )
