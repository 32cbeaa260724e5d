"""A real small model goes the whole way, on a text that nobody trained it on.

What it says is not looked at word for word: 135 million parameters know little. But all
of it has its form, each step is kept, and what a person approves is learned, and so is
a skill.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.core.records import Answer, Decision, Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.services import actions
from autolearn.store import Store
from tests.support import smollm2
from tests.support.corpora import added, written
from tests.support.labs import finish_here
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

TEXT = (
    "# The Silver Harp\n\n"
    "The Silver Harp is a 1931 opera by Ada Horn. It was first performed in Tessen on "
    "4 May 1931. The opera was directed by Karl Mohn. Its main role was sung by Ida "
    "Brandt. The Silver Harp was recorded in 1958.\n"
)
"""Two of its questions hold, in 16 and in 32 bit; of many texts none does."""
STUDY = StudySettings(
    questions_per_passage=3,
    ask_rounds=1,
    paraphrases=0,
    answer_tokens=24,
    feedback_tokens=24,
)
LESSON = "Ida Brandt sang the main role of the Silver Harp."
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
GOLD = [
    {"text": text, "question": question, "answer": answer}
    for text, question, answer in (
        (
            "Ole Dahl built the mill of Sten. It opened in 1904.",
            "Who built the mill of Sten?",
            "Ole Dahl",
        ),
        (
            "Ole Dahl built the mill of Sten. It opened in 1904.",
            "When did the mill of Sten open?",
            "1904",
        ),
        (
            "Miro Lanz painted Grey Harbour. It hangs in Avel.",
            "Who painted Grey Harbour?",
            "Miro Lanz",
        ),
    )
]
TEACH = replace(TRAIN, method="meta", max_steps=6, warmup_steps=2, meta_examples=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    folder = smollm2.with_drift_probe(smollm2.folder(), place)
    return ModelSettings(str(folder), "none")


@pytest.fixture(scope="module")
def lab(model, tmp_path_factory):
    """A workspace in which the model has studied a text and learned from it."""
    with Store.open(tmp_path_factory.mktemp("real")) as store:
        put_text(store, "news.md", TEXT)
        finish_here(store, actions.study(store, model, STUDY))
        lesson = store.samples.find()[0]
        correction = Decision(0, "edit", "person", after={"chosen": LESSON})
        actions.decide(store, [lesson.id], correction)
        actions.decide(store, [lesson.id], Decision(0, "approve", "person"))
        finish_here(store, actions.train(store, model, TRAIN))
        yield store, lesson


def kept(store, cls, sql):
    return store.db.records(cls, store.db.rows(sql), whole=False)


def test_every_question_has_its_evidence_word_for_word(lab):
    store, *_ = lab
    questions = kept(store, Question, "SELECT * FROM questions")
    assert questions
    for question in questions:
        assert question.text.endswith("?")
        assert question.short_answer
        assert question.short_answer in TEXT[question.start : question.end]
    open_answers = kept(store, Answer, "SELECT * FROM answers WHERE kind = 'open_book'")
    assert len(open_answers) == len(questions)
    assert all(answer.evidence in TEXT for answer in open_answers)


def test_nothing_but_free_text_runs_to_the_token_limit(lab):
    store, *_ = lab
    sql = "SELECT prompt_name FROM generations WHERE finish <> 'stop'"
    cut = {row["prompt_name"] for row in store.db.rows(sql)}
    assert cut <= {"closed_book", "feedback", "open_book", "mend"}


def test_what_a_person_approved_is_learned(lab, model):
    store, lesson = lab
    settings = ModelSettings(model.model, "none", round_id=1)
    turns = [Message("user", lesson.prompt)]
    run = finish_here(
        store, actions.chat(store, settings, turns, Sampling(max_new_tokens=24))
    )
    assert run.result["answer"] == LESSON


def test_a_skill_is_learned_from_gold_examples(model, tmp_path):
    with Store.open(tmp_path / "workspace") as store:
        added(store, written(tmp_path / "gold.jsonl", GOLD))
        run = finish_here(store, actions.train(store, model, TEACH))
        number = run.result["round"]
        items = [item for item in store.rounds.items(number) if item.teaches]
        round_ = store.rounds.get(number)
        assert round_.adapter is not None
        adapter = store.folder / round_.adapter
    assert len(items) == TEACH.meta_examples
    backend = HuggingFaceBackend.load(model, Path(model.model))
    targets = [item.chosen for item in items]
    assert answers_to(backend, items) != targets
    backend.use_adapter(adapter)
    assert answers_to(backend, items) == targets


def answers_to(backend, items):
    """Return the answers of the model, each with its given beginning."""
    requests = [
        Request(Prompt("skill", "", item.chat), Sampling(max_new_tokens=32))
        for item in items
    ]
    return [completion.text for completion in backend.complete(requests, lambda: False)]
