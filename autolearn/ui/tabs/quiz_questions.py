"""The part of Evaluation for the questions: add one, find, exclude and include them."""

from functools import partial

import gradio as gr

from autolearn.services import gold_actions, quiz_actions
from autolearn.ui.html import Html
from autolearn.ui.session import PageContext, Session, html_panel
from autolearn.ui.views import quiz_questions as views

_FOCUS_JS = """() => setTimeout(
    () => document.querySelector("#quiz-question textarea")?.focus(), 50)"""


def build(context: PageContext) -> None:
    """Lay out the part and wire it to the page."""
    session = context.session
    with gr.Accordion("Questions of the quiz", open=False, elem_id="quiz-questions"):
        question, answer, split, add_button = _form()
        words = gr.Textbox(
            "",
            label="Find a question",
            placeholder="Words of the question or its answer",
            elem_id="quiz-find",
        )
        listing = html_panel("quiz-list")

    def draw(words: str) -> Html:
        return views.draw(session.store, words)

    def press(words: str, event: gr.EventData) -> Html:
        _press(session, str(event.pick))
        return draw(words)

    context.redraw_on_change(draw, [words], [listing], also_on=[words.change])
    context.on_action([listing.click], press, [words], [listing])
    context.on_action(
        [add_button.click, answer.submit],
        partial(_add, session),
        [question, answer, split],
        [question, answer],
    ).then(None, js=_FOCUS_JS)


def _form() -> tuple[gr.Textbox, gr.Textbox, gr.Radio, gr.Button]:
    """Lay out where a question is typed."""
    with gr.Row():
        question = gr.Textbox(
            "",
            label="Question of your own",
            info="Complete in itself: it is asked without the text.",
            placeholder="When was the bridge of Avel opened?",
            lines=1,
            max_lines=4,
            scale=3,
            min_width=260,
            elem_id="quiz-question",
        )
        answer = gr.Textbox(
            "",
            label="Right answer",
            info="As short as possible; Enter adds the question.",
            placeholder="1911",
            max_lines=1,
            scale=2,
            min_width=200,
            elem_id="quiz-answer",
        )
        split = gr.Radio(
            [("quiz", "quiz"), ("control set", "control")],
            value="quiz",
            label="Add to",
            info="The quiz shows what is learned, the control set what is forgotten.",
            scale=2,
            min_width=220,
            elem_id="quiz-split",
        )
    add_button = gr.Button("Add the question", elem_id="quiz-add")
    return question, answer, split, add_button


def _add(session: Session, question: str, answer: str, split: str) -> tuple[str, str]:
    """Add a question; the form keeps one that is refused."""
    store = session.store
    is_control = split == "control"
    gold_actions.add_question(
        store, question, answer, "control" if is_control else "quiz"
    )
    return "", ""


def _press(session: Session, key: str) -> None:
    """Exclude a question, or include it."""
    number = int(key.rpartition("-")[2])
    is_excluded = key.startswith(views.EXCLUDE)
    quiz_actions.set_excluded(session.store, number, excluded=is_excluded)
