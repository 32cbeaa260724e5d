"""What the tabs share: the workspace, its revision, and how events are wired."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from autolearn.core.errors import AutolearnError, JobError
from autolearn.core.records import ACTIVE_STATES, Run, RunKind
from autolearn.core.server_addresses import check_has_weights
from autolearn.runs import run_control, worker_locks, worker_processes
from autolearn.runs.model_choice import chosen_model
from autolearn.services import demo_library, pipeline
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.picks import PICK_JS
from autolearn.ui.scripts import AFTER_DRAWING_JS
from autolearn.ui.views import guide, status, whole_round

TICK_SECONDS = 0.5

QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": [],
    "queue": False,
    "api_visibility": "private",
}
"""For all handlers: nothing greys out, and none is queued.

No component shows progress: otherwise the browser updates every output component, which
takes 40 ms an event. A queued answer would come over a stream, and Gradio's page (6.31)
misses an answer that arrives while it closes the stream of the one before.
"""
LAST: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
"""For drawings: one that is asked for during another one follows it. Gradio would drop
it, and what is seen would differ from what is chosen."""
SHOWN: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": None}
"""For the few that take longer: together with the others."""


def html_panel(
    elem_id: str, value: Html | str = "", *, script: str = PICK_JS
) -> gr.HTML:
    """Return a place for HTML of ours; a click reports the clicked part."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=script, apply_default_css=False)


class Session:
    """One workspace as the page's handlers see it, in whichever thread they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = threading.local()

    @property
    def store(self) -> Store:
        """Return this thread's handle of the workspace."""
        if not hasattr(self._own, "store"):
            self._own.store = Store.open(self.folder)
        store: Store = self._own.store
        return store

    def start_worker_for(self, run: Run) -> Run:
        """Start the worker of a queued run, unless there is one; return the run."""
        worker_processes.start_worker_for(self.store, run)
        return run

    def revision(self) -> str:
        """Return a text that differs whenever there is something new to draw."""
        return self.store.revisions.page()

    def ask_or_start_round(self) -> Html:
        """Queue a whole round, unless it takes long: then return a question to confirm.

        An empty library gets the texts of the demo first.

        Raises:
            AutolearnError: Something runs already, or the round cannot begin.
        """
        self._refuse_round()
        if self.store.library.is_empty():
            demo_library.add(self.store)
        question = whole_round.question(self.store)
        return question or self.start_round()

    def start_round(self) -> Html:
        """Queue a whole round with the chosen model.

        Returns:
            Nothing in place of the question.

        Raises:
            AutolearnError: Something runs already, or the round cannot begin.
        """
        self._refuse_round()
        store = self.store
        self.start_worker_for(pipeline.begin_only(store, chosen_model(store)))
        return Html("")

    def _refuse_round(self) -> None:
        """Refuse a whole round while a run is in progress, or if it cannot be trained.

        Raises:
            AutolearnError: It cannot begin.
        """
        check_has_weights(chosen_model(self.store).model)
        if self.is_busy():
            pipeline.refuse_second(self.store)
            raise JobError("A run is in progress; stop it first, or wait for it.")

    def is_busy(self) -> bool:
        """Return whether a run is in progress or queued; record runs that were lost."""
        store = self.store
        if store.read_only:
            return False
        if store.runs.in_state(*ACTIVE_STATES):
            worker_locks.recover(store)
            worker_processes.replace_dead_workers(store)
        return bool(store.runs.in_state(*ACTIVE_STATES))


def now() -> str:
    """Return a time stamp that differs from all earlier ones."""
    return str(time.time_ns())


def with_notice(handler: Callable[..., Any], n_outputs: int) -> Callable[..., Any]:
    """Return the handler with two outputs more: the notice, and the time it ended.

    An error leaves the other outputs as they are. A handler that has none may return a
    sentence, which is shown in the notice.
    """

    @wraps(handler)
    def wrapped(*args: Any) -> Any:
        unchanged = [gr.skip()] * n_outputs
        try:
            result = handler(*args)
        except AutolearnError as error:
            return *unchanged, html.notice(str(error), "al-problem"), now()
        except OSError as error:
            place = error.filename or "A file"
            reason = f"{place} cannot be read or written: {error.strerror or error}."
            return *unchanged, html.notice(reason, "al-problem"), now()
        if not n_outputs:
            return html.notice(result) if result else "", now()
        return *(result if n_outputs > 1 else [result]), "", now()

    return wrapped


