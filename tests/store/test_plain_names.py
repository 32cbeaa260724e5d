"""Workspaces with the words of earlier versions open, and their runs go on."""

import json

import pytest

from autolearn.core.flags import FLAGS, flag_name
from autolearn.core.records import DRIFT_PROBE, Decision, GeneratedInstruction
from autolearn.core.run_results import ExportResult, ImportResult, StudyResult
from autolearn.core.run_settings import ImportRunSettings
from autolearn.store import SampleFilter, Store, copies, schema_sql
from tests.support import old_runs

MODEL = {"name": "m", "digest": "d", "quantization": "nf4", "dtype": "", "device": ""}
GENERATION = {
    "id": 1,
    "run_id": 1,
    "prompt_name": "closed_book",
    "prompt_digest": "p",
    "prompt": "[]",
    "raw": "Ada.",
    "finish": "stop",
    "n_prompt_tokens": 3,
    "n_tokens": 2,
    "temperature": 0.0,
    "top_p": 1.0,
    "max_new_tokens": 48,
    "seed": 7,
    "model": "m",
    "model_digest": "d",
    "quantization": "nf4",
    "dtype": "",
    "device": "",
}
ROWS = {
    "runs": [
        {"id": 1, "kind": "train", "state": "interrupted", "settings": "{}"},
        {
            "id": 2,
            "kind": "study",
            "settings": "{}",
            "result": json.dumps(
                {"samples": 2, "flags": {"strays": 1, "same_fact": 4}}
            ),
        },
        {
            "id": 3,
            "kind": "import",
            "settings": json.dumps({"given": [], "staged": "/w/in", "reread": 4}),
            "result": json.dumps(
                {"refused": ["No \u00e4."], "reread": 4, "repeats": 2}
            ),
        },
        {
            "id": 4,
            "kind": "export",
            "settings": "{}",
            "result": json.dumps({"asked": 5, "alike": 4}),
        },
        # What has a key of this name in another kind of run keeps it.
        {"id": 5, "kind": "chat", "settings": json.dumps({"asked": 1, "given": 2})},
    ],
    "steps": [
        {"id": 1, "run_id": 1, "name": "imagined 1-64", "n_records": 1},
        {"id": 2, "run_id": 1, "name": "imagined, shipped", "n_records": 0},
        {"id": 3, "run_id": 1, "name": "imagined_towns.md: ask", "n_records": 0},
    ],
    "generations": [GENERATION],
    "imagined": [
        {
            "draw": 2,
            "text": "Who?",
            "generation_id": 1,
            "run_id": 1,
            "step_id": 1,
            "step_position": 0,
        }
    ],
    "rounds": [
        {
            "id": 1,
            "method": "join",
            "run_id": 1,
            "settings": "{}",
            "model": json.dumps(MODEL),
            "state": "training",
            "n_steps": 0,
            "scores": "{}",
        }
    ],
    "round_items": [
        {
            "round_id": 1,
            "position": position,
            "kind": kind,
            "chat": "[]",
            "chosen": "gauge",
            "weight": 1.0,
        }
        for position, kind in enumerate(("gauge", "replay", "gauge"))
    ],
    "questions": [
        {
            "id": 1,
            "text": "Why?",
            "split": "study",
            "origin": "model",
            "flags": "[]",
        }
    ],
    "samples": [
        {
            "id": number,
            "question_id": 1,
            "prompt": "strays",
            "chosen": "A.",
            "rejected": "B.",
            "gap": 1,
            "gap_probability": probability,
            "flags": json.dumps(flags),
            "state": "pending",
        }
        for number, probability, flags in (
            (1, 0.9, ["strays", "not_open_book"]),
            (2, 0.6, []),
            (3, 1.0, ["disputed"]),
        )
    ],
    "decisions": [
        {
            "id": 1,
            "sample_id": 1,
            "action": "approve",
            "author": "person",
            "reason": "",
            "before": "{}",
            "after": "{}",
            "seen": 0,
        }
    ],
}


@pytest.fixture
def old_workspace(workspace):
    db = old_runs.old_database(workspace, "m018_plain_names")
    for table, rows in ROWS.items():
        for row in rows:
            db[table].insert(row)
    db.conn.commit()
    db.close()
    return workspace


def test_an_old_workspace_has_the_present_schema_and_is_sound(old_workspace):
    with (
        Store.open(old_workspace) as store,
        Store.open(old_workspace.with_name("new")) as new,
    ):
        assert schema_sql(store.db) == schema_sql(new.db)
        old_words = ("gauge", "imagined", "strays", "sureness", "seen INTEGER")
        assert [word for word in old_words if word in schema_sql(new.db)] == []
    assert copies.problems(old_workspace / "autolearn.db") == []


def test_an_interrupted_round_finds_the_instructions_that_it_has_generated(
    old_workspace,
):
    def fail():
        raise AssertionError("the step is committed already")

    with Store.open(old_workspace) as store:
        journal = store.journal(1)
        (item,) = journal.step("generated instructions 1-64", fail)
        assert isinstance(item, GeneratedInstruction)
        assert (item.draw, item.text) == (2, "Who?")
        assert journal.step("generated instructions, shipped", fail) == ()
        assert journal.step("imagined_towns.md: ask", fail) == ()
        assert item.generation
        assert store.instructions.of(item.generation.model, "p") == [item]


def test_the_drift_probe_of_an_old_round_is_found(old_workspace):
    with Store.open(old_workspace) as store:
        items = store.rounds.items(1)
        assert [item.kind for item in items] == [DRIFT_PROBE, "replay", DRIFT_PROBE]
        assert {item.chosen for item in items} == {"gauge"}, "texts stay as they are"
        assert store.rounds.get(1).method == "refined_sft"


def test_samples_have_the_flag_by_its_present_name_and_keep_their_order(old_workspace):
    with Store.open(old_workspace) as store:
        (sample,) = store.samples.find(SampleFilter(flag="contradicts_open_book"))
        assert (sample.id, sample.prompt) == (1, "strays")
        assert sample.flags == ("contradicts_open_book", "not_open_book")
        assert store.samples.next_id() == 1, "the flag counts as a doubt"
        assert store.samples.next_id(beside=1) == 3
        flags = StudyResult.of(store.runs.get(2)).flags
        assert flags == {"contradicts_open_book": 1, "same_fact": 4}


def test_old_decisions_say_what_they_were_made_on(old_workspace):
    with Store.open(old_workspace) as store:
        assert store.decisions.of([1])[0].known_version == 0
        store.decisions.decide([Decision(2, "approve", "person", known_version=1)])


def test_settings_and_results_of_old_runs_are_read(old_workspace):
    with Store.open(old_workspace) as store:
        settings = ImportRunSettings.of(store.runs.get(3))
        assert (settings.sources, settings.document_id) == ((), 4)
        assert settings.upload_folder == "/w/in"
        result = ImportResult.of(store.runs.get(3))
        assert (result.refusals, result.document_id) == (("No \u00e4.",), 4)
        assert result.repeats == 2
        export = ExportResult.of(store.runs.get(4))
        assert (export.n_questions, export.n_same_answers) == (5, 4)
        assert store.runs.get(5).settings == {"asked": 1, "given": 2}


def test_old_names_of_flags_are_understood():
    assert flag_name("strays") == "contradicts_open_book"
    assert flag_name("disputed") == "disputed"
    assert flag_name("contradicts_open_book") in FLAGS
