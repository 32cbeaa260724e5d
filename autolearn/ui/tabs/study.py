"""The study tab: what to study and how, the samples as they come, the map."""

from functools import partial
from typing import Any

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.core.records import RunKind
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import StudySettings
from autolearn.runs.model_choice import chosen_model
from autolearn.services import actions, prices, review_actions
from autolearn.services.estimates import durations, memory_needs
from autolearn.store import Store
from autolearn.study.protocol import PROTOCOLS
from autolearn.ui import html
from autolearn.ui.drawer import CLOSE, FOCUS_JS
from autolearn.ui.drawn_numbers import drawn_number
from autolearn.ui.dropdowns import offer
from autolearn.ui.html import Html
from autolearn.ui.session import (
    PageContext,
    Session,
    draw_on_load,
    html_panel,
    redraw_on,
)
from autolearn.ui.tabs import document_choice, prompts
from autolearn.ui.tabs.document_choice import Choice
from autolearn.ui.tabs.setting_labels import named_by
from autolearn.ui.views import knowledge_grid, tokenizer_fit
from autolearn.ui.views import study as views
from autolearn.ui.views.knowledge_map import MapView
from autolearn.ui.views.sample import overruled

TITLE = "Study"
LAST, ALL, MAP = "Last study", "All samples", "Knowledge map"

LABELS = {
    "questions_per_passage": "Questions per passage",
    "ask_rounds": "Question lists per passage",
    "paraphrases": "Paraphrases",
    "quick": "Stages",
    "quiz_share": "Quiz share",
    "closed_book_samples": "Extra closed-book answers",
    "protocol": "Prompting style",
    "temperature": "Temperature",
    "seed": "Seed",
    "question_tokens": "Max. tokens per question",
    "answer_tokens": "Max. tokens per answer",
    "feedback_tokens": "Max. tokens per feedback",
    "passages_per_step": "Passages per step",
    "evidence_threshold": "Evidence threshold",
    "duplicate_threshold": "Duplicate threshold",
}
"""The settings of the form in its order; ``passage_tokens`` is for adding texts."""

INSTRUCTIONS = 0
"""Value of the entry “instructions” among the document ids, which begin at 1."""
N_PLAIN = 4
"""Settings that are always visible; the others are folded."""
QUICK = "study_quick"
"""The choice that stores whether a person chose the quick stages."""


def build(context: PageContext) -> None:
    """Lay out the tab and wire it to the page."""
    session = context.session
    sample_id, known_version, place = gr.State(0), drawn_number(), gr.State(MapView())
    drawn = gr.State(Html(""))
    accordion, documents, form, start = _form(context)
    prompts.build(context)
    view = gr.Radio([LAST, ALL, MAP], value=LAST, label="Show", elem_id="study-show")
    panel, detail = html_panel("study-found"), html_panel("study-detail")

    def draw(view: str, where: MapView) -> Html:
        return _draw(session, view, where)

    def press(
        sample_id: int, place: MapView, event: gr.EventData
    ) -> tuple[int, MapView]:
        return _press(session, sample_id, place, str(event.pick))

    def press_detail(known_version: int, event: gr.EventData) -> tuple[Any, ...]:
        if event.pick == CLOSE:
            return *_detail(session, 0), 0
        sample_id, is_gap = overruled(event.pick)
        review_actions.overrule(
            session.store, sample_id, gap=is_gap, known_version=known_version
        )
        return *_detail(session, sample_id), sample_id

    context.fold_form(accordion, "study", opens_again=False)
    context.redraw_on_change(draw, [view, place], [panel])
    outputs = [detail, drawn, known_version]
    redraw_detail = partial(_changed_detail, session)
    context.redraw_on_change(redraw_detail, [sample_id, drawn], outputs)
    context.on_action([start.click], partial(_study, session), [documents, *form])
    context.on_action(
        [detail.click], press_detail, [known_version], [*outputs, sample_id]
    )
    selection = [sample_id, place]
    click = context.on_action([panel.click], press, selection, selection)
    redraw_on([click.then], partial(_detail, session), [sample_id], outputs)
    click.then(None, None, None, js=FOCUS_JS)
    redraw_on([view.input, click.then], draw, [view, place], [panel])