def with_error_panel(
    handler: Callable[..., Any], outputs: Sequence[gr.blocks.Block]
) -> Callable[..., Any]:
    """Show an error in place of a picture that cannot be drawn; all else stays."""

    @wraps(handler)
    def wrapped(*args: Any) -> Any:
        try:
            return handler(*args)
        except AutolearnError as error:
            updates = [
                html.problem(str(error)) if isinstance(output, gr.HTML) else gr.skip()
                for output in outputs
            ]
            return updates[0] if len(updates) == 1 else updates

    return wrapped


def redraw_on(
    triggers: Sequence[Callable[..., Any]],
    draw: Callable[..., Any],
    inputs: Sequence[gr.components.Component],
    outputs: Sequence[gr.blocks.Block],
    **options: Any,
) -> None:
    """Draw at once when something is chosen or opened."""
    handler = with_error_panel(draw, outputs)
    for trigger in triggers:
        trigger(handler, list(inputs) or None, list(outputs), **(LAST | options))


def draw_on_load(
    draw: Callable[..., Any],
    inputs: Sequence[gr.components.Component],
    outputs: Sequence[gr.blocks.Block],
) -> None:
    """Draw when a page is opened, and whenever one of the inputs changes."""
    gr.on(
        None,
        with_error_panel(draw, outputs),
        list(inputs) or None,
        list(outputs),
        **QUIET,
    )


@dataclass(frozen=True)
class Drawing:
    """How a part of a tab is drawn."""

    draw: Callable[..., Any]
    inputs: Sequence[gr.components.Component]
    outputs: Sequence[gr.blocks.Block]
    also_on: Sequence[Callable[..., Any]] = ()

    def __call__(self, values: Mapping[gr.components.Component, Any]) -> list[Any]:
        """Return what the outputs show, given the values of at least its inputs."""
        parts = with_error_panel(self.draw, self.outputs)(
            *(values[component] for component in self.inputs)
        )
        return [parts] if len(self.outputs) == 1 else list(parts)


def draw_together(
    triggers: Sequence[Callable[..., Any]], drawings: Sequence[Drawing]
) -> None:
    """Draw several parts in one event, since each event costs the browser as much."""
    inputs = list(dict.fromkeys(i for drawing in drawings for i in drawing.inputs))
    outputs = [i for drawing in drawings for i in drawing.outputs]

    def draw(*values: Any) -> Any:
        by_component = dict(zip(inputs, values, strict=True))
        parts = [part for drawing in drawings for part in drawing(by_component)]
        return parts if len(parts) > 1 else parts[0]

    for trigger in triggers if drawings else ():
        trigger(draw, inputs or None, outputs, **QUIET)


