import json

import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Run
from autolearn.core.run_results import ImportResult, OtherRows
from autolearn.core.run_settings import ImportRunSettings
from autolearn.ingest import originals
from autolearn.models import files as model_files
from autolearn.services import reading_actions
from tests.support.texts import put_passages

CHAT = {
    "conversations": [
        {"from": "human", "value": "Who built the mill?"},
        {"from": "gpt", "value": "Kell built it."},
        {"from": "human", "value": "And when?"},
        {"from": "gpt", "value": "In 1712."},
    ]
}
ALPACA = {"instruction": "Add.", "input": "2 and 3", "output": "5"}


def refused(store, tmp_path, rows, kind, name="rows.json", **settings):
    """Return an import that refused a file of these rows."""
    path = tmp_path / name
    path.write_text(json.dumps(rows))
    other = OtherRows(name, originals.keep(store, path), kind)
    run = store.runs.create("import", settings)
    result = ImportResult(others=(other,))
    store.runs.finish(run.id, "done", None, result.as_dict())
    return store.runs.get(run.id)


def test_chats_become_instructions_or_a_quiz(store, tmp_path):
    run = refused(store, tmp_path, [CHAT, ALPACA], "chats")
    assert reading_actions.add_other(store, run.id, 0, "instructions") == 2
    assert reading_actions.add_other(store, run.id, 0, "quiz") == 2
    rows = [(q.split, q.text, q.gold_answer) for q in store.library.questions()]
    assert rows == [
        ("study", "Who built the mill?", "Kell built it."),
        ("study", "Add.\n\n2 and 3", "5"),
        ("quiz", "Who built the mill?", "Kell built it."),
        ("quiz", "Add.\n\n2 and 3", "5"),
    ]


def test_chats_become_texts_by_another_import(store, tmp_path):
    run = refused(store, tmp_path, [CHAT], "chats")
    new_run = reading_actions.add_other(store, run.id, 0, "texts")
    assert isinstance(new_run, Run)
    settings = ImportRunSettings.of(new_run)
    assert settings.choices is not None
    assert settings.choices.chats_as_texts
    assert settings.sources[0].name == "rows.json"


def test_chats_become_texts_cut_as_those_that_were_added_with_them(store, tmp_path):
    """They were cut by the tokens of the built-in model, to its usual size."""
    before = {"model": str(model_files.BUILT_IN), "passage_tokens": 64}
    run = refused(store, tmp_path, [CHAT], "chats", **before)
    new_run = reading_actions.add_other(store, run.id, 0, "texts")
    assert isinstance(new_run, Run)
    settings = ImportRunSettings.of(new_run)
    assert (settings.model, settings.passage_tokens) == tuple(before.values())


def test_answers_with_feedback_become_a_corpus(store, tmp_path):
    run = refused(store, tmp_path, [], "feedback")
    new_run = reading_actions.add_other(store, run.id, 0, "corpus")
    assert isinstance(new_run, Run)
    corpus = ImportRunSettings.of(new_run).corpus_source
    assert corpus is not None
    assert corpus.name == "rows.json"


def test_each_kind_of_rows_has_somewhere_to_go():
    for kind in ("chats", "instructions", "questions", "feedback", "squad"):
        assert reading_actions.targets(OtherRows("a", "b", kind))
    assert reading_actions.targets(OtherRows("a", "b", "of a newer version")) == {}


def test_a_file_that_is_gone_or_does_not_fit_is_refused(store, tmp_path):
    run = refused(store, tmp_path, [{"messages": CHAT["conversations"][:1]}], "chats")
    with pytest.raises(InputError, match=r"Entry 1 of .* lacks answer"):
        reading_actions.add_other(store, run.id, 0, "quiz")
    with pytest.raises(InputError, match="There is no such file"):
        reading_actions.add_other(store, run.id, 1, "quiz")
    for copy in (store.folder / originals.FOLDER).iterdir():
        copy.unlink()
    with pytest.raises(InputError, match="no longer"):
        reading_actions.add_other(store, run.id, 0, "instructions")


def test_a_selection_is_left_out_as_a_whole_or_not_at_all(store):
    first, second = before = put_passages(store, "a", ["Avel is old. ", "Boro is new."])
    stretches = [(second.id, 5, 8), (first.id, 5, 99)]
    with pytest.raises(InputError, match="has changed"):
        reading_actions.leave_out(store, stretches)
    assert store.library.passages() == before
