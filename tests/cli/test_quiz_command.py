"""``quiz --round`` compares with the base model of that round alone."""

from argparse import Namespace

import pytest

from autolearn.cli import commands
from autolearn.core.errors import InputError
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Question
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.runs import run_control
from tests.support.rounds import one_round, own_digest


@pytest.fixture
def questions(store):
    question = Question(
        "When was Avel founded?", "quiz", "gold", gold_answer="1711.", gold_value="1711"
    )
    return store.library.add_questions([question])[0]


def answered(store, run, question, *, right):
    """Keep how a quiz was answered, as its worker does."""
    round_id = run.round_id
    text = "In 1711." if right else "?"
    result = QuizResult(question.id, "closed_book", text, right, right, 0.0, round_id)
    store.journal(run.id).step("quiz", lambda: [result])
    return store.runs.finish(run.id, "done")


def base_quiz(store, question, digest, *, right, **other):
    """Keep a quiz of the base model, by a version without versions of the quiz."""
    settings = QuizRunSettings(
        model=ModelSettings(),
        model_digest=digest,
        parts=(("quiz", "closed_book"),),
        **other,
    )
    answered(store, run_control.submit(store, settings), question, right=right)


@pytest.fixture
def quiz(store, questions, monkeypatch):
    """The command for the first round, whose quiz is answered right at once."""

    def finish(open_store, run, title, quiet):
        return answered(open_store, run, questions, right=True)

    monkeypatch.setattr(commands, "finish", finish)
    round_ = one_round(store, "join")
    settings = {"model": "built-in", "quantization": "nf4", "open_book": False}
    args = Namespace(workspace=store.folder, json=True, round=round_.id, **settings)
    return lambda **changes: commands.quiz(Namespace(**vars(args) | changes))


def test_a_round_is_compared_with_the_newest_base_quiz_of_its_own_model(
    store, questions, quiz
):
    base_quiz(store, questions, own_digest(), right=False)
    base_quiz(store, questions, "another model", right=True)
    change = quiz()["change"]["gold"]
    assert (change["closed_book_before"], change["closed_book_after"]) == (0.0, 1.0)
    assert change["newly_right"] == 1


def test_without_a_base_quiz_of_its_own_model_nothing_is_compared(
    store, questions, quiz
):
    base_quiz(store, questions, "another model", right=True)
    assert "change" not in quiz()


def test_only_questions_that_both_were_asked_count_on_the_command_line(
    store, questions, quiz
):
    base_quiz(store, questions, own_digest(), right=False)
    more = [
        Question(f"Who is {i}?", "quiz", "gold", gold_answer="Ada.", gold_value="Ada")
        for i in range(3)
    ]
    store.library.add_questions(more)
    (old,) = store.runs.quizzes(own_digest(), None)
    extra = [
        QuizResult(q.id, "closed_book", "Ada.", True, True, 1.0)
        for q in store.library.questions()[1:]
    ]
    store.journal(old.id).step("more", lambda: extra)
    change = quiz()["change"]
    assert change["gold"]["n"] == 1
    assert change["gold"]["closed_book_before"] == 0.0
    assert change["left_out"] == 3
    assert -1 <= change["gold"]["low"] < change["gold"]["high"] <= 1


def test_a_base_that_was_asked_with_another_limit_is_told_on_the_command_line(
    store, questions, quiz
):
    """Only the page said that the difference is not due to the round alone."""
    limits = StudySettings(answer_tokens=48)
    base_quiz(store, questions, own_digest(), right=False, study=limits)
    assert quiz()["change"]["asked_alike"] is False


def listing(store, **settings):
    changes = dict.fromkeys(("accept", "scorer", "add", "leave_out", "use"), ())
    args = {"lock": False, "unlock": False} | changes | settings
    return commands.quizzes(Namespace(workspace=store.folder, json=True, **args))


def test_the_quiz_is_listed_scored_and_locked_on_the_command_line(store, questions):
    output = listing(store)
    assert (output["version"], output["locked"]) == (None, False)
    (row,) = output["questions"]
    assert (row["set"], row["origin"], row["scorer"]) == (
        "Gold quiz",
        "gold",
        "contains",
    )
    one = str(questions.id)
    output = listing(
        store, accept=[[one, "A.D. 1711"]], scorer=[[one, "exact"]], lock=True
    )
    assert (output["version"], output["locked"]) == (2, True)
    (row,) = output["questions"]
    assert (row["scorer"], row["aliases"]) == ("exact", "A.D. 1711")
    assert not listing(store, unlock=True)["locked"]
    with pytest.raises(InputError, match="no scorer 'x'"):
        listing(store, scorer=[[one, "x"]])
    with pytest.raises(InputError, match="no question"):
        listing(store, accept=[["one", "x"]])


def test_a_question_is_added_left_out_and_used_on_the_command_line(store):
    (row,) = listing(store, add=[["Who leads Avel?", "Ada"]])["questions"]
    assert (row["question"], row["gold"], row["set"]) == (
        "Who leads Avel?",
        "Ada",
        "Gold quiz",
    )
    assert listing(store, leave_out=[str(row["id"])])["questions"][0]["excluded"]
    assert not listing(store, use=[str(row["id"])])["questions"][0]["excluded"]


def test_open_book_is_refused_where_no_question_belongs_to_a_text(store, quiz):
    with pytest.raises(InputError, match="field document"):
        quiz(open_book=True)
    assert store.runs.last("quiz") is None
