"""What the quiz asks, and what a round is validated with, is not trained."""

import pytest

from autolearn.core.gold import MetaExample
from autolearn.core.methods import METHODS
from autolearn.core.model_calls import Message
from autolearn.core.records import TrainItem
from autolearn.training import dataset
from tests.support.lessons import META, build, example, prompt_text


def test_what_the_quiz_asks_is_not_trained():
    first = example(wordings=("Avel is led by whom?", "Who is leader of Avel?"))
    data = build("refined_sft", [first], quiz=["avel is led by whom"])
    assert [prompt_text(i) for i in data.items] == [
        "Who leads Avel?",
        "Who is leader of Avel?",
    ]
    assert data.leaked == 1


def test_a_question_of_the_quiz_goes_with_all_its_wordings():
    first = example(wordings=("Avel is led by whom?",))
    data = build("refined_sft", [first], quiz=["Who leads the Avel"])
    assert data.items == ()
    assert data.leaked == 2


def many_examples(n=100, **more):
    return [
        example(
            f"Who leads town {i}?",
            id=i,
            wordings=(f"Town {i} is led by whom?",),
            **more,
        )
        for i in range(n)
    ]


def test_validation_asks_what_is_trained_in_a_wording_that_is_not():
    data = build("refined_sft", many_examples(), validation_share=0.2)
    validation_texts = {prompt_text(item) for item in data.validation}
    assert len(validation_texts) == len(data.validation) == 20
    assert len(data.items) == 200 - 20
    assert not validation_texts & {prompt_text(item) for item in data.items}
    answers = {(item.sample_id, item.chosen) for item in data.items}
    assert {(item.sample_id, item.chosen) for item in data.validation} <= answers
    assert {item.kind for item in data.validation} == {"validation"}


def test_validation_is_the_same_for_a_seed():
    first, again, other = (
        build(
            "refined_sft", many_examples(), validation_share=0.2, seed=seed
        ).validation
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_wording_that_another_item_trains_is_not_validation():
    first = example(wordings=("Avel is led by whom?",), id=200)
    other = example("By whom is Avel led?", id=201)
    data = build("refined_sft", [*many_examples(), first, other], validation_share=1.0)
    assert len(data.validation) == 100
    assert 200 not in {item.sample_id for item in data.validation}


def test_a_wording_of_the_quiz_is_not_validation():
    quiz = ["Town 3 is led by whom?"]
    data = build("refined_sft", many_examples(), quiz=quiz, validation_share=1.0)
    assert len(data.validation) == 99
    assert not set(quiz) & {
        prompt_text(item) for item in (*data.items, *data.validation)
    }


def test_validation_expects_the_answer_that_the_method_teaches():
    lessons = many_examples(open_answer="It is Ada.")
    answer_of = {
        "refined_sft": "Ada leads Avel.",
        "al1": "It is Ada.",
        "self": "Ada leads Avel.",
        "cpt": "It is Ada.",
    }
    for method, answer in answer_of.items():
        wordings = build(method, lessons, validation_share=1.0).validation
        assert {item.chosen for item in wordings} == {answer}
    for method in ("al2", "meta"):
        assert build(method, lessons, [META], validation_share=1.0).validation == ()


def test_a_small_round_or_one_without_a_share_trains_every_wording():
    for n, share in ((100, 0.0), (2 * dataset.FEWEST_VALIDATED - 1, 1.0)):
        data = build("refined_sft", many_examples(n), validation_share=share)
        assert (len(data.items), data.validation) == (2 * n, ())


def test_a_round_with_few_second_wordings_holds_out_the_fewest_that_say_something():
    n = 2 * dataset.FEWEST_VALIDATED
    data = build("refined_sft", many_examples(n), validation_share=0.2)
    assert len(data.validation) == dataset.FEWEST_VALIDATED
    assert len(data.items) == 2 * n - dataset.FEWEST_VALIDATED


def test_meta_examples_that_the_quiz_asks_are_left_out_and_counted():
    data = build("meta", [], [META], quiz=["Who leads?"])
    assert (data.items, data.leaked) == ((), 1)


def asks(item, question):
    """Return whether a question stands anywhere in what an item shows or teaches."""
    texts = [turn.content for turn in item.chat] + [item.chosen, item.rejected or ""]
    return any(question.lower() in text.lower() for text in texts)


FAQ = "Boro is a town. Who leads Boro? Ida leads Boro."


@pytest.mark.parametrize("method", METHODS)
def test_no_method_trains_a_question_of_the_quiz_from_whatever_source(method):
    quiz = "Who leads Boro?"
    skill = TrainItem("sft", (Message("user", f"Text.\nQuestion: {quiz}"),), "Ida.")
    data = build(
        method,
        [
            example(quiz, id=1),
            example("Who heads Boro?", id=2, wordings=("who leads  BORO",)),
            example(quiz, id=3, edits={"chosen", "feedback"}, chosen="Ida."),
            example("Who is Ida?", id=4, passage=FAQ),
            example("Who founded Avel?", id=5),
        ],
        [META, MetaExample(quiz, "Bo.", "Wrong.\nVerdict: incorrect", "Ida.")],
        [quiz],
        [skill, TrainItem("sft", (Message("user", "Ask."),), f"Question: {quiz}")],
        [FAQ, "Avel is a town."],
        dqa=True,
        meta_share=4,
        validation_share=1.0,
    )
    assert data.items
    assert not any(asks(item, "who leads boro") for item in data.items)
    assert data.leaked > 0
