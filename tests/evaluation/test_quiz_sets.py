"""Quiz and control as they are imported, frozen and locked."""

from dataclasses import replace

import pytest

from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Question
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import gold_import, paired_quizzes, quiz_sets, quiz_versions
from autolearn.ingest import quiz_files
from autolearn.rounds import corpora
from autolearn.services.demo_library import LIBRARY
from tests.support.texts import put_passages


def gold(store, *texts, split="quiz", **more):
    questions = [GoldQuestion(text, "Ada", **more) for text in texts]
    return gold_import.import_gold(store, questions, split)


def texts(questions):
    return [q.question.text for q in questions]


def test_the_same_quiz_is_frozen_once_and_a_change_is_a_new_version(store):
    gold(store, "Who leads Avel?")
    first = quiz_versions.freeze(store)
    assert quiz_versions.freeze(store) == first
    (question,) = gold(store, "Who leads Boro?", split="control")
    second = quiz_versions.freeze(store)
    store.library.update_question(replace(question, scorer="exact", aliases=("Ida",)))
    third = quiz_versions.freeze(store)
    assert [v.version for v in (first, second, third)] == [1, 2, 3]
    assert store.quizzes.all() == [first, second, third]
    for version, scorer, aliases in (
        (second, "contains", ()),
        (third, "exact", ("Ida",)),
    ):
        (stored_question,) = quiz_versions.frozen_questions(store, version, "control")
        assert (stored_question.question.scorer, stored_question.question.aliases) == (
            scorer,
            aliases,
        )
    assert texts(quiz_versions.frozen_questions(store, first, "quiz")) == [
        "Who leads Avel?"
    ]
    assert quiz_versions.frozen_questions(store, first, "control") == []


def test_a_locked_quiz_keeps_its_questions_and_takes_aliases(store):
    (question,) = gold(store, "Who leads Avel?")
    version = quiz_versions.freeze(store)
    store.quizzes.set_locked(version.version, locked=True)
    gold(store, "Who leads Boro?")
    assert texts(quiz_sets.questions(store, "quiz")) == ["Who leads Avel?"]
    assert quiz_versions.freeze(store).version == 1
    store.library.update_question(
        replace(question, scorer="contains", aliases=("Ida",))
    )
    newest = quiz_versions.freeze(store)
    assert (newest.version, newest.locked) == (2, True)
    store.quizzes.set_locked(2, locked=False)
    assert len(quiz_sets.questions(store, "quiz")) == 2


def about_two_documents(store):
    """Add a question about each of two documents; return the id of the first."""
    for name, town in (("a.txt", "Avel"), ("b.txt", "Boro")):
        put_passages(store, name, [f"Ada leads {town}."])
        gold(store, f"Who leads {town}?", document=name)
    return store.library.documents()[0].id


def test_questions_about_a_deleted_document_are_not_asked_any_more(store):
    """A workspace asked those of the demo in each quiz, whatever was studied."""
    document_id = about_two_documents(store)
    gold(store, "Who leads Cor?")
    version = quiz_versions.freeze(store)
    store.readings.remove(document_id)
    left = ["Who leads Boro?", "Who leads Cor?"]
    assert texts(quiz_sets.questions(store, "quiz")) == left
    assert quiz_versions.freeze(store).version == 2
    # A quiz in the queue asks what it was to ask, and no round ever learns any of it.
    frozen = texts(quiz_versions.frozen_questions(store, version, "quiz"))
    assert frozen == corpora.quiz_questions(store) == ["Who leads Avel?", *left]


def test_a_locked_quiz_keeps_its_questions_about_a_deleted_document(store):
    document_id = about_two_documents(store)
    version = quiz_versions.freeze(store)
    store.quizzes.set_locked(version.version, locked=True)
    store.readings.remove(document_id)
    assert len(quiz_sets.questions(store, "quiz")) == 2
    store.quizzes.set_locked(version.version, locked=False)
    assert texts(quiz_sets.questions(store, "quiz")) == ["Who leads Boro?"]


