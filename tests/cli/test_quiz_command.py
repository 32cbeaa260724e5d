"""``quiz --round`` compares with the base model of that round alone."""

from argparse import Namespace
from typing import Any

import pytest

from autolearn.cli import commands
from autolearn.core.records import Question, QuizResult
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from tests.support.rounds import one_round, own_digest


@pytest.fixture
def question(store):
    gold: dict[str, Any] = {"gold_answer": "1711.", "gold_value": "1711"}
    question = Question("When was Avel founded?", "quiz", "gold", **gold)
    return store.library.add_questions([question])[0]


def answered(store, run, question, *, right):
    """Keep how a quiz was answered, as its worker does."""
    round_id = run.round_id
    result = QuizResult(question.id, "closed_book", "?", right, right, 0.0, round_id)
    store.journal(run.id).step("quiz", lambda: [result])
    return store.runs.finish(run.id, "done")


def base_quiz(store, question, digest, *, right):
    settings = QuizRunSettings(
        model=ModelSettings(), model_digest=digest, parts=(("quiz", "closed_book"),)
    )
    answered(store, queues.submit(store, settings), question, right=right)


@pytest.fixture
def quiz(store, question, monkeypatch):
    """The command for the first round, whose quiz is answered right at once."""

    def finish(opened_store, run, title, quiet):
        return answered(opened_store, run, question, right=True)

    monkeypatch.setattr(commands, "_finish", finish)
    round_ = one_round(store, "refined_sft")
    options = {"model": "built-in", "quantization": "nf4", "open_book": False}
    args = Namespace(workspace=store.folder, json=True, round=round_.id, **options)
    return lambda: commands.quiz(args)


def test_a_round_is_compared_with_the_newest_base_quiz_of_its_own_model(
    store, question, quiz
):
    base_quiz(store, question, own_digest(), right=False)
    base_quiz(store, question, "another model", right=True)
    change = quiz()["change"]
    assert (change["closed_book_before"], change["closed_book_after"]) == (0.0, 1.0)
    assert change["newly_right"] == 1


def test_without_a_base_quiz_of_its_own_model_nothing_is_compared(
    store, question, quiz
):
    base_quiz(store, question, "another model", right=True)
    assert "change" not in quiz()
