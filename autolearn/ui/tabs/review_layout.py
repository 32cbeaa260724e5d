"""The review as it is laid out: filter, buttons, boxes to edit in, card."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from autolearn.core.flags import FLAGS
from autolearn.services import review_actions
from autolearn.study import rules
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.session import html_panel
from autolearn.ui.tabs import review_filter
from autolearn.ui.tabs.review_filter import ANY, FRESH, UNFLAGGED
from autolearn.ui.views import review as views

REASONS = (
    "wrong answer",
    "not in the text",
    "question not self-contained",
    "trivial",
    "duplicate",
)
BUTTONS = {
    "approve": "A",
    "open-book": "O",
    "edit": "E",
    "reject": "R",
    "skip": "S",
    "previous": "K",
    "next": "J",
    "undo": "U",
    "add": "N",
}
ABOUT_PASSAGE = "About the passage shown below"
"""What ties an own pair to the passage of the sample that is shown."""


class FilterFields(NamedTuple):
    """The components of the filter, named as the values of a ``FilterForm``."""

    state: gr.Radio
    order: gr.Radio
    text: gr.Textbox
    flag: gr.Dropdown
    verdict: gr.Dropdown
    gap: gr.Dropdown
    low: gr.Slider
    high: gr.Slider
    document: gr.Dropdown
    run: gr.Dropdown


@dataclass(frozen=True)
class Parts:
    """The components of the tab."""

    filters: FilterFields
    queue: gr.State
    """The filter as it was read last, instead of all its fields: inputs cost time."""
    clear: gr.Button
    progress: gr.HTML
    actions: "Actions"
    note: gr.HTML
    edit: "Edit"
    own: "OwnPair"
    card: gr.HTML
    current: gr.Number
    """The id of the sample that is shown, 0 for none."""
    known_version: gr.Number
    """The newest decision when it was drawn; a later one on it refuses another."""
    bulk: "Bulk"
    histogram: gr.HTML

    @property
    def shown(self) -> list[Any]:
        """The components that change with each step."""
        return [self.card, self.current, self.known_version, self.edit.panel, self.note]

    @property
    def counters(self) -> list[Any]:
        """The components that show numbers of samples."""
        return [self.progress, self.bulk.approve, self.bulk.reject, self.histogram]


@dataclass(frozen=True)
class Actions:
    """The row of buttons above the card."""

    buttons: dict[str, gr.Button]
    reason: gr.Dropdown
    keys: gr.Checkbox


@dataclass(frozen=True)
class Edit:
    """The texts of a sample in boxes, shown while they are edited."""

    panel: gr.Column
    sample: gr.Number
    """The id of the sample whose texts these are: another one may be shown by now."""
    known_version: gr.Number
    """The newest decision when they were read."""
    boxes: list[Any]
    save: gr.Button
    cancel: gr.Button


@dataclass(frozen=True)
class Bulk:
    """Deciding all that pass the filter, in two steps."""

    approve: gr.Button
    reject: gr.Button
    rule: gr.Dropdown
    apply: gr.Button
    confirm: gr.Button
    pending_question: gr.State
    """What is to be confirmed, a ``BulkQuestion``."""


@dataclass(frozen=True)
class OwnPair:
    """A question and its answer that a person adds."""

    panel: gr.Column
    boxes: list[Any]
    """Question, answer, and whether they are about the passage shown."""
    save: gr.Button
    cancel: gr.Button


def lay_out() -> Parts:
    """Lay out filter, buttons, boxes and card."""
    with gr.Accordion(
        "Filter, order and bulk decisions", open=False, elem_id="review-filter"
    ):
        filters, histogram, clear = _filters()
        bulk = _bulk_row()
    progress = html_panel("review-progress")
    with gr.Row(elem_id="review-actions"):
        actions = _actions()
    note = html_panel("review-note")
    edit, own = _edit(), _own_pair()
    card = html_panel("review-card")
    return Parts(
        filters,
        gr.State(review_filter.review_queue(*FRESH)),
        clear,
        progress,
        actions,
        note,
        edit,
        own,
        card,
        drawn_number(),
        drawn_number(),
        bulk,
        histogram,
    )


def _actions() -> Actions:
    buttons = {
        name: gr.Button(
            f"{name.capitalize()} ({key})",
            size="sm",
            min_width=60,
            variant="primary" if name == "approve" else "secondary",
            elem_id=f"review-{name}",
        )
        for name, key in BUTTONS.items()
    }
    reason = gr.Dropdown(
        [("no reason", ""), *((text, text) for text in REASONS)],
        value="",
        label="Reason to reject: choose or type",
        show_label=False,
        container=False,
        allow_custom_value=True,
        min_width=100,
        elem_id="review-reason",
    )
    keys = gr.Checkbox(
        True,
        label="Shortcuts",
        container=False,
        min_width=60,
        elem_id="review-keys",
    )
    html_panel("review-keys-help", views.keys_help())
    return Actions(buttons, reason, keys)


def _filters() -> tuple[FilterFields, gr.HTML, gr.Button]:
    """Lay out the fields of a ``FilterForm``, the histogram, and what clears them."""
    flags = [
        (ANY, ANY),
        ("no flag", UNFLAGGED),
        *((info.label, name) for name, info in FLAGS.items()),
    ]
    verdicts = [ANY, "correct", "incorrect", "unclear"]
    states, orders = [ANY, *review_actions.STATES], list(review_filter.ORDERS)
    with gr.Row():
        state = gr.Radio(states, value=FRESH.state, label="State", min_width=300)
        order = gr.Radio(orders, value=FRESH.order, label="Order", min_width=300)
    with gr.Row():
        text = gr.Textbox(FRESH.text, label="Words", placeholder="or beginnings")
        document = gr.Dropdown([(ANY, 0)], value=FRESH.document, label="Document")
        run = gr.Dropdown([(ANY, 0)], value=FRESH.run, label="Study")
    with gr.Row():
        flag = gr.Dropdown(flags, value=FRESH.flag, label="Flag")
        verdict = gr.Dropdown(
            verdicts, value=FRESH.verdict, label="Closed-book verdict"
        )
        gaps = [(ANY, ANY), ("gap", "gap"), ("known (no gap)", "no gap")]
        gap = gr.Dropdown(gaps, value=FRESH.gap, label="Gap")
    # A click on one of its bars sets the limits below it.
    histogram = html_panel("review-histogram")
    with gr.Row():
        low = gr.Slider(0, 1, FRESH.low, step=0.05, label="P(gap) from", min_width=220)
        high = gr.Slider(
            0, 1, FRESH.high, step=0.05, label="P(gap) below (1: any)", min_width=220
        )
        clear = gr.Button("Clear the filter", size="sm", scale=0, min_width=140)
    fields = FilterFields(
        state, order, text, flag, verdict, gap, low, high, document, run
    )
    return fields, histogram, clear


def _bulk_row() -> Bulk:
    with gr.Row():
        return Bulk(
            gr.Button("Approve all", size="sm", elem_id="review-approve-all"),
            gr.Button("Reject all", size="sm", elem_id="review-reject-all"),
            gr.Dropdown(
                list(rules.RULES),
                value="default",
                label="Rule",
                show_label=False,
                container=False,
                filterable=False,
                min_width=110,
                elem_id="review-rule",
            ),
            gr.Button("Apply the rule …", size="sm", elem_id="review-apply"),
            gr.Button(
                "Confirm",
                size="sm",
                variant="stop",
                visible=False,
                elem_id="review-confirm",
            ),
            gr.State(()),
        )


def _text_boxes(labels: dict[str, str], lines: int) -> list[Any]:
    """Lay out boxes for texts in a row; ``labels``: by the ends of their ids."""
    with gr.Row():
        return [
            gr.Textbox(
                label=label,
                lines=lines,
                max_lines=8,
                min_width=200,
                interactive=True,
                elem_id=f"review-{name}",
            )
            for name, label in labels.items()
        ]


def _edit() -> Edit:
    with gr.Column(visible=False, elem_id="review-panel") as panel:
        boxes = _text_boxes(
            {
                "question": "Question",
                "answer": "Answer to learn",
                "feedback": "Feedback",
                "refined": "Refinement",
            },
            lines=4,
        )
        with gr.Row():
            save = gr.Button(
                "Save (Ctrl+Enter)", variant="primary", size="sm", elem_id="review-save"
            )
            cancel = gr.Button("Cancel (Esc)", size="sm", elem_id="review-cancel")
    return Edit(panel, drawn_number(), drawn_number(), boxes, save, cancel)


def _own_pair() -> OwnPair:
    with gr.Column(visible=False, elem_id="review-own") as panel:
        labels = {"own-question": "Question", "own-answer": "Answer"}
        boxes = _text_boxes(labels, lines=3)
        with gr.Row():
            boxes.append(
                gr.Checkbox(
                    True,
                    label=ABOUT_PASSAGE,
                    container=False,
                    elem_id="review-own-text",
                )
            )
            save = gr.Button(
                "Add and approve (Ctrl+Enter)",
                variant="primary",
                size="sm",
                elem_id="review-own-save",
            )
            cancel = gr.Button("Cancel (Esc)", size="sm", elem_id="review-own-cancel")
    return OwnPair(panel, boxes, save, cancel)
