"""A workspace of the first release opens, and its owner goes on from study to round."""

import json
from typing import Any

import pytest

from autolearn.core.records import Decision
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.handlers import study_run
from autolearn.models import files as model_files
from autolearn.runs.context import RunContext
from autolearn.services import actions, review_actions
from autolearn.services.review_actions import ReviewQueue
from autolearn.store import SampleFilter, Store
from tests.support import old_runs, rounds
from tests.support.rounds import Learner
from tests.support.scripted_backend import ScriptedStudyBackend

TEXTS = ("Ida founded Avel in 1711.\n", "Ida founded Brin in 1712.\n")
QUESTION = "When did Ida found Avel?"
MODEL = {"model": "built-in", "quantization": "nf4", "round_id": None}
ADAPTER = "adapters/round-1"
DIGEST = rounds.own_digest()
IDENTITY = {"name": "built-in", "digest": DIGEST, "quantization": "nf4"}
SETTINGS = {"model": MODEL, "model_digest": DIGEST}
STUDY = {"questions_per_passage": 6, "ask_rounds": 4, "answer_tokens": 96}
TRAIN = {"method": "join", "rank": 32, "alpha": 64, "epochs": 8, "max_steps": 0}
SAMPLE = {
    "question_id": 1,
    "prompt": QUESTION,
    "rejected": "In 1699.",
    "gap": 1,
    "gap_probability": 0.9,
    "passage_id": 1,
    "open_answer_id": 2,
    "closed_answer_id": 1,
    "critique_id": 1,
    "run_id": 1,
}
ANSWER = {"question_id": 1, "evidence": "", "sample_index": 0, "flags": []}
ROWS: dict[str, list[dict[str, Any]]] = {
    "runs": [
        {"kind": "study", "state": "done", "settings": SETTINGS | {"study": STUDY}},
        {"kind": "train", "state": "done", "settings": SETTINGS | {"train": TRAIN}},
    ],
    "documents": [
        {
            "name": "towns.txt",
            "text": "".join(TEXTS),
            "digest": "0123",
            "media_type": "text/plain",
        }
    ],
    "passages": [
        {
            "document_id": 1,
            "position": i,
            "start": i * len(TEXTS[0]),
            "end": i * len(TEXTS[0]) + len(text),
            "text": text,
            "n_tokens": 6,
            "heading": "",
            "excluded": 0,
        }
        for i, text in enumerate(TEXTS)
    ],
    "questions": [
        {
            "text": QUESTION,
            "split": "study",
            "origin": "model",
            "passage_id": 1,
            "flags": [],
            "run_id": 1,
        }
    ],
    "answers": [
        ANSWER | {"kind": "closed_book", "text": "In 1699."},
        ANSWER | {"kind": "open_book", "text": "In 1711.", "start": 0, "end": 25},
    ],
    "feedback": [
        {
            "answer_id": 1,
            "purpose": "critique",
            "text": "Compared.\nVerdict: incorrect",
            "verdict": "incorrect",
            "probability": 0.1,
            "reference_id": 2,
        }
    ],
    "samples": [
        SAMPLE | {"chosen": "In 1711.", "state": "approved", "flags": []},
        SAMPLE | {"chosen": "Soon.", "state": "pending", "flags": ["strays"]},
    ],
    "decisions": [
        {
            "sample_id": 1,
            "action": "approve",
            "author": "person",
            "reason": "",
            "before": {"state": "pending"},
            "after": {"state": "approved"},
            "batch": 1,
        }
    ],
    "rounds": [
        {
            "method": "join",
            "run_id": 2,
            "settings": SETTINGS | {"train": TRAIN},
            "model": IDENTITY | {"dtype": "bfloat16", "device": "cpu"},
            "state": "kept",
            "adapter": ADAPTER,
            "n_steps": 8,
            "scores": {"quiz_closed_book": {"n": 1, "right": 1.0}},
        }
    ],
    "round_items": [
        {
            "round_id": 1,
            "position": 0,
            "kind": "sft",
            "chat": [{"role": "user", "content": QUESTION}],
            "chosen": "In 1711.",
            "weight": 1.0,
            "sample_id": 1,
        }
    ],
}
"""The rows as the first release wrote them, by table; lists and dicts as JSON."""