def _form(
    context: PageContext,
) -> tuple[
    gr.Accordion,
    gr.Dropdown,
    list[gr.Number | gr.Dropdown | gr.Radio],
    gr.Button,
]:
    """Lay out what to study and how; documents are looked up as the tab opens."""
    session, names = context.session, list(LABELS)
    title = "New study: what to study and how"
    accordion = gr.Accordion(title, open=True, elem_id="study-form")
    with accordion:
        with gr.Row(equal_height=False):
            documents = gr.Dropdown(
                [],
                value=[],
                multiselect=True,
                label="Documents",
                info="None selected: all documents.",
                scale=4,
                elem_id="study-documents",
            )
            start = gr.Button(
                "Study", variant="primary", scale=1, min_width=120, elem_id="study"
            )
        with gr.Row():
            setting_fields = [_field(name) for name in names[:N_PLAIN]]
        with gr.Accordion("More settings", open=False), gr.Row():
            setting_fields += [_field(name) for name in names[N_PLAIN:]]
        effort = html_panel("study-effort")
        context.links.append(effort)
    read, renewed = gr.State(""), partial(_renewed_documents, session)
    context.redraw_on_change(renewed, [read, documents], [documents, read])
    context.redraw_on_opening(partial(_documents, session), [documents], [documents])

    def remember(chosen: list[Choice]) -> None:
        document_choice.remember(session.store, chosen)

    context.on_action([documents.input], remember, [documents])
    _remember_stages(context, setting_fields[names.index("quick")])
    _draw_estimate(context, documents, setting_fields, effort)
    return accordion, documents, setting_fields, start


def _remember_stages(
    context: PageContext, quick: gr.Number | gr.Dropdown | gr.Radio
) -> None:
    """Choose the stages after a reload as a person chose them before."""
    session = context.session
    draw_on_load(lambda: session.store.choices.get(QUICK) is True, [], [quick])
    context.on_action(
        [quick.input], lambda on: session.store.choices.set(QUICK, on), [quick]
    )


def _draw_estimate(
    context: PageContext,
    documents: gr.Dropdown,
    setting_fields: list[gr.Number | gr.Dropdown | gr.Radio],
    effort: gr.HTML,
) -> None:
    """Show what the study would take, for every choice."""
    session, drawn_key = context.session, gr.State("")
    inputs = [documents, *setting_fields]

    def draw(*how: Any) -> Html:
        return _effort(session, *how)

    def draw_anew(key: str, *how: Any) -> tuple[Any, Any]:
        """Draw the estimate again once a study or an import has begun or ended."""
        new_key = _newest(session, "study") + _newest(session, "import")
        if key == new_key:
            return gr.skip(), gr.skip()
        return _effort(session, *how), new_key

    context.redraw_on_opening(draw, inputs, [effort])
    context.redraw_on_change(draw_anew, [drawn_key, *inputs], [effort, drawn_key])
    events = [documents.change, *(field.change for field in setting_fields)]
    redraw_on(events, draw, inputs, [effort])


def _newest(session: Session, kind: RunKind) -> str:
    """Return a text that differs once another run of a kind has begun or ended."""
    run = session.store.runs.last(kind)
    return f"{kind} {run.id} {run.state} " if run else "none "


def _renewed_documents(
    session: Session, key: str, chosen: list[Choice]
) -> tuple[Any, Any]:
    """Offer the documents anew once texts have been read while the tab is open."""
    new_key = _newest(session, "import")
    if key == new_key:
        return gr.skip(), gr.skip()
    return _documents(session, chosen), new_key


def _documents(session: Session, chosen: list[Choice]) -> gr.Dropdown:
    """Offer all documents, and the instructions; what is chosen stays chosen.

    If nothing is, what was chosen before a reload is selected, or documents that were
    added since the last study, so that a text of one's own is not studied together
    with the whole library.
    """
    store = session.store
    choices = document_choice.choices(store.library.document_sizes())
    if n := len(store.library.instructions()):
        title = f"{html.count(n, 'instruction')} (word problems and others, no text)"
        choices.append((title, INSTRUCTIONS))
    before = [] if chosen else document_choice.preselected(store)
    offered = {value for _, value in choices}
    if selected := [choice for choice in before if choice in offered]:
        return gr.Dropdown(choices=choices, value=selected, multiselect=True)
    return offer(choices, chosen or [])