@dataclass(frozen=True)
class PageContext:
    """The parts of the page that every tab is wired to."""

    session: Session
    current: gr.Textbox
    """The id of the tab that is shown."""
    revision_boxes: Mapping[str, gr.Textbox]
    """The revision each tab was last drawn for; only the open tab gets a new one."""
    timer: gr.Timer
    notice: gr.HTML
    """Shows why an action was refused."""
    sidebar: gr.HTML
    steps_panel: gr.HTML
    """Shows why no whole round can begin, and the steps by hand."""
    stop: gr.Button
    stoppable: gr.Number
    """The id of the run that it stops: another may have begun since it was drawn."""
    start_round_button: gr.Button
    """Starts a whole round; disabled while none can begin."""
    round_strip: gr.HTML
    """Shows the newest whole round above the tabs."""
    round_question: gr.HTML
    """Asks above the tabs before a whole round that takes long."""
    last_action_at: gr.Textbox
    """The time of the last action. Its change refreshes the page: one event for all
    actions, since Gradio compares each event with each component as a page loads.
    """
    links: list[gr.HTML] = field(default_factory=list)
    """Panels with clicks that lead to another tab."""
    redrawn_on_change: list[Drawing] = field(default_factory=list)
    redrawn_on_opening: list[Drawing] = field(default_factory=list)

    def redraw_on_change(
        self,
        draw: Callable[..., Any],
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.blocks.Block],
        also_on: Sequence[Callable[..., Any]] = (),
    ) -> None:
        """Draw when the tab is opened, and on progress of runs while it is open.

        ``also_on`` are further events, mostly of the inputs. Drawing never changes what
        a person has typed or chosen: outputs only display.
        """
        self.redrawn_on_change.append(Drawing(draw, inputs, outputs, also_on))

    def redraw_on_opening(
        self,
        draw: Callable[..., Any],
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.blocks.Block],
    ) -> None:
        """Draw when the tab is opened, after what ``redraw_on_change`` draws."""
        self.redrawn_on_opening.append(Drawing(draw, inputs, outputs))

    def fold_form(
        self, form: gr.Accordion, kind: RunKind, *, opens_again: bool
    ) -> None:
        """Fold a form once as a run of its kind begins, whoever started it.

        ``opens_again``: once the run has ended.
        """
        was_busy = gr.State(False)

        def draw(was_busy: bool) -> tuple[Any, bool]:
            runs = self.session.store.runs.in_state(*ACTIVE_STATES)
            is_busy = any(run.kind == kind for run in runs)
            turns = is_busy != was_busy and (is_busy or opens_again)
            return gr.Accordion(open=not is_busy) if turns else gr.skip(), is_busy

        self.redraw_on_change(draw, [was_busy], [form, was_busy])

    def wire(self, tab: gr.Tab) -> None:
        """Wire the drawings that the tab has asked for.

        One that follows further events has an event of its own for all of them: else
        an older answer that arrives late would replace what was chosen after it.
        """
        changed = self.revision_boxes[str(tab.id)].change
        together = [one for one in self.redrawn_on_change if not one.also_on]
        draw_together([changed], together)
        draw_together([tab.select], (*together, *self.redrawn_on_opening))
        for one in self.redrawn_on_change:
            if one.also_on:
                gr.on(
                    [changed, tab.select, *one.also_on],
                    with_error_panel(one.draw, one.outputs),
                    list(one.inputs) or None,
                    list(one.outputs),
                    **LAST,
                )
        self.redrawn_on_change.clear()
        self.redrawn_on_opening.clear()

    def on_action(
        self,
        triggers: Sequence[Callable[..., Any]],
        handler: Callable[..., Any],
        inputs: Sequence[gr.components.Component] = (),
        outputs: Sequence[gr.blocks.Block] = (),
        **options: Any,
    ) -> gr.events.Dependency:
        """Do an action, show a notice if it fails, and redraw.

        ``handler`` gets the inputs and returns the outputs, or, without outputs, a
        sentence for the notice.
        """
        event: gr.events.Dependency = gr.on(
            list(triggers),
            with_notice(handler, len(outputs)),
            list(inputs) or None,
            [*outputs, self.notice, self.last_action_at],
            **(QUIET | options),
        )
        return event

    def refresh_on(self, triggers: Sequence[Callable[..., Any]]) -> None:
        """Refresh the page after these events and after each action."""
        outputs = [
            self.sidebar,
            self.steps_panel,
            self.timer,
            self.stop,
            self.stoppable,
            self.start_round_button,
        ]
        outputs.append(self.round_strip)
        outputs += self.revision_boxes.values()
        at, drawn_at = self.last_action_at, gr.Textbox("", visible="hidden")
        at.change(None, at, drawn_at, js=AFTER_DRAWING_JS)
        gr.on(
            [*triggers, drawn_at.change],
            with_error_panel(self._refresh, outputs),
            self.current,
            outputs,
            **LAST,
        )

    def _refresh(self, current: str) -> tuple[Any, ...]:
        """Return the present sidebar, and the revision for the open tab."""
        store, busy = self.session.store, self.session.is_busy()
        revision, run = self.session.revision(), run_control.current(store)
        why_disabled = whole_round.why_disabled(store)
        return (
            status.draw(store),
            whole_round.below_button(store, why_disabled) + guide.draw(store),
            gr.Timer(active=busy),
            gr.Button(f"Stop run {run.id}" if run else "Stop", interactive=busy),
            run.id if run else 0,
            gr.Button(interactive=not why_disabled),
            whole_round.draw(store),
            *(
                revision if name == current else gr.skip()
                for name in self.revision_boxes
            ),
        )
