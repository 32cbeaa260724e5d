"""Questions that a person types, and those taken out of quiz and control."""

import pytest

from autolearn.core.errors import InputError
from autolearn.core.gold import GoldQuestion
from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.records import Round, TrainItem
from autolearn.evaluation import quiz_sets, quiz_versions
from autolearn.rounds import corpora
from autolearn.services import gold_actions, quiz_actions
from autolearn.store import QuestionFilter
from autolearn.ui.views import quiz_questions as views
from tests.support.texts import put_passages


@pytest.fixture
def passages(store):
    texts = ["Avel was founded in 1711.", "Ada Lum leads Boro since 1925."]
    return put_passages(store, "towns.md", texts)


def typed(store, question="Who leads Boro?", answer="Ada Lum", split="quiz"):
    return gold_actions.add_question(store, question, answer, split)


def asked(store, split="quiz"):
    return [q.question.text for q in quiz_sets.questions(store, split)]


def test_a_typed_question_belongs_to_the_passage_that_holds_its_answer(store, passages):
    assert typed(store).passage_id == passages[1].id
    founded = typed(store, "When was  Avel\nfounded?", "in 1711")
    assert (founded.text, founded.passage_id) == (
        "When was Avel founded?",
        passages[0].id,
    )
    assert typed(store, "How many lead Boro?", "three").passage_id is None
    assert typed(store, "Who leads Boro?", "Ada Lum", "control").split == "control"
    assert len(asked(store)) == 3
    assert asked(store, "control") == ["Who leads Boro?"]


@pytest.mark.parametrize(("question", "answer"), [("", "Ada"), ("Who?", " "), ("", "")])
def test_an_incomplete_question_is_refused(store, question, answer):
    with pytest.raises(InputError, match="question and its answer"):
        typed(store, question, answer)
    assert not asked(store)


def test_a_question_that_a_round_was_trained_on_is_refused(store):
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", "d", "nf4", "", "")
    chat = (Message("user", "Who leads Boro?"),)
    store.rounds.create(
        Round("join", run.id, {}, identity, state="trained"),
        [TrainItem("sft", chat, "Ada does.")],
    )
    with pytest.raises(InputError, match="in other words"):
        typed(store, "who leads BORO")
    assert not asked(store)


def test_an_excluded_question_is_not_asked_and_can_be_corrected(store, passages):
    wrong = typed(store, answer="Ida Lum")
    with pytest.raises(InputError, match="asked already"):
        typed(store, "Who leads  boro?")
    quiz_actions.set_excluded(store, wrong.id, excluded=True)
    assert not asked(store)
    right = typed(store)
    assert (right.id != wrong.id, asked(store)) == (True, ["Who leads Boro?"])
    quiz_actions.set_excluded(store, right.id, excluded=True)
    assert typed(store).id == right.id  # the same one is asked again
    assert asked(store) == ["Who leads Boro?"]


def test_a_file_that_is_added_again_leaves_excluded_questions_out(store):
    gold = [GoldQuestion("Who leads Boro?", "Ada Lum")]
    assert gold_actions.add_gold_questions(store, gold, "quiz").n_in_set == 1
    (question,) = store.library.questions(QuestionFilter(split="quiz"))
    quiz_actions.set_excluded(store, question.id, excluded=True)
    assert gold_actions.add_gold_questions(store, gold, "quiz").n_in_set == 0
    assert not asked(store)


def test_an_excluded_question_stays_in_earlier_versions_and_is_never_trained(store):
    question = typed(store)
    version = quiz_versions.freeze(store)
    quiz_actions.set_excluded(store, question.id, excluded=True)
    frozen = quiz_versions.frozen_questions(store, version, "quiz")
    assert [q.question.id for q in frozen] == [question.id]
    assert quiz_sets.asked(store, "quiz", [question.id])
    assert corpora.quiz_questions(store) == [question.text]
    assert not quiz_versions.freeze(store).questions


def test_a_locked_quiz_neither_takes_nor_loses_a_question(store):
    question = typed(store)
    quiz_actions.set_locked(store, locked=True)
    with pytest.raises(InputError, match="is locked"):
        typed(store, "When was Avel founded?", "1711")
    with pytest.raises(InputError, match="is locked"):
        quiz_actions.set_excluded(store, question.id, excluded=True)
    assert asked(store) == [question.text]


def test_questions_are_listed_and_found_by_their_words(store, passages):
    assert "No question yet" in views.draw(store, "")
    first = typed(store, "Who leads <b>Boro</b>?")
    typed(store, "When was Avel founded?", "1711")
    quiz_actions.set_excluded(store, first.id, excluded=True)
    listing = views.draw(store, "")
    assert "Gold quiz: 1 question, 1 excluded" in listing
    assert "&lt;b&gt;Boro" in listing
    assert "towns.md" in listing
    assert listing.index("Avel") < listing.index("Boro")
    found = views.draw(store, "AVEL 17")
    assert "Avel" in found
    assert "Boro" not in found
    assert "No question or answer" in views.draw(store, "Cato")


def test_a_long_quiz_is_cut_and_its_questions_are_found(store):
    questions = [GoldQuestion(f"Who leads town {n}?", f"Ada {n}") for n in range(60)]
    gold_actions.add_gold_questions(store, questions, "quiz")
    listing = views.draw(store, "")
    assert "Gold quiz: 60 questions" in listing
    assert f"{60 - views.LIMIT} more" in listing
    assert "town 5?" not in listing
    assert "town 5?" in views.draw(store, "town 5")
