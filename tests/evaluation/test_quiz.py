from dataclasses import replace

import pytest

from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question, TrainItem
from autolearn.evaluation import paired_quizzes, quiz, taught_questions
from autolearn.evaluation.quiz_modes import QuizAnswer
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.evaluation.taught_questions import TrainedText
from tests.support.reviews import MODEL
from tests.support.rounds import one_round
from tests.support.texts import put_passages


def result(id, right):
    return QuizResult(id, "closed_book", "x", right=right, exact=right, f1=float(right))


def test_scores_are_shares():
    score = quiz.summarise([result(1, True), result(2, False)])
    assert (score.n, score.right, score.exact, score.f1) == (2, 0.5, 0.5, 0.5)
    assert quiz.summarise([]).n == 0


def test_a_change_names_what_flipped_in_both_directions():
    before = {1: result(1, True), 2: result(2, False), 3: result(3, False)}
    after = {1: result(1, False), 2: result(2, True), 4: result(4, True)}
    change = paired_quizzes.change_of(before, after)
    assert (change.newly_right, change.newly_wrong) == ((2,), (1,))


def test_the_gap_is_closed_towards_the_open_book_bound():
    assert paired_quizzes.gap_closed(0.1, 0.5, 0.9) == pytest.approx(0.5)
    assert paired_quizzes.gap_closed(0.9, 0.9, 0.9) is None


def test_an_answer_that_does_not_fit_the_context_is_told_as_one_that_is_cut_off():
    """It was wrong without a word."""
    generation = Generation(
        Request(Prompt("open_book", "p1", ()), Sampling()),
        Completion("", "overlong", 3000, 0),
        MODEL,
    )
    answer = QuizAnswer(asked(1), "", generation)
    assert quiz._score(answer, "open_book").truncated


FACT = "Ada Lum founded Avel in 1711."


def asked(id, passage_id=3, gold="1711", **more):
    text = more.pop("text", "When was Avel founded?")
    question = Question(text, "quiz", "gold", passage_id, id=id, **more)
    return QuizQuestion(question, gold)


def test_a_fact_was_studied_if_a_trained_sentence_tells_its_gold_answer():
    questions = [
        asked(1),
        asked(2, gold="171"),
        asked(3, passage_id=4),
        asked(4, gold="The year 1711.", gold_value="1711"),
        asked(5, gold="A.D.", aliases=("1711",)),
        asked(6, gold="", scorer="none"),
    ]
    texts = [TrainedText(FACT, 3)]
    assert taught_questions.ids_taught_by(questions, texts) == {1, 4, 5}


def test_without_a_passage_the_trained_text_must_have_the_words_of_the_question():
    questions = [
        asked(1, None, text="When did Ada Lum found Avel?"),
        asked(2, None, text="When was Boro founded?"),
        asked(3, None, text="In which year was Avel founded?"),
    ]
    texts = [TrainedText("It was in 1711.", 3, "In which year was Avel founded?")]
    assert taught_questions.ids_taught_by(questions, texts) == {3}


@pytest.mark.parametrize(
    ("text", "gold", "told", "is_taught"),
    [
        ("Which family owns Avel?", "the Hasko family", "Hasko family.", True),
        ("Which company owns Avel?", "The company Nordhal", "Nordhal has it.", True),
        ("Who owns Avel?", "The company Nordhal", "It is Nordhal.", True),
        ("Who owns Avel?", "Nordhal", "The company Nordhal.", True),
        ("Who owns Avel?", "Nordhal and Boro", "Nordhal.", False),
        ("Who owns Avel?", "the sons of Nordhal", "The wife of Nordhal.", False),
        ("What is in Avel?", "a blue house", "A house.", False),
        ("When was Avel sold?", "on 3 May 1931", "In 1931.", False),
    ],
)
def test_a_fact_was_studied_if_a_shorter_or_longer_form_of_its_answer_was_trained(
    text, gold, told, is_taught
):
    """The family counted as another one than the Hasko family."""
    question = asked(1, text=text, gold=gold)
    texts = [TrainedText(told, 3, "Who has Avel?")]
    assert bool(taught_questions.ids_taught_by([question], texts)) == is_taught


def test_without_a_passage_a_question_in_other_words_is_the_same_by_its_names():
    """Of a file that names no document, one in four trained facts was counted."""
    questions = [
        asked(1, None, "Hasko", text="Which family owned the works at Avel?"),
        asked(2, None, "Hasko", text="Which family owned the works at Boro?"),
        asked(3, None, "Hasko", text="Which poet praised the bridge at Avel?"),
        asked(4, None, "Hasko", text="Which family owned the mill?"),
    ]
    asks = "To which family did the works at Avel belong?"
    texts = [TrainedText("The Hasko family owns them.", 3, asks)]
    assert taught_questions.ids_taught_by(questions, texts) == {1}


def test_a_text_whose_passage_is_not_known_must_have_the_words_of_the_question():
    """Statements about a passage are trained without it."""
    questions = [asked(1), asked(2, text="When was Boro founded?")]
    assert taught_questions.ids_taught_by(questions, [TrainedText(FACT, None)]) == {1}


def test_a_pair_of_a_person_counts_by_its_passage_or_by_its_words(store):
    """One that was added beside a sample of another passage did not count."""
    beside, told = put_passages(store, "a", ["Avel lies inland.", FACT])
    text = "When was Avel founded?"
    number = store.own_pairs.add(text, "In 1711.", beside.id)
    item = TrainItem("sft", (Message("user", text),), "In 1711.", sample_id=number)
    candidates = [
        asked(1, told.id),
        asked(2, told.id, text="When was Boro founded?"),
        asked(3, beside.id, text="Since which year does it exist?"),
        asked(4, None),
    ]
    new = replace(
        one_round(store, "join"), id=0, run_id=store.runs.create("train", {}).id
    )
    round_ = store.rounds.create(new, [item])
    assert taught_questions.taught_ids(store, round_.id, candidates) == {1, 3, 4}


def test_a_raw_text_is_about_every_passage_that_has_it(store):
    passages = [put_passages(store, name, [FACT], name)[0] for name in ("a", "b")]
    candidates = [
        replace(asked(i, passage.id), passage=passage)
        for i, passage in enumerate(passages, 1)
    ]
    item = TrainItem("text", (), FACT)
    new = replace(
        one_round(store, "cpt"), id=0, run_id=store.runs.create("train", {}).id
    )
    round_ = store.rounds.create(new, [item])
    assert taught_questions.taught_ids(store, round_.id, candidates) == {1, 2}
