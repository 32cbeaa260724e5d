"""A text that is studied again: the quiz neither grows nor takes what was trained."""

import pytest

from autolearn.core.records import Question, Round, TrainItem
from autolearn.core.settings import StudySettings
from autolearn.handlers.asked_before import AskedBefore
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts
from autolearn.study.loop import Study
from tests.support.scripted_backend import ScriptedBackend
from tests.support.texts import put_passages

NAMES = [f"Town{i}" for i in range(8)]


def fact(name):
    return f"Ida founded {name} in 1711."


def script(request):
    """Asks about each town, knows none, and rewords in three ways."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    town = next(town for town in NAMES if town in user)
    if name == "ask":
        return f"In which year did Ida found {town}?"
    if name == "closed_book":
        return "It was founded in 1699."
    if name == "open_book":
        return f"Evidence: {fact(town)}\nAnswer: {fact(town)}"
    if name == "feedback":
        return "Compared.\nVerdict: incorrect"
    if name == "refine":
        return f"Answer: {fact(town)}"
    return f"When was it that {town} was founded by Ida?\nIda founded {town} when?"


def study(store, **settings):
    run = store.runs.create("study", {})
    study_settings = StudySettings(ask_rounds=1, paraphrases=2, **settings)
    backend = ScriptedBackend(script)
    journal = store.journal(run.id)
    one = Study(backend, journal, study_settings, lambda: False, lambda *counts: None)
    one.asked_before = AskedBefore(store)
    one.run(store.library.passages())
    return run.id


@pytest.fixture
def texts(store):
    return put_passages(store, "towns.txt", [fact(name) for name in NAMES])


def quiz(store):
    return [q.text for q in store.library.questions(QuestionFilter(split="quiz"))]


def test_the_same_study_twice_gives_the_same_quiz_once(store, texts):
    study(store, quiz_share=0.5)
    first = quiz(store)
    assert 0 < len(first) < len(NAMES)
    study(store, quiz_share=0.5)
    study(store, quiz_share=0.5)
    assert quiz(store) == first
    assert len(store.samples.find(SampleFilter())) == 3 * len(NAMES)


def test_a_trained_question_never_becomes_quiz_however_a_later_study_words_it(
    store, texts
):
    study(store, quiz_share=0.0)
    trained_texts = [
        TrainItem("sft", prompts.load("closed_book").render(question=text).chat, "x")
        for town in NAMES
        for text in (
            f"when was it that {town} was founded by Ida",
            f"Ida founded {town} when???",
        )
    ]
    run = store.runs.create("train", {})
    identity = ScriptedBackend([]).identity
    store.rounds.create(
        Round("join", run.id, {}, identity, state="rolled_back"), trained_texts
    )
    study(store, quiz_share=1.0)
    assert quiz(store) == []


def test_a_question_of_an_imported_quiz_is_not_studied_in_other_words(store, texts):
    gold = [
        Question(f"Ida founded {town} when?", "quiz", "gold", gold_answer="1711")
        for town in NAMES
    ]
    store.library.add_questions(gold)
    study(store, quiz_share=0.0)
    wordings = store.library.questions(QuestionFilter(origin="paraphrase"))
    assert {q.text for q in wordings} == {
        f"When was it that {town} was founded by Ida?" for town in NAMES
    }
    assert {q.split for q in wordings} == {"study"}


def test_only_new_questions_are_read_for_each_group(store, texts, monkeypatch):
    study(store, quiz_share=0.5)
    asked_before, text = AskedBefore(store), f"In which year did Eva found {NAMES[0]}?"
    assert not asked_before().by_study(text)
    later = [Question(text, "study", "model"), Question("Who is Eva?", "quiz", "gold")]
    store.journal(store.runs.create("study", {}).id).step("later", lambda: later)
    reads, read = [], store.library.questions

    def counted(criteria):
        reads.append(read(criteria))
        return reads[-1]

    monkeypatch.setattr(store.library, "questions", counted)
    earlier = asked_before()
    assert earlier.by_study(text)
    assert earlier.by_quiz("Who is Eva?")
    assert sorted(map(len, reads)) == [0, 1, 1]
