"""The plan of a round: when it is made anew, and how the page asks for it."""

from dataclasses import replace

import gradio as gr

from autolearn.study import prompts
from autolearn.ui.html import Html
from autolearn.ui.tabs import train
from tests.support.layouts import events, laid_out
from tests.support.texts import put_passages
from tests.support.trainings import ORDER, order, samples


def test_the_replay_weight_decides_only_whether_texts_are_read_again(store):
    (passage,) = put_passages(store, "a.txt", ["Ada leads all of them."])
    samples(store, 20, gaps=20, passage_id=passage.id)
    memo = train.PlanCache()
    contents = memo.intake(store, ORDER)
    n_read, n_checked = 1, round(20 / 16)
    assert len(contents.other_replay) == 5 * n_read + 2 * n_checked
    assert memo.intake(store, order(replay_weight=9.0)) is contents
    assert memo.intake(store, order(replay_weight=0.0)).other_replay == ()


def test_a_look_is_made_anew_only_when_something_changed(store):
    samples(store, 3, gaps=3)
    memo = train.PlanCache()
    first = memo.intake(store, ORDER)
    assert memo.intake(store, order(epochs=3)) is first
    store.decisions.undo_batch(store.decisions.last().id)
    assert memo.intake(store, ORDER).n_approved == 0


def test_fewer_steps_shorten_what_is_written_before_them(store):
    """The estimate kept the replay of the number of steps that was looked at first."""
    samples(store, 20, gaps=20)
    memo = train.PlanCache()
    assert memo.intake(store, ORDER).n_instructions == 20
    assert memo.intake(store, order(max_steps=1)).n_instructions == 8
    assert memo.intake(store, ORDER).n_instructions == 20


def test_a_look_is_made_anew_when_a_passage_or_a_prompt_has_changed(store):
    """It showed what a round would have learned before."""
    kept, other = put_passages(store, "a.txt", ["Ada leads all.", "Bo heads Cova."])
    samples(store, 3, gaps=3, passage_id=kept.id)
    memo, on_texts = train.PlanCache(), order(method="cpt")
    assert len(memo.intake(store, on_texts).dataset.items) == 2
    store.library.set_excluded([other.id], excluded=True)
    (item,) = memo.intake(store, on_texts).dataset.items
    assert item.chosen == kept.text
    text = prompts.default_text("closed_book").replace("full", "short")
    before = memo.intake(store, ORDER).dataset.items[0]
    with prompts.fixed({"closed_book": text}):
        after = memo.intake(store, ORDER).dataset.items[0]
    assert "one full sentence" in before.chat[0].content
    assert "one short sentence" in after.chat[0].content


def test_a_plan_is_that_of_its_own_window_while_another_plans_a_round(store):
    """Each got what had been planned last, be it by the other."""
    samples(store, 3, gaps=3)

    class SharedCache(train.PlanCache):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "_cached":
                self.__dict__[name] = ("the round of the other window", None)

    assert SharedCache().intake(store, ORDER).n_approved == 3


def test_another_method_is_planned_once_and_with_the_values_of_its_preset():
    """Each field that a preset sets began a drawing, and the first lacked the others.

    Until the last of them was done, the page showed the numbers of the former method.
    """

    def lay_out():
        method, epochs = gr.Dropdown(elem_id=train.METHOD), gr.Number()
        filled, plan = gr.Textbox(), gr.HTML()
        train.wire_plan(lambda *_: Html(""), [method, epochs], [filled], plan)
        (event,) = events()
        assert {place for place, _ in event.targets} == {filled._id, epochs._id}
        return event

    event = laid_out(lay_out)
    assert event.trigger_mode == "always_last"
    assert event.show_progress == "minimal"


def test_the_plan_of_the_former_method_goes_at_once():
    """It stood for seconds beside the new method, and without a sign."""

    def lay_out():
        method, plan = gr.Dropdown(), gr.HTML()
        train.announce_plan(method, plan)
        (event,) = events()
        assert event.targets == [(method._id, "input")]
        assert event.outputs == [plan]
        return event

    event = laid_out(lay_out)
    assert event.fn is None, "the server is not asked"
    assert "Computing the plan" in event.js


def test_the_plan_is_drawn_after_the_parent_and_the_settings_of_the_form(context):
    """As the tab was opened, the plan was that of the parent shown before."""

    def lay_out():
        parts = replace(context, last_action_at=gr.Textbox(), notice=gr.HTML())
        train.build(parts)
        return [one.outputs for one in parts.redrawn_on_change]

    outputs = laid_out(lay_out)
    ids = {getattr(part, "elem_id", None) for group in outputs for part in group}
    assert "train-parent" in ids
    assert "train-plan" not in ids
