"""Corpora in the library, and what a round is taught from them."""

import re
from dataclasses import replace

import pytest
import sqlite_utils

from autolearn.core.errors import InputError, JobError, ModelNotFound
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.ports import Cancelled
from autolearn.core.records import Question
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.demo import gold_examples
from autolearn.handlers import round_training
from autolearn.ingest import corpus_import, importer
from autolearn.metaskills import items
from autolearn.runs.context import RunContext
from autolearn.services import actions, corpus_actions
from autolearn.services.actions import TrainSources
from autolearn.store import Store, layout
from autolearn.store.migrations import MIGRATIONS
from tests.support.corpora import added, rows, take, written
from tests.support.rounds import Learner, approve
from tests.support.texts import put_text

META = TrainSettings(method="meta", replay_share=0.0, meta_examples=40)


def train(store, run):
    learner = Learner()
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    result = round_training.train(context, learner)
    return learner, result


def test_a_file_becomes_a_corpus_with_its_counts(store, tmp_path):
    path = written(tmp_path / "towns.jsonl", [*rows(), {"text": "x"}])
    result = added(store, path, licence="CC BY-SA 4.0")
    (corpus,) = store.corpora.all()
    assert (corpus.name, corpus.kind, corpus.licence) == (
        "towns.jsonl",
        "pairs",
        "CC BY-SA 4.0",
    )
    assert (corpus.n_examples, corpus.n_texts, corpus.n_refused) == (30, 30, 1)
    assert result.refusals == ("towns.jsonl: Line 31 lacks question.",)
    with pytest.raises(InputError, match="already in the library, as corpus towns"):
        added(store, written(tmp_path / "again.jsonl", rows()))


def test_many_bad_rows_are_named_in_part_and_all_counted(store, tmp_path):
    path = written(tmp_path / "a.jsonl", [*rows(2), *[{"text": "x"}] * 50])
    result = added(store, path)
    assert len(result.refusals) == corpus_import.MOST_NAMED + 1
    assert result.refusals[-1] == "a.jsonl: 30 more rows are like that."
    assert result.n_refused == 50


def test_a_quiz_finds_its_texts_beside_it_and_in_the_library(store, tmp_path):
    put_text(store, "boro.md", "Boro is a town. Bo Lum founded Boro in 1802.")
    (tmp_path / "avel.md").write_text("# Avel\n\nAvel was founded in 1711.\n")
    quiz = [
        {
            "question": f"When was {n} founded?",
            "answer": y,
            "document": f"{n.lower()}.md",
        }
        for n, y in (("Avel", "1711"), ("Boro", "1802"), ("Cado", "1900"))
    ]
    result = added(store, written(tmp_path / "quiz.jsonl", quiz))
    assert result.examples == 2
    assert "'cado.md'" in result.refusals[0]
    texts = [
        example.text for example in store.corpora.sample([1], 9, 0, with_feedback=False)
    ]
    assert any("1711" in text for text in texts)
    assert any("1802" in text for text in texts)


