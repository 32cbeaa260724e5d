"""What the tabs share."""

import re

import gradio as gr
import pytest

from autolearn.core.records import RunKind
from autolearn.store import Pace
from autolearn.ui.scripts import NOTICE_JS
from autolearn.ui.session import redraw_on, with_notice
from autolearn.ui.views.status import draw
from tests.support.layouts import events, laid_out


def forms_while_a_run_comes_and_goes(context, kind: RunKind, *, opens_again):
    """Return whether a form is to be open at each redraw; None: it stays as it is."""
    context.fold_form(gr.Accordion(), "study", opens_again=opens_again)
    (drawing,) = context.redrawn_on_change
    runs, was_busy, openings = context.session.store.runs, False, []
    for change in (
        lambda: None,
        lambda: runs.create(kind, {}),
        lambda: None,
        lambda: runs.finish(1, "done"),
        lambda: None,
    ):
        change()
        form, was_busy = drawing.draw(was_busy)
        openings.append(form.open if isinstance(form, gr.Accordion) else None)
    return openings


def test_a_form_folds_once_as_a_run_begins_and_may_open_again_as_it_ends(context):
    openings = forms_while_a_run_comes_and_goes(context, "study", opens_again=True)
    assert openings == [None, False, None, True, None]


def test_a_form_that_does_not_open_again_stays_folded(context):
    openings = forms_while_a_run_comes_and_goes(context, "study", opens_again=False)
    assert openings == [None, False, None, None, None]


def test_a_form_stays_as_it_is_while_another_kind_of_run_continues(context):
    openings = forms_while_a_run_comes_and_goes(context, "train", opens_again=True)
    assert openings == [None] * 5


def test_a_notice_is_read_because_of_its_panel_and_the_progress_is_not_read(store):
    """A panel that is live before is read; a role that comes with the text is not."""
    assert "'aria-live'" in NOTICE_JS
    notice, _ = with_notice(lambda: "Done.", 0)()
    assert 'class="al-note">Done.' in notice
    assert "role" not in notice
    store.runs.create("study", {})
    store.runs.claim(1, ["study"])
    store.runs.save_progress(1, Pace("reading", 1, 2))
    (spoken,) = re.findall(r'<p class="al-unseen" role="status">(.*?)</p>', draw(store))
    assert spoken == "Study (run 1) is running."
    assert "aria-live" not in draw(store)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "a.txt"),
            "a.txt cannot be read or written: No such file or directory.",
        ),
        (OSError("too few bytes"), "A file cannot be read or written: too few bytes."),
    ],
)
def test_a_file_that_fails_an_action_is_named_in_the_notice(error, sentence):
    def press():
        raise error

    notice, _ = with_notice(press, 0)()
    assert sentence in notice


def test_a_choice_during_a_drawing_is_drawn_after_it():
    """Gradio dropped the second choice."""

    def lay_out():
        field, panel = gr.Radio(), gr.HTML()
        click = panel.click(lambda: "", None, field)
        redraw_on([field.input, click.then], lambda _: "", [field], [panel])
        return [event.trigger_mode for event in events()]

    assert laid_out(lay_out) == ["once", "always_last", "always_last"]
