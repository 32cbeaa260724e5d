import json
import shutil
from dataclasses import replace
from zipfile import ZipFile

import pytest

from autolearn.core.errors import InputError
from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.records import Round, Sample, TrainItem
from autolearn.core.run_results import ExportResult
from autolearn.export import formats, model_card
from autolearn.study import prompts

SAMPLE = Sample(1, "Wer führt?", "Ada.", "Bo.", True, 0.9, state="approved")


def test_samples_are_written_as_chats_and_as_preferences(tmp_path):
    assert formats.export_samples([SAMPLE], "chat", tmp_path / "a/chat.jsonl") == 1
    (row,) = map(json.loads, (tmp_path / "a/chat.jsonl").read_text().splitlines())
    assert [m["content"] for m in row["messages"]] == ["Wer führt?", "Ada."]
    formats.export_samples([SAMPLE], "preference", tmp_path / "p.jsonl")
    (row,) = map(json.loads, (tmp_path / "p.jsonl").read_text().splitlines())
    assert row["rejected"][0]["content"] == "Bo."
    assert not list(tmp_path.rglob("*.partial"))


def test_answers_that_are_equal_are_no_preference(tmp_path):
    """Others learn nothing from them, or fail."""
    same = replace(SAMPLE, rejected=SAMPLE.chosen)
    path = tmp_path / "p.jsonl"
    assert formats.export_samples([same, SAMPLE], "preference", path) == 1
    assert len(path.read_text().splitlines()) == 1
    assert formats.export_samples([same], "chat", tmp_path / "c.jsonl") == 1
    with pytest.raises(InputError, match="no preference"):
        formats.export_samples([same], "preference", tmp_path / "x.jsonl")


def test_nothing_and_unknown_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match="approved"):
        formats.export_samples([], "chat", tmp_path / "x")
    with pytest.raises(InputError, match="chat or preference"):
        formats.export_samples([SAMPLE], "xml", tmp_path / "x")


def test_a_folder_is_written_whole_and_never_over_another(tmp_path):
    target = tmp_path / "out"
    with (
        pytest.raises(InputError, match="cannot be written"),
        formats.new_folder(target) as draft,
    ):
        shutil.copytree(tmp_path / "none", draft)
    assert list(tmp_path.iterdir()) == []
    with formats.new_folder(target) as draft:
        (draft / "adapter_config.json").write_text("{}")
        assert not target.exists()
    assert (target / "adapter_config.json").read_text() == "{}"
    with (
        pytest.raises(InputError, match="exists already"),
        formats.new_folder(target),
    ):
        pytest.fail("written over")


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path):
    """Its draft stayed there."""
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        formats.export_samples([SAMPLE], "chat", tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


ASK = (Message("system", "Answer."), Message("user", "Who?"))
JUDGE = prompts.load("feedback_free").render(question="Who?", answer="Bo.").chat
ITEMS = [
    TrainItem("sft", ASK, "Ada."),
    TrainItem("sft", JUDGE, "Wrong.\nVerdict: incorrect"),
    TrainItem("dpo", ASK, "Ada.", "Bo."),
    TrainItem("text", (), "Ada leads."),
    TrainItem("replay", ASK, "Well."),
    TrainItem("validation", ASK, "Ada."),
]


def exported(kind, path):
    n = formats.export_items(ITEMS, kind, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == n
    return rows


def test_the_items_of_a_round_are_written_by_kind_without_replay(tmp_path):
    chats = exported("chat", tmp_path / "chat.jsonl")
    roles = [turn["role"] for turn in chats[0]["messages"]]
    assert (len(chats), roles) == (2, ["system", "user", "assistant"])
    (pair,) = exported("preference", tmp_path / "pairs.jsonl")
    assert pair["rejected"] == [{"role": "assistant", "content": "Bo."}]
    (skill,) = exported("meta", tmp_path / "meta.jsonl")
    assert skill["skill"] == "feedback"
    assert exported("text", tmp_path / "text.jsonl") == [{"text": "Ada leads."}]


def test_an_answer_whose_beginning_was_given_is_one_turn(tmp_path):
    prefill = Message("assistant", "Verdict:")
    items = [TrainItem("sft", (*JUDGE, prefill), "Verdict: incorrect")]
    for kind in ("chat", "meta"):
        assert formats.export_items(items, kind, tmp_path / kind) == 1
        (row,) = map(json.loads, (tmp_path / kind).read_text().splitlines())
        *_, question, answer = row["messages"]
        assert question["role"] == "user"
        assert answer == {"role": "assistant", "content": "Verdict: incorrect"}


def test_a_skill_is_known_by_the_prompts_that_its_round_was_trained_with(tmp_path):
    text = prompts.default_text("feedback_free").replace("step by step", "carefully")
    with prompts.fixed({"feedback_free": text}):
        chat = prompts.load("feedback_free").render(question="Who?", answer="B.").chat
        items = [TrainItem("sft", chat, "Right.\nVerdict: correct")]
        assert formats.export_items(items, "meta", tmp_path / "meta.jsonl") == 1
    with pytest.raises(InputError, match="no items of the kind meta"):
        formats.export_items(items, "meta", tmp_path / "meta.jsonl")


def test_exporting_a_missing_kind_names_the_kinds_of_the_round(tmp_path):
    with pytest.raises(InputError, match="take chat"):
        formats.export_items(ITEMS[:1], "preference", tmp_path / "x.jsonl")


def test_a_card_never_overwrites_another_readme(tmp_path):
    alone = tmp_path / "alone" / "data.jsonl"
    formats.export_samples([SAMPLE], "chat", alone)
    for _ in range(2):
        card = formats.write_card(alone, model_card.samples("chat", 1))
        assert card == alone.with_name("README.md")
    (tmp_path / "README.md").write_text("mine")
    data = tmp_path / "data.jsonl"
    data.write_text("{}")
    card = formats.write_card(data, model_card.samples("chat", 1))
    assert card.name == "data.README.md"
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_card_says_how_a_round_was_made():
    base = ModelIdentity("built-in", "abc", "nf4", "float32", "cpu")
    settings: dict[str, object] = {"train": {"rank": 32}}
    round_ = Round(
        "refined_sft", 3, settings, base, n_steps=60, scores={"scale": 0.7}, id=4
    )
    result = ExportResult(n_questions=5, n_same_answers=4)
    card = model_card.weights(round_, "merged", result, ITEMS, {"torch": "2.13.0"})
    assert card.startswith(model_card.HEAD)
    assert "Asked 5 questions after the export, it answered 4 of them" in card
    for part in ("`built-in`", "`abc`", "sft: 2", '"scale": 0.7', '"rank"', "2.13.0"):
        assert part in card


def test_a_zip_holds_every_file_once(tmp_path):
    folder = tmp_path / "round-1"
    folder.mkdir()
    (folder / "README.md").write_text("card")
    (folder / "adapter_config.json").write_text("{}")
    archive = formats.pack([folder, folder / "README.md"], tmp_path / "a.zip")
    names = ["round-1/README.md", "round-1/adapter_config.json"]
    assert sorted(ZipFile(archive).namelist()) == names