@pytest.fixture
def old_store(workspace):
    """The store of such a workspace, opened by this version."""
    db = old_runs.old_database(workspace, "m002_imagined")
    for table, rows in ROWS.items():
        for row in rows:
            values = {
                name: json.dumps(value) if isinstance(value, dict | list) else value
                for name, value in row.items()
            }
            db[table].insert(values)
    db.execute("INSERT INTO samples_search (samples_search) VALUES ('rebuild')")
    db.conn.commit()
    db.close()
    (workspace / ADAPTER).mkdir(parents=True)
    for name in model_files.ADAPTER_FILES:
        (workspace / ADAPTER / name).write_text("{}")
    with Store.open(workspace) as store:
        yield store


class Studying(ScriptedStudyBackend):
    """Asks about each town, knows none, and reads well."""

    def __init__(self):
        super().__init__(self.written)

    def written(self, request):
        name, user = request.prompt.name, request.prompt.chat[-1].content
        town, year = ("Brin", 1712) if "Brin" in user else ("Avel", 1711)
        fact = f"Ida founded {town} in {year}."
        verdict = "incorrect" if "1699" in user else "correct"
        texts = {
            "ask": f"In which year did Ida found {town}?",
            "open_book": f"Evidence: {fact}\nAnswer: {fact}",
            "closed_book": "It was founded in 1699.",
            "feedback": f"Compared.\nVerdict: {verdict}",
            "refine": f"Answer: {fact}",
        }
        return texts.get(name, f"When was {town} founded by Ida?")


def study(store):
    """Queue a study as a person does, and let a scripted model do it."""
    settings = StudySettings(ask_rounds=1, paraphrases=1, quiz_share=0.0)
    run = actions.study(store, ModelSettings(), settings)
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    result = study_run.study(context, Studying())
    store.runs.finish(run.id, "done", result=result.as_dict())
    return run


def test_its_texts_and_samples_are_found(old_store):
    assert [d.name for d in old_store.library.documents()] == ["towns.txt"]
    assert [p.text for p in old_store.library.passages()] == list(TEXTS)
    assert [p.id for p in old_store.library.find_passages("founded Brin", 9)] == [2]
    (old,) = old_store.samples.find(SampleFilter(flag="contradicts_open_book"))
    assert (old.id, old.chosen) == (2, "Soon.")
    view = old_store.samples.view(1)
    assert [answer.text for answer in view.answers] == ["In 1699.", "In 1711."]
    assert view.passage.text == TEXTS[0]
    assert [s.id for s in old_store.samples.find(SampleFilter(text="1711"))] == [1]


def test_it_is_studied_reviewed_and_trained_further(old_store):
    store = old_store
    run = study(store)
    new = store.samples.find(SampleFilter(run_id=run.id))
    assert [s.passage_id for s in new] == [1, 2]

    queue = ReviewQueue(SampleFilter(state="pending"), "doubt")
    assert queue.next(store) == 2, "the old sample has the flag that counts as a doubt"
    review_actions.decide(store, [2], "reject", "says nothing")
    assert store.samples.counts()["rejected"] == 1
    review_actions.undo(store, 0)
    assert actions.approve(store, "default") == len(new)

    training = actions.train(
        store, ModelSettings(), TrainSettings(validation_share=0.0), parent_id=1
    )
    learner = Learner()
    result = rounds.train(store, training, learner)
    trained = {item.sample_id for item in learner.items if item.teaches}
    assert trained == {1, *(sample.id for sample in new)}
    assert learner.n("replay")
    round_ = store.rounds.get(result.round)
    assert (round_.parent_id, round_.state) == (1, "trained")
    assert [r.method for r in store.rounds.lineage(round_.id)] == ["refined_sft"] * 2


def test_a_decision_of_then_is_undone(old_store):
    assert old_store.decisions.last().sample_id == 1
    review_actions.undo(old_store, 0)
    assert old_store.samples.find()[0].state == "pending"
    old_store.decisions.decide([Decision(1, "approve", "person")])
    assert old_store.samples.counts()["approved"] == 1
