"""A person keeps a question that a study dropped."""

import pytest

from autolearn.core.errors import InputError
from autolearn.core.run_settings import TrainRunSettings
from autolearn.rounds.sources import approved_examples
from autolearn.services import review_actions
from tests.support.dropped import QUESTION, TEXT, drop, dropped
from tests.support.texts import put_passages


def test_a_question_that_is_kept_is_an_own_sample_that_is_decided_on(store):
    skip = dropped(store)
    number = review_actions.keep(store, skip.id)
    sample = store.samples.view(number).sample
    assert (sample.prompt, sample.chosen) == (QUESTION, "Ada Horn")
    assert (sample.state, sample.passage_id) == ("pending", skip.passage_id)
    assert not approved_examples(store, TrainRunSettings())
    review_actions.decide(store, [number], "approve", None)
    (example,) = approved_examples(store, TrainRunSettings())
    assert example.target == "Ada Horn"


def test_a_question_is_kept_once(store):
    skip = dropped(store)
    number = review_actions.keep(store, skip.id)
    review_actions.edit(store, number, ("Who built it?", "Ada", "", ""))
    review_actions.decide(store, [number], "reject", None)
    message = rf"This question is sample {number} already \(rejected\)"
    with pytest.raises(InputError, match=message):
        review_actions.keep(store, skip.id)
    other = dropped(store, "Who built the bridge of Avel?")
    second = review_actions.keep(store, other.id)
    assert store.samples.ids() == [number, second]


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_question_is_kept_with_its_answer(store, is_edited):
    """Another answer to the same question was shown as kept, without its button."""
    (passage,) = put_passages(store, "avel.txt", [TEXT])
    faults = [drop(passage), drop(passage, answer="22 years")]
    runs = [store.runs.create("study", {}) for _ in range(2)]
    skips = [store.journal(run.id).step("ask", lambda: faults) for run in runs]
    number = review_actions.keep(store, skips[0][0].id)
    if is_edited:
        review_actions.edit(store, number, ("Who built it?", "22 years", "", ""))
    for same, other in skips:
        questions = review_actions.dropped_questions(store, [same.id, other.id])
        kept = review_actions.kept(store, questions.values())
        assert [kept[questions[same.id]].id] == [s.id for s in kept.values()]
        assert kept[questions[same.id]].id == number
    assert review_actions.keep(store, skips[1][1].id) != number


@pytest.mark.parametrize(
    ("question", "answer"), [(QUESTION, "the"), ("Who built", "Ada Horn")]
)
def test_a_question_without_a_recorded_answer_is_added_by_hand(store, question, answer):
    skip = dropped(store, question, answer)
    for number in (skip.id, skip.id + 1):
        with pytest.raises(InputError, match="recorded no answer"):
            review_actions.keep(store, number)
    assert store.samples.ids() == []
