"""The review: its card and what there is to do, without a browser."""

import re

import gradio as gr
import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Decision, Question, Sample
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.runs.model_choice import choose_model
from autolearn.services import actions, review_actions
from autolearn.store import SampleFilter
from autolearn.ui.session import Session
from autolearn.ui.tabs import review as review_tab
from autolearn.ui.tabs import review_edit, review_filter, review_layout, review_panels
from autolearn.ui.views import review, status
from autolearn.ui.views import sample as sample_views
from tests.support.layouts import laid_out, opened
from tests.support.reviews import HOSTILE, chosen, filled
from tests.support.texts import put_text
from tests.support.two_models import OTHER, study


def test_the_card_is_that_of_the_sample_which_is_decided_after_another_model(
    store, context
):
    def lay_out():
        parts = review_layout.lay_out()
        review_tab._wire_drawing(context, parts)
        return parts

    def open_with(sample):
        values = {component: component.value for component in parts.filters}
        queue = review_filter.FRESH.queue()
        return opened(context, values | {parts.current: sample.id, parts.queue: queue})

    (old,) = study(store, OTHER, approve=False)
    (new,) = study(store, ModelSettings(), approve=False)
    parts = laid_out(lay_out)
    shown = open_with(old)
    assert shown[parts.current] == new.id
    assert f"Sample {new.id}" in shown[parts.card]
    assert not shown[parts.edit.panel].visible  # it has the texts of the old one
    shown = open_with(new)
    assert shown[parts.current] == new.id
    assert f"Sample {new.id}" in shown[parts.card]


# --- the card -----------------------------------------------------------------


def test_a_card_shows_all_that_a_sample_rests_on(store):
    (sample,) = filled(store, flags=("disputed",), probability=0.75)
    markup = sample_views.card(store.samples.view(sample.id))
    for words in (
        "Who wrote 0",
        "gap, P(gap) 75 %",
        "word overlap and verdict disagree",
        "pending",
        "faust .txt, passage\N{NO-BREAK SPACE}2",
        "By Goethe",
        "10 % likely correct",
        "<mark>Goethe</mark> wrote Faust",
        "asked",
        "model output",
        "None yet.",
    ):
        assert words in markup
    assert re.search(r"<del>Schiller</del> <ins>Goethe of Weimar</ins>", markup)


def test_texts_of_models_files_and_persons_are_shown_as_text(store):
    (sample,) = filled(store, words=HOSTILE, flags=(HOSTILE,))
    decisions = [Decision(sample.id, "reject", "person", HOSTILE)]
    edit = {"feedback": HOSTILE, "refined": HOSTILE}
    decisions.append(Decision(sample.id, "edit", "person", after=edit))
    store.decisions.decide(decisions)
    markup = sample_views.card(store.samples.view(sample.id))
    assert "&lt;img src=x onerror=alert(1)&gt;" in markup
    assert not re.search(r"<img|\$\{|\{\{|[{}$`]", markup)


def test_evidence_outside_the_passage_is_not_marked(store):
    (sample,) = filled(store)
    view = store.samples.view(sample.id)
    store.db.write("UPDATE answers SET start = 5, \"end\" = 9 WHERE kind = 'open_book'")
    assert "<mark>" in sample_views.card(view)
    assert "<mark>" not in sample_views.card(store.samples.view(sample.id))


def test_a_sample_without_text_feedback_and_refinement_has_a_card(store):
    journal = store.journal(store.runs.create("study", {}).id)
    (question,) = journal.step("ask", lambda: [Question("Why?", "study", "person")])
    (sample,) = journal.step(
        "sample", lambda: [Sample(question.id, "Why?", "So.", "", False, 0.0)]
    )
    markup = sample_views.card(store.samples.view(sample.id))
    assert "known, P(gap) 0 %" in markup
    assert "has no text" in markup
    assert markup.count("None.") == 2  # neither answer
    assert "Refinement" not in markup


@pytest.mark.parametrize(
    ("action", "words"),
    [("approve", "Will be learned"), ("reject", "Will not be learned")],
)
def test_what_is_learned_is_promised_only_once_it_is_approved(store, action, words):
    (sample,) = filled(store)
    markup = sample_views.card(store.samples.view(sample.id))
    assert "Would be learned, once approved" in markup
    store.decisions.decide([Decision(sample.id, action, "person")])
    assert words in sample_views.card(store.samples.view(sample.id))


def test_decisions_are_shown_in_words(store):
    (sample,) = filled(store)
    store.decisions.decide([Decision(sample.id, "approve", "rule:default", "a gap")])
    question = review_actions.texts(store, sample.id)[0]
    now = (question, "Johann", "By Goethe", "Goethe of Weimar")
    review_actions.edit(store, sample.id, now)
    review_actions.overrule(store, sample.id, gap=False)
    markup = sample_views.card(store.samples.view(sample.id))
    assert "rule default approved: a gap" in markup
    assert "person edited the answer" in markup
    assert "person edited the gap" in markup
    assert "Johann" in markup


def test_an_open_book_answer_replaces_no_edit_that_was_not_seen(store):
    (sample,) = filled(store)
    known_version = store.decisions.version()
    prompt, _, feedback, refined = review_actions.texts(store, sample.id)
    review_actions.edit(store, sample.id, (prompt, "Johann", feedback, refined))
    session = Session(store.folder)
    _, shown_id, version, _, note = review_tab._approve_open_book(
        session, sample.id, known_version, chosen()
    )
    assert f"Sample {sample.id} was changed elsewhere" in note
    now = store.samples.view(sample.id).sample
    assert (shown_id, now.chosen, now.state) == (sample.id, "Johann", "pending")
    *_, note = review_tab._approve_open_book(session, sample.id, version, chosen())
    assert "approved with its open-book answer; U takes it back" in note
    now = store.samples.view(sample.id).sample
    assert (now.chosen, now.state) == ("Goethe ", "approved")