def _field(name: str) -> gr.Number | gr.Dropdown | gr.Radio:
    """Return the component of a setting, with its default and its help."""
    value = getattr(StudySettings(), name)
    common: dict[str, Any] = {
        "value": value,
        "label": LABELS[name],
        "info": StudySettings.help()[name],
        "min_width": 190,
        "elem_id": f"study-{name}",
    }
    if name == "quick":
        choices = [("all", False), ("quick", True)]
        return gr.Radio(choices, **common)
    if name == "protocol":
        ways = [(f"{way.name}: {way.meaning}", way.name) for way in PROTOCOLS.values()]
        auto = ("auto: as stored with the model or round", "auto")
        return gr.Dropdown([auto, *ways], **common)
    return gr.Number(precision=0 if isinstance(value, int) else None, **common)


def _draw(session: Session, view: str, where: MapView) -> Html:
    if view == MAP:
        return knowledge_grid.draw(session.store, where)
    return views.newest(session.store, only_last=view == LAST)


def _detail(session: Session, sample_id: int) -> tuple[Html, Html, int]:
    """Return a sample, to show and to remember, and the newest decision it can show."""
    # Read first: what is decided in between is then refused, not overwritten.
    version = session.store.decisions.version()
    content = views.detail(session.store, sample_id)
    return content, content, version


def _changed_detail(session: Session, sample_id: int, drawn: Html) -> tuple[Any, ...]:
    """Return a sample if it has changed.

    This may be answered after a later click has opened the drawer. It would empty the
    drawer, and the keyboard would leave it, if it drew again what was there before.
    """
    content, *others = _detail(session, sample_id)
    return (gr.skip(),) * 3 if content == drawn else (content, *others)


def _press(
    session: Session, sample_id: int, place: MapView, key: str
) -> tuple[int, MapView]:
    """Do what a click asks for; return the sample and the place to show then."""
    if key.startswith(views.KEEP):
        review_actions.keep(session.store, int(key.removeprefix(views.KEEP)))
        return sample_id, place
    if key.startswith("s"):
        return int(key[1:]), place
    return sample_id, place.moved(key)


def _effort(
    session: Session, documents: list[Choice], *values: float | str | None
) -> Html:
    """Return the time and memory that the chosen study would take."""
    store = session.store
    try:
        settings, texts, wants = _study_request(store, documents, *values)
    except InputError as error:
        return html.problem(str(error))
    shelf = store.library.document_sizes()
    n = sum(
        document.n_passages
        for document in shelf
        if texts is None or document.id in texts
    )
    n_bare = len(store.library.instructions()) if wants else 0
    model = chosen_model(store)
    time = durations.study_time(store, model, settings, n)
    fit = None
    if not is_server(model.model):
        fit = memory_needs.of_study(store, model, settings, n)
    cost = prices.study_cost(store, model, settings, n)
    effort = views.effort(n, n_bare, time, fit, cost)
    return effort + tokenizer_fit.warning(store, texts)


def _study(
    session: Session, documents: list[Choice], *values: float | str | None
) -> None:
    """Queue a study of the chosen documents, or of all."""
    store = session.store
    settings, texts, wants = _study_request(store, documents, *values)
    model = chosen_model(store)
    run = actions.study(store, model, settings, texts, instructions=wants)
    document_choice.remember(store, documents)
    session.start_worker_for(run)


def _study_request(
    store: Store, documents: list[Choice], *values: float | str | None
) -> tuple[StudySettings, list[int] | None, bool]:
    """Return settings, documents (None: all) and whether instructions are studied.

    Raises:
        InputError: A setting is empty or out of its range.
    """
    how: dict[str, Any] = dict(zip(LABELS, values, strict=True))
    for name, value in how.items():
        if value is None:
            raise InputError(f"Enter a number for “{LABELS[name]}”.")
    texts = document_choice.document_ids(store, documents) if documents else None
    with named_by(LABELS):
        settings = StudySettings(**how)
    return settings, texts, INSTRUCTIONS in documents