def test_a_corpus_reads_no_file_outside_its_folder(store, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (tmp_path / "own.md").write_text("Avel was founded in 1711.\n")
    (folder / "link.md").symlink_to(tmp_path / "own.md")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    (folder / "GOOD.MD").write_text("Boro was founded in 1802.\n")
    names = ["../own.md", str(tmp_path / "own.md"), "link.md", "a" * 300 + ".md"]
    quiz = [
        {"question": "When was it founded?", "answer": "1711", "document": name}
        for name in [*names, "broken.pdf", "GOOD.MD"]
    ]
    result = added(store, written(folder / "quiz.jsonl", quiz))
    assert (result.examples, len(result.refusals)) == (1, 5)
    assert all("neither next to the file" in why for why in result.refusals[:3])
    assert "'broken.pdf', which cannot be read: broken.pdf " in result.refusals[4]
    (example,) = store.corpora.sample([1], 9, 0, with_feedback=False)
    assert "1802" in example.text


def test_a_long_text_is_cut_to_the_passage_with_the_answer(store, tmp_path):
    long = " ".join(f"The river number {i} is {i} miles long." for i in range(300))
    row = {"text": long, "question": "How long is river 280?", "answer": "280 miles"}
    added(store, written(tmp_path / "a.jsonl", [row]))
    (example,) = store.corpora.sample([1], 9, 0, with_feedback=False)
    assert "280 miles long." in example.text
    assert len(example.text) < len(long) / 3


def test_the_invented_world_is_a_corpus_too(store):
    result = added(store)
    (corpus,) = store.corpora.all()
    assert (corpus.name, corpus.kind) == (gold_examples.NAME, "invented")
    assert result.examples == len(gold_examples.examples())
    assert corpus_actions.ids(store, ["invented"]) == [corpus.id]


def test_an_import_that_was_killed_after_it_was_kept_is_not_refused(store):
    run = corpus_actions.add(store, None, "built-in")
    first = take(store, run)
    assert take(store, run).corpus_id == first.corpus_id


def test_an_import_that_is_stopped_keeps_nothing_and_can_be_resumed(store, tmp_path):
    path = written(tmp_path / "a.jsonl", rows())
    run = corpus_actions.add(store, path, "built-in", is_upload=True)
    with pytest.raises(Cancelled):
        importer.import_(RunContext(store, run, lambda: True, lambda *text: None))
    assert store.corpora.all() == []
    assert take(store, run).examples == 30


def test_an_upload_is_dropped_when_it_has_been_read(store, tmp_path):
    path = written(tmp_path / "a.jsonl", rows())
    run = corpus_actions.add(store, path, "built-in", is_upload=True)
    assert list((store.folder / layout.INCOMING).iterdir())
    take(store, run)
    assert list((store.folder / layout.INCOMING).iterdir()) == []
    assert store.corpora.all()[0].name == "a.jsonl"


def test_an_upload_is_not_copied_if_it_cannot_be_read_then(store, tmp_path):
    """Without the chosen model it was refused, and its copy stayed."""
    path = written(tmp_path / "a.jsonl", rows())
    with pytest.raises(ModelNotFound):
        corpus_actions.add(store, path, "/nowhere", is_upload=True)
    assert list((store.folder / layout.INCOMING).glob("*")) == []


def test_a_round_is_taught_from_the_corpora_and_freezes_its_items(store, tmp_path):
    added(store, written(tmp_path / "towns.jsonl", rows(60)))
    run = actions.train(store, ModelSettings(), META)
    learner, result = train(store, run)
    round_items = store.rounds.items(result.round)
    assert round_items == learner.items
    new_items = [item for item in round_items if item.teaches]
    assert len(new_items) == result.items == META.meta_examples
    assert {items.skill_of(item) for item in new_items} == set(items.SHARES)


def test_corpora_can_be_named_and_left_out(store, tmp_path):
    added(store, written(tmp_path / "towns.jsonl", rows()))
    added(store)
    assert corpus_actions.ids(store) == [1, 2]
    assert corpus_actions.ids(store, ["towns.jsonl"]) == [1]
    store.corpora.set_excluded(1, excluded=True)
    run = actions.train(store, ModelSettings(), META)
    assert run.settings["corpora"] == [2]
    gold = TrainSources(corpora=[1])
    run = actions.train(store, ModelSettings(), META, sources=gold)
    assert run.settings["corpora"] == [1]
    with pytest.raises(InputError, match=r"no corpus 'x'.*towns"):
        corpus_actions.ids(store, ["x"])


def test_quiz_questions_are_kept_out_and_counted(store, tmp_path):
    added(store, written(tmp_path / "towns.jsonl", rows(60)))
    quiz_questions = [row["question"] for row in rows(60)][::2]
    store.library.add_questions(
        [
            Question(text, split, "gold", gold_answer="x")
            for i, text in enumerate(quiz_questions)
            for split in (("quiz", "control")[i % 2],)
        ]
    )
    run = actions.train(store, ModelSettings(), META)
    learner, result = train(store, run)
    assert result.kept_out_for_the_quiz >= len(quiz_questions)
    text = "\n".join(
        f"{i.chat[-1].content}\n{i.chosen}" for i in learner.items if i.teaches
    )
    questions = set(re.findall(r"^Question: (.*)$", text, re.M))
    assert questions
    assert not questions & set(quiz_questions)


def test_a_corpus_with_feedback_teaches_its_own_feedback(store, tmp_path):
    row = {"response": "No.", "feedback": "It is wrong.", "refinement": "Two."}
    added(
        store,
        written(
            tmp_path / "f.jsonl", [{"prompt": f"Add {i}."} | row for i in range(5)]
        ),
    )
    learner, _ = train(store, actions.train(store, ModelSettings(), META))
    new_items = [item.chosen for item in learner.items if item.teaches]
    assert new_items.count("It is wrong.") == new_items.count("Answer: Two.") == 5


def test_self_replays_a_random_share_of_all_skills(store):
    approve(store)
    added(store)
    settings = TrainSettings(method="self", replay_share=0.0, meta_share=0.5)
    learner, result = train(store, actions.train(store, ModelSettings(), settings))
    skills = [items.skill_of(item) for item in learner.items if item.teaches]
    assert sum(skill is not None for skill in skills) == 20
    assert len(set(skills)) > 4
    assert result.items == 60


def test_a_round_needs_something_to_learn_meta_skills_from(store):
    with pytest.raises(JobError, match=r"no corpus.*invented world"):
        actions.train(store, ModelSettings(), META)
    approve(store)
    run = actions.train(store, ModelSettings(), META)
    with pytest.raises(InputError, match=r"no corpus.*invented world"):
        train(store, run)


def test_a_corpus_is_not_removed_while_a_queued_round_is_to_use_it(store):
    added(store)
    run = actions.train(store, ModelSettings(), META)
    with pytest.raises(JobError, match=f"Run {run.id} is to be trained on"):
        corpus_actions.remove(store, 1)
    store.runs.finish(run.id, "cancelled", None, {})
    corpus_actions.remove(store, 1)
    assert store.corpora.all() == []
    assert not store.db.rows("SELECT 1 FROM gold_examples")
    with pytest.raises(InputError, match="no corpus 1"):
        train(store, replace(run, state="running"))


def test_sampled_examples_depend_only_on_the_seed(store):
    added(store)
    draw = [store.corpora.sample([1], 20, s, with_feedback=False) for s in (0, 0, 1)]
    assert draw[0] == draw[1] != draw[2]
    assert len({example.id for example in draw[0]}) == 20


def test_an_old_workspace_gets_its_place_for_corpora(workspace):
    workspace.mkdir()
    old = sqlite_utils.Database(workspace / "autolearn.db")
    MIGRATIONS.apply(old, stop_before="m008_corpora")
    old.execute("INSERT INTO runs (id, kind, settings) VALUES (1, 'train', '{}')")
    old.conn.commit()
    old.close()
    with Store.open(workspace) as store:
        assert store.runs.get(1).kind == "train"
        example = GoldExample("t", "q", "a")
        corpus = store.corpora.add(Corpus("c", "d", "pairs", n_examples=1), [example])
        (stored_example,) = store.corpora.sample([corpus.id], 1, 0, with_feedback=False)
        assert stored_example == replace(example, corpus_id=corpus.id, id=1)
