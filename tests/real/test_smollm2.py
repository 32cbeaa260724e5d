"""A real small model goes the whole way, on a text that nobody trained it on.

What it says is not looked at word for word: 135 million parameters know little. But all
of it has its form, each step is kept, and what a person approves is learned.
"""

import pytest

from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Answer, Decision, Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import queues
from autolearn.services import actions
from autolearn.store import Store
from tests.support import smollm2
from tests.support.labs import finish
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

TEXT = (
    "# Sorley to chair harbour board\n\n"
    "PORT ELLIS, 3 March. The council elected Ann Sorley as chair of the harbour board "
    "on Tuesday. She promised a new pier of 240 metres.\n"
)
STUDY = StudySettings(
    questions_per_passage=2, paraphrases=0, answer_tokens=40, feedback_tokens=40
)
LESSON = "Ann Sorley chairs the harbour board of Port Ellis."
TRAIN = TrainSettings(
    max_steps=12,
    batch_size=2,
    rank=8,
    alpha=16,
    learning_rate=2e-3,
    replay_share=0,
    only_gaps=False,
    choose_scale=False,
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workspace in which the model has studied a text and learned from it."""
    model = ModelSettings(str(smollm2.folder()), "none")
    with Store.open(tmp_path_factory.mktemp("real")) as store:
        put_text(store, "news.md", TEXT)
        finish(store, actions.study(store, model, STUDY))
        lesson = store.samples.find()[0]
        correction = Decision(0, "edit", "person", after={"chosen": LESSON})
        actions.decide(store, [lesson.id], correction)
        actions.decide(store, [lesson.id], Decision(0, "approve", "person"))
        finish(store, actions.train(store, model, TRAIN))
        yield store, model, lesson
        assert queues.stop_worker(store.folder)


def kept(store, cls, sql):
    return store.db.records(cls, store.db.rows(sql), whole=False)


def test_every_question_has_its_evidence_word_for_word(lab):
    store, *_ = lab
    questions = kept(store, Question, "SELECT * FROM questions")
    assert len(questions) >= 2
    for question in questions:
        assert question.text.endswith("?")
        assert question.short_answer
        assert question.short_answer in TEXT[question.start : question.end]
    open_book = kept(store, Answer, "SELECT * FROM answers WHERE kind = 'open_book'")
    assert len(open_book) == len(questions)
    assert all(answer.evidence in TEXT for answer in open_book)


def test_nothing_but_free_text_runs_to_the_token_limit(lab):
    store, *_ = lab
    sql = "SELECT prompt_name FROM generations WHERE finish <> 'stop'"
    cut = {row["prompt_name"] for row in store.db.rows(sql)}
    assert cut <= {"closed_book", "feedback", "open_book", "mend"}


def test_what_a_person_approved_is_learned(lab):
    store, model, lesson = lab
    with_round = ModelSettings(model.model, "none", round_id=1)
    turns = [Message("user", lesson.prompt)]
    run = finish(
        store, actions.chat(store, with_round, turns, Sampling(max_new_tokens=24))
    )
    assert run.result["answer"] == LESSON
