import json

import pytest

from autolearn import exporting
from autolearn.errors import InputError
from autolearn.records import Sample

SAMPLE = Sample(1, "Wer führt?", "Ada.", "Bo.", True, 0.9, state="approved")


def test_samples_are_written_as_chats_and_as_preferences(tmp_path):
    assert exporting.export_samples([SAMPLE], "chat", tmp_path / "a/chat.jsonl") == 1
    (row,) = map(json.loads, (tmp_path / "a/chat.jsonl").read_text().splitlines())
    assert [m["content"] for m in row["messages"]] == ["Wer führt?", "Ada."]
    exporting.export_samples([SAMPLE], "preference", tmp_path / "p.jsonl")
    (row,) = map(json.loads, (tmp_path / "p.jsonl").read_text().splitlines())
    assert row["rejected"][0]["content"] == "Bo."
    assert not list(tmp_path.rglob("*.partial"))


def test_nothing_and_unknown_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match="approved"):
        exporting.export_samples([], "chat", tmp_path / "x")
    with pytest.raises(InputError, match="chat or preference"):
        exporting.export_samples([SAMPLE], "xml", tmp_path / "x")


def test_an_adapter_is_copied_whole_and_never_over_another(tmp_path):
    (tmp_path / "round-1").mkdir()
    (tmp_path / "round-1/adapter_config.json").write_text("{}")
    exporting.export_adapter(tmp_path / "round-1", tmp_path / "out")
    assert (tmp_path / "out/adapter_config.json").read_text() == "{}"
    with pytest.raises(InputError, match="exists already"):
        exporting.export_adapter(tmp_path / "round-1", tmp_path / "out")
    with pytest.raises(InputError, match="not in this workspace"):
        exporting.export_adapter(tmp_path / "round-9", tmp_path / "other")
