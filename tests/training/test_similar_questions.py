"""Questions of the form that a round teaches, which the base model writes."""

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.settings import StudySettings
from autolearn.study.generation import Generator
from autolearn.training import similar_questions
from tests.support.scripted_backend import ScriptedBackend

TAUGHT = ("Who directed Abruptio?", "What is Agra about?", "谁导演了阿格拉这部电影呢")


class Continuing(ScriptedBackend):
    """Continues what it is given with a number; odd numbers are guesses."""

    def __init__(self, text="{} {}? It is.\nMore."):
        super().__init__(lambda request: f"Ada, of {request.prompt.chat[-1].content}")
        self.text, self.seeds, self.beginnings = text, [], []

    def generate_instructions(
        self, seeds, stop, max_new_tokens=48, beginnings=None, progress=None
    ):
        self.seeds += seeds
        self.beginnings += beginnings
        rows = enumerate(beginnings)
        return ["" if stop() else self.text.format(b, i // 2) for i, b in rows]

    def confidence(self, chats, answers):
        return [-1.0 if "1?" in answer else -0.1 for answer in answers]


def writer(backend, stop=lambda: False):
    return Generator(backend, StudySettings(), stop, lambda share: None)


def asked(generations):
    return [g.request.prompt.chat[-1].content for g in generations]


def test_questions_begin_like_those_of_the_round_and_end_at_their_mark():
    backend = Continuing()
    questions = asked(similar_questions.answer(writer(backend), TAUGHT, 8))
    openings = {"Who", "Who directed", "What", "What is", "谁导", "谁导演了"}
    assert set(backend.beginnings) == openings
    assert len(backend.beginnings) == similar_questions.DRAWS * 8
    assert all(question.endswith("?") for question in questions)
    assert {question.rpartition(" ")[0] for question in questions} <= openings


def test_the_draws_are_those_of_earlier_versions():
    backend = Continuing()
    similar_questions.answer(writer(backend), TAUGHT[:2], 1)
    assert backend.seeds == [2982903912, 638688880, 2570656067]
    assert backend.beginnings == ["What", "What is", "What"]


def test_only_the_answers_with_the_highest_confidence_are_kept():
    generations = similar_questions.answer(writer(Continuing()), TAUGHT, 5)
    assert len(generations) == 5
    assert not [g for g in generations if "1?" in g.completion.text]


def test_a_question_of_the_round_and_one_written_twice_are_not_replayed_again():
    backend = Continuing("Who directed Abruptio? {}")
    assert similar_questions.answer(writer(backend), TAUGHT, 4) == []
    backend = Continuing("What is it? {} {}")
    assert len(similar_questions.answer(writer(backend), TAUGHT, 4)) == 1


def test_a_wording_of_the_round_is_not_replayed_however_it_is_written():
    backend = Continuing("Whose film is Abruptio? {}")
    wordings = ["whose film is  abruptio"]
    generations = similar_questions.answer(writer(backend), TAUGHT, 4, wordings)
    assert generations == []
    backend = Continuing("who directed ABRUPTIO? {}")
    assert similar_questions.answer(writer(backend), TAUGHT, 4) == []


def test_an_answer_that_only_repeats_its_question_is_not_replayed():
    backend = Continuing()
    backend._reply = lambda request: request.prompt.chat[-1].content
    assert similar_questions.answer(writer(backend), TAUGHT, 4) == []


def test_a_stop_keeps_nothing():
    with pytest.raises(Cancelled):
        similar_questions.answer(writer(Continuing(), lambda: True), TAUGHT, 4)


def test_no_question_begins_with_the_subject_that_stands_before_it():
    backend = Continuing()
    similar_questions.answer(writer(backend), ["Agra: Who directed the film?"], 8)
    assert set(backend.beginnings) == {"Who", "Who directed"}


def test_statements_are_not_replayed_beside_questions_but_beside_tasks():
    questions, tasks = TAUGHT[:1], ["Add 3 to 5.", "Name a town."]
    for taught, n in ((questions, 0), (tasks, 4)):
        backend = Continuing("{} number {}")
        assert len(similar_questions.answer(writer(backend), taught, 4)) == n
