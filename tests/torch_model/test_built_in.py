"""The built-in model with texts that no generator made."""

import json
import random
import tomllib
from pathlib import Path

import pytest

from autolearn.core.model_calls import Message
from autolearn.core.records import Answer, Passage, Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.demo.library import make_library
from autolearn.demo.sums import problem
from autolearn.demo.world import World, grammar
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models import files as model_files
from autolearn.services import actions, gold_actions
from autolearn.store import Store
from autolearn.study.answers import open_book
from autolearn.study.generation import Generator, of_type
from autolearn.text import matching
from tests.support.labs import finish_here
from tests.support.texts import put

pytestmark = pytest.mark.torch_model

PASSAGES = tomllib.loads(Path(__file__).with_name("passages.toml").read_text())
READ = 0.9
"""Share that is read right; nine in ten is the aim."""
EDITS = {"person": "Marta Kolbin", "year": "1366"}
"""What a person writes into a text of the library, by type of the fact."""


@pytest.fixture(scope="module")
def built_in():
    return HuggingFaceBackend.load(ModelSettings(), model_files.BUILT_IN)


@pytest.fixture
def writer(built_in):
    return Generator(built_in, StudySettings(), lambda: False, lambda share: None)


def test_each_question_of_a_conversation_is_answered_independently(built_in):
    question = Message("user", "Who leads Narrow Hill?")
    earlier = (
        Message("user", "Who taught Orvan Lelk?"),
        Message("assistant", "Orvan Lelk was taught by Mirin Dosk."),
    )
    chat = built_in._lm.chat
    assert chat.prompt((*earlier, question)) == chat.prompt((question,))


def test_the_built_in_model_answers_from_hand_written_passages(writer):
    rows = PASSAGES["passage"]
    passages = {
        i: Passage(1, i, 0, len(row["text"]), row["text"].strip(), 1, id=i)
        for i, row in enumerate(rows)
    }
    cases = [
        (Question(text, "study", "person", passage_id=i, id=100 * i + k), value)
        for i, row in enumerate(rows)
        for k, (text, value) in enumerate(row["questions"])
    ]
    records = open_book(writer, [question for question, _ in cases], passages)
    texts = {answer.question_id: answer.text for answer in of_type(Answer, records)}
    wrong = [
        (question.text, value, texts.get(question.id))
        for question, value in cases
        if not matching.contains(texts.get(question.id, ""), value)
    ]
    assert len(passages) == 10
    assert len(wrong) <= (1 - READ) * len(cases), wrong


def test_an_edited_fact_becomes_a_gap_and_is_learned_in_new_wordings(tmp_path):
    library = make_library(0)
    kinds = {
        f"{row.kind}.{row.key}": row.type
        for rows in grammar().attributes.values()
        for row in rows
    }
    edits = {}
    for type_, value in EDITS.items():
        item = next(q for q in library.quiz if kinds[q.attribute] == type_)
        edits[item] = value
    texts = dict(library.documents)
    for item, value in edits.items():
        assert texts[item.document].count(item.value) == 1
        texts[item.document] = texts[item.document].replace(item.value, value)
    with Store.open(tmp_path / "lab") as store:
        paths = []
        for name in sorted({item.document for item in edits}):
            paths.append(tmp_path / name)
            paths[-1].write_text(texts[name])
        put(store, *paths)
        gold_actions.add_gold(
            store, written_copy(tmp_path / "quiz.jsonl", edits), "quiz"
        )

        before = finish_here(store, actions.quiz(store, ModelSettings()))
        finish_here(store, actions.study(store, ModelSettings(), StudySettings()))
        for value in edits.values():
            samples = [s for s in store.samples.find() if value in s.chosen]
            assert any(s.gap for s in samples), value
        actions.approve(store, "default")
        round_id = finish_here(
            store, actions.train(store, ModelSettings(), TrainSettings(max_steps=60))
        ).result["round"]
        after = finish_here(
            store, actions.quiz(store, ModelSettings(round_id=round_id))
        )
        assert n_right(store, before) == [False, False]
        # The wordings that the study itself keeps for the quiz come after these two.
        assert n_right(store, after)[:2] == [True, True]


def test_word_problems_are_corrected_by_the_feedback_of_the_model(tmp_path):
    """A round of self-evolution (arXiv 2310.00533) on the skill where it is weak."""
    rng = random.Random("instructions")
    problems = [problem(World(rng, held_out=True)) for _ in range(20)]
    solutions = {
        problem.question: problem.answer(problem.steps) for problem in problems
    }
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n".join(json.dumps(question) for question in solutions))
    with Store.open(tmp_path / "lab") as store:
        assert gold_actions.add_instructions(store, file) == len(solutions)
        run = actions.study(
            store, ModelSettings(), StudySettings(), [], instructions=True
        )
        finish_here(store, run)
        samples = store.samples.find()
        assert len(samples) == len(solutions)
        before = sum(s.rejected == solutions[s.prompt] for s in samples)
        after = sum(s.chosen == solutions[s.prompt] for s in samples)
        assert before <= 0.6 * len(samples) <= 0.9 * len(samples) <= after
        actions.approve(store, "default")
        approved_samples = [s for s in store.samples.find() if s.state == "approved"]
        assert len(approved_samples) >= 0.3 * len(samples)
        training = finish_here(
            store,
            actions.train(
                store, ModelSettings(), TrainSettings(method="self", max_steps=4)
            ),
        )
        assert training.result["samples"] == len(approved_samples)


def written_copy(path, edits):
    """Return the path of a quiz on edited facts, in wordings that nothing trains."""
    rows = [
        {
            "question": item.question,
            "answer": item.answer.replace(item.value, value),
            "value": value,
            "document": item.document,
        }
        for item, value in edits.items()
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def n_right(store, run):
    return [bool(result.right) for result in store.runs.quiz_results(run.id)]
