"""The first page says what the buttons do with the model that is in use."""

from dataclasses import replace

import pytest

from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.services import round_actions
from autolearn.ui.views import control_offer, guide, labels, start, whole_round
from autolearn.ui.views.links import NEW_ROUND
from tests.support import evaluations
from tests.support.texts import put_text


def test_the_demo_is_offered_with_the_built_in_model_only(store):
    assert "Try the demo" in start.ways(store)
    store.choices.set("model", ModelSettings("/models/<i>-1B").as_dict())
    ways = start.ways(store)
    assert "Try the demo" not in ways
    assert "&lt;i&gt;-1B studies the texts" in ways
    assert "While it runs, the page shows the time left." in ways
    assert "<i>" not in ways
    assert "reads only very simple sentences" not in ways


def test_a_whole_round_says_that_it_leaves_out_the_round_in_use(store):
    assert "begins with the base model" not in start.ways(store)
    for name in (ModelSettings.model, "/models/1B"):
        store.choices.set("model", ModelSettings(name, round_id=3).as_dict())
        assert "begins with the base model, not round 3." in start.ways(store)


def test_a_control_set_is_offered_where_texts_have_none(store):
    assert control_offer.draw(store) == ""
    put_text(store, "avel.md", "Ada leads Avel.")
    assert control_offer.draw(store) == ""  # the built-in model has none
    store.choices.set("model", ModelSettings("/models/1B").as_dict())
    assert "questions of general knowledge" in control_offer.draw(store)
    assert "has 171 questions" in control_offer.accept(store)
    assert control_offer.draw(store) == ""


@pytest.mark.parametrize(
    ("model", "title"),
    [
        ("/models/Tiny-1B", "Tiny-1B"),
        ("org/Tiny-1B", "Tiny-1B"),
        ("http://127.0.0.1:8080/v1#org/tiny", "tiny on 127.0.0.1:8080"),
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080"),
    ],
)
def test_a_model_is_called_by_its_name_and_server(model, title):
    assert labels.model(model) == title


def test_a_whole_round_that_cannot_begin_says_why(store, context):
    """The button was grey during a download, without a word."""
    page = replace(context, revision_boxes={})
    assert "can begin after it" not in start.ways(store) + page._refresh("Start")[1]
    run = store.runs.create("download", {})
    reason = f"Download (run {run.id}) is queued. A whole round can begin after it."
    assert reason in start.ways(store)
    assert reason in page._refresh("Start")[1]


def test_no_whole_round_is_promised_with_a_model_on_a_server(store, context):
    """The button said that it trains, and was refused once it was pressed."""
    page = replace(context, revision_boxes={})
    assert page._refresh("Start")[5].interactive
    address = "http://127.0.0.1:8080/v1#tiny"
    store.choices.set("model", ModelSettings(address).as_dict())
    refreshed = page._refresh("Start")
    assert not refreshed[5].interactive
    assert "tiny on 127.0.0.1:8080 studies" not in start.ways(store)
    for markup in (start.ways(store), refreshed[1]):
        assert whole_round.ON_A_SERVER in markup


def test_the_sidebar_says_that_a_whole_round_leaves_the_round_in_use(store, context):
    """Only the card of Start did; the button is on every tab."""
    page = replace(context, revision_boxes={})
    assert whole_round.FROM_BASE not in page._refresh("Start")[1]
    round_actions.keep(store, evaluations.one_round(store).id)
    for run in store.runs.in_state("queued"):
        store.runs.finish(run.id, "done")
    assert whole_round.FROM_BASE in page._refresh("Start")[1]


def test_the_step_that_trains_leads_to_the_form_below_an_ended_training(store):
    """It led to the curves of the last training; the form was far below."""
    scrolls = f'data-part="{NEW_ROUND}"'
    assert scrolls not in guide.draw(store)
    run = store.runs.create("train", TrainRunSettings().as_dict())
    assert scrolls not in guide.draw(store)
    store.runs.finish(run.id, "done")
    assert scrolls in guide.draw(store)


def test_a_round_is_in_use_only_once_it_is_kept_and_a_step_says_so(store):
    """The adapter stayed the earlier one, and no step named the button."""

    def step():
        (keep,) = [step for step in guide.of(store) if step.what.startswith("Keep")]
        return keep.what, keep.done

    assert step()[1] is False
    first = evaluations.one_round(store)
    what = f"Keep round {first.id} to use it from now on, or roll it back"
    assert step() == (what, False)
    round_actions.keep(store, first.id)
    assert step() == (what, True)
    second = evaluations.one_round(store)
    assert step()[1] is False
    round_actions.roll_back(store, second.id)
    assert step()[1] is True