def test_a_pair_is_about_a_passage_only_if_one_is_shown(store):
    """It was ticked as about "the passage shown below" where no sample was shown."""
    session = Session(store.folder)
    (sample,) = filled(store)
    own = review_actions.add_own(store, "Who?", "Ada.", 0, is_about_text=False)
    for number, has_passage in ((sample.id, True), (0, False), (own, False)):
        panel, about = review_edit._open_own(session, number)
        assert panel.visible
        assert (about.value, about.interactive) == (has_passage, has_passage)
    for number in (0, own):
        with pytest.raises(InputError, match="No passage is shown"):
            review_actions.add_own(store, "When?", "Now.", number, is_about_text=True)


# --- what there is to do ------------------------------------------------------


def test_an_empty_place_says_what_to_do_next(store):
    pending = SampleFilter(state="pending")
    assert "study a text first" in review.empty(store, pending)
    put_text(store, "avel.md", "Avel was founded in 1711.")
    run = actions.study(store, ModelSettings(), StudySettings())
    assert f"samples of the study (run {run.id}) come" in review.empty(store, pending)
    store.runs.finish(run.id, "cancelled")
    assert "study a text first" in review.empty(store, pending)
    (sample,) = filled(store)
    assert "change or clear" in review.empty(store, SampleFilter(text="nowhere"))
    review_actions.decide(store, [sample.id], "approve", "")
    empty = review.empty(store, pending)
    assert "All samples are decided, 1 of 1 approved. Train on these" in empty
    review_actions.decide(store, [sample.id], "reject", "")
    empty = review.empty(store, pending)
    assert "All samples are decided, 0 of 1 approved. Choose another state" in empty


def test_an_empty_place_says_that_samples_of_another_model_are_hidden(store):
    """It said that there was nothing to review, though there were samples."""
    pending = SampleFilter(state="pending")
    assert "hidden" not in review.empty(store, pending)
    study(store, OTHER, approve=False)
    choose_model(store, ModelSettings())
    markup = review.empty(store, pending)
    assert "Nothing to review of this model yet: study a text first" in markup
    assert "Samples of other models are hidden; “Show all models”" in markup
    assert "Show all models" in status.draw(store)


def test_progress_counts_what_is_decided(store):
    assert review.progress(store) == ""
    first, second, *_ = filled(store, review.ENOUGH)
    review_actions.decide(store, [first.id], "approve", "")
    review_actions.decide(store, [second.id], "reject", "trivial")
    markup = review.progress(store)
    assert "2 of 20 decided: 1 approved, 1 rejected, 18 pending" in markup
    assert "after 18 more of your decisions" in markup


def test_an_agreement_that_needs_more_samples_than_there_are_is_not_promised(store):
    """With 4 samples in all, it was announced after 19 more decisions."""
    sample, *_ = filled(store, review.ENOUGH - 1)
    review_actions.decide(store, [sample.id], "approve", "")
    assert "1 of 19 decided" in review.progress(store)
    assert "Agreement" not in review.progress(store)


def test_the_buttons_for_all_count_the_samples_if_there_are_any(store):
    session = Session(store.folder)
    labels = []
    are_active = []
    for n in range(3):
        if n:
            filled(store, words=str(n))
        _, approve, reject, _ = review_panels.counters(session, chosen())
        labels.append((approve.value, reject.value))
        are_active.append(approve.interactive and reject.interactive)
    assert labels == [
        ("No filtered sample to approve", "No filtered sample to reject"),
        ("Approve 1 filtered sample", "Reject 1 filtered sample"),
        ("Approve all 2 filtered samples", "Reject all 2 filtered samples"),
    ]
    assert are_active == [False, True, True]


def test_a_bar_counts_the_samples_that_a_click_on_it_shows(store):
    """A sample on the border of two bars was shown for both."""
    for i in range(review.N_BARS + 1):
        filled(store, words=str(i), probability=i / review.N_BARS)
    markup = review.histogram(store, SampleFilter())
    n_shown = []
    for key in re.findall(r'data-pick="(.+?)"', markup):
        low, high = review_tab._of_bar(gr.EventData(None, {"pick": key}))
        queue = chosen(state=review_filter.ANY, low=low, high=high)
        n_shown.append(store.samples.count(queue.criteria(store)))
    assert n_shown == store.samples.gap_histogram(SampleFilter(), review.N_BARS)
    assert n_shown == [*[1] * (review.N_BARS - 1), 2]


def test_agreement_is_shown_from_twenty_single_decisions_on(store):
    samples = filled(store, 40)
    review_actions.decide(store, [s.id for s in samples[20:]], "reject", "")
    for sample in samples[:15]:
        review_actions.decide(store, [sample.id], "approve", "")
    for sample in samples[15:20]:
        review_actions.decide(store, [sample.id], "reject", "")
    assert "agree with the rule default: 75 % (n = 20)" in review.progress(store)
    assert "second check: 75 % (n = 20)" in review.progress(store)
    review_actions.decide(store, [samples[15].id], "approve", "")
    assert "80 % (n = 20)" in review.progress(store)
    review_actions.undo(store, 0)
    assert "75 % (n = 20)" in review.progress(store)