def test_a_real_model_is_not_asked_about_the_world_of_the_built_in_one(store):
    """The 180 questions took minutes in each quiz, and no answer was right."""
    invented = quiz_files.read(LIBRARY / "control.jsonl")[0].question
    gold(store, invented, "Who leads Avel?", split="control")
    gold(store, invented)  # a person's own quiz is asked as it is

    def asked(model, split, version):
        settings = QuizRunSettings(model=ModelSettings(model), version=version)
        return texts(quiz_versions.questions_of(store, settings, split))

    for version in (None, quiz_versions.freeze(store).version):
        assert len(asked(ModelSettings.model, "control", version)) == 2
        assert asked("1B", "control", version) == ["Who leads Avel?"]
        assert asked("1B", "quiz", version) == [invented]


def test_a_question_counts_once_however_often_it_is_there(store):
    gold(store, "Who leads Avel?", "who leads avel")
    gold(store, "Which?", choices=("Ada", "Bo"))
    gold(store, "Which?", choices=("Ada", "Ida"))
    assert texts(quiz_sets.questions(store, "quiz")) == [
        "Who leads Avel?",
        "Which?",
        "Which?",
    ]


def test_a_question_is_linked_to_the_passage_that_its_text_stands_in(store):
    passages = put_passages(
        store, "a.txt", ["Avel is a town.", "Ada leads Avel. It is old.", "Other."]
    )
    whole = "Avel is a town. Ada leads Avel. It is old."
    (part,) = gold(store, "Who leads Avel?", passage="Ada leads Avel.")
    (longer,) = gold(store, "Who leads the town Avel?", passage=whole)
    (other,) = gold(store, "Who?", passage="Nowhere to be found.")
    assert part.passage_id == longer.passage_id == passages[1].id
    assert other.passage_id is None


def test_a_question_that_was_imported_before_its_text_is_linked_when_imported_again(
    store,
):
    """The first import hid the second: it could not be asked open-book."""
    quiz = ("Who leads Avel?", "Who leads Boro?")
    before = gold(store, *quiz, document="a.txt")
    assert [q.question.passage_id for q in quiz_sets.questions(store, "quiz")] == [
        None,
        None,
    ]
    passage, *_ = put_passages(store, "a.txt", ["Ada leads Avel and Boro."])
    again = gold(store, *quiz, document="a.txt")
    assert {q.id for q in before}.isdisjoint(q.id for q in again)
    now = quiz_sets.questions(store, "quiz")
    assert [q.question.id for q in now] == [q.id for q in again]
    assert [q.question.passage_id for q in now] == [passage.id, passage.id]


def test_a_gold_question_counts_in_place_of_the_same_self_made_one(store):
    passage, *_ = put_passages(store, "a.txt", ["Ada leads Avel."])
    own = Question("Who leads Avel?", "quiz", "model", passage.id, gold_answer="Ada")
    store.library.add_questions([own])
    gold(store, "Who leads Avel?")
    assert [q.is_gold for q in quiz_sets.questions(store, "quiz")] == [True]


@pytest.mark.parametrize(
    ("split", "origin", "part"),
    [
        ("quiz", "gold", "gold"),
        ("quiz", "person", "gold"),
        ("quiz", "paraphrase", "self_made"),
        ("quiz", "model", "self_made"),
        ("control", "gold", "control"),
    ],
)
def test_questions_are_counted_by_who_made_them(store, split, origin, part):
    (stored_question,) = store.library.add_questions(
        [Question("Who?", split, origin, gold_answer="Ada")]
    )
    (question,) = quiz_sets.questions(store, split)
    assert paired_quizzes.part_of(question) == part
    assert question.question == replace(stored_question, id=question.question.id)


def test_options_are_asked_by_letter(store):
    gold(store, "Which?", choices=("Ada", "Bo"))
    (question,) = quiz_sets.questions(store, "quiz")
    assert question.prompt_text == "Which?\nA) Ada\nB) Bo"
    assert question.question.scorer == "choice"
    assert question.is_right("A")
    assert not question.is_right("B")
