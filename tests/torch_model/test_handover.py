"""A round that is handed over has the texts and tokens that autolearn trains."""

import json
from dataclasses import replace

import pytest
from tokenizers.processors import TemplateProcessing

from autolearn.core.errors import BackendError, InputError, JobError
from autolearn.core.model_calls import Message
from autolearn.core.records import Round, TrainItem
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import ExportRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine import rendering
from autolearn.engine.chat import ChatFormat
from autolearn.engine.tokenizer import chat_format, load_untried
from autolearn.engine.trainer.batches import encode
from autolearn.export.handover.folder import TOOLS
from autolearn.handlers import export
from autolearn.handlers.models import Models
from autolearn.models import files as model_files
from autolearn.rounds.sources import collect
from autolearn.runs.context import RunContext
from autolearn.services import export_actions
from tests.support.rounds import approve, one_round
from tests.support.tiny import TEMPLATE, build_tokenizer

pytestmark = pytest.mark.torch_model


def carried_out(store, run):
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    return export.export(context, Models())


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def round_of(store, monkeypatch):
    """Return a function that stores a finished round of the built-in model."""

    def made(items, parent=None, **settings):
        about = one_round(store, settings.get("method", "refined_sft"))
        run = TrainRunSettings(train=TrainSettings(**settings), parent=parent)
        folder = f"adapters/round-{about.id}"
        (store.folder / folder).mkdir(parents=True)
        config = {"target_modules": ["q_proj", "v_proj"], "base": "built-in"}
        (store.folder / folder / "adapter_config.json").write_text(json.dumps(config))
        (store.folder / folder / "adapter_model.safetensors").write_bytes(b"weights")
        model = replace(about.model, dtype="float32", device="cpu")
        new = Round(
            about.method,
            about.run_id,
            run.as_dict(),
            model,
            parent,
            "trained",
            folder,
            n_steps=30,
        )
        return store.rounds.create(new, items)

    return made


def ask(question="Who leads?"):
    return (Message("user", question),)


def test_a_planned_round_is_handed_over_as_it_would_be_trained(store, tmp_path):
    approve(store)
    run = export_actions.export(store, "trl", tmp_path / "out")
    result = carried_out(store, run)
    tokenizer = load_untried(model_files.BUILT_IN)
    chat, _ = chat_format(model_files.BUILT_IN, tokenizer)
    order = ExportRunSettings.of(run).train
    assert order is not None
    data = collect(store, order).build()
    assert result.samples == len(data.items) > 40
    rows = lines(tmp_path / "out/data/train.jsonl")
    for row, item in zip(rows, data.items, strict=True):
        example = encode(item, chat).chosen
        assert row["input_ids"] == example.ids
        assert sum(label != -100 for label in row["labels"]) == example.n_answer
        assert row["labels"][example.n_prompt :] == example.ids[example.n_prompt :]
    text = (tmp_path / "out/README.md").read_text()
    assert "A planned round" in text
    assert "They are written when a round is trained, so none is here" in text


@pytest.mark.parametrize("tool", TOOLS)
def test_a_finished_round_has_its_frozen_items(store, round_of, tool, tmp_path):
    items = [
        *(TrainItem("sft", ask(f"Who leads {i}?"), f"Ada {i}.") for i in range(9)),
        TrainItem("replay", ask("Say hello."), "Hello."),
        TrainItem("validation", ask("Who heads 1?"), "Ada 1."),
    ]
    about = round_of(items, batch_size=4)
    run = export_actions.export(store, tool, tmp_path / "out", about.id)
    result = carried_out(store, run)
    assert result.samples == 9
    assert result.card == str(tmp_path / "out/README.md")
    readable = lines(tmp_path / "out/items.jsonl")
    assert [row["kind"] for row in readable] == [item.kind for item in items]
    assert readable[0]["prompt"].endswith("<|assistant|>")
    assert readable[0]["answer"] == " Ada 0.<|end|>"
    text = (tmp_path / "out/README.md").read_text()
    assert "1 answer of the base model" in text
    assert "other tokens" not in text, "all texts become the tokens of autolearn"


def test_a_continued_round_brings_the_adapter_of_its_parent(store, round_of, tmp_path):
    first = round_of([TrainItem("sft", ask(), "Ada.")])
    pair = TrainItem("dpo", ask(), "Ada.", "Bo.")
    second = round_of([pair], first.id, method="al2")
    run = export_actions.export(store, "llama-factory", tmp_path / "out", second.id)
    carried_out(store, run)
    config = json.loads((tmp_path / "out/start/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model_files.BUILT_IN)
    (row,) = lines(tmp_path / "out/data/train.jsonl")
    assert row["chosen"] == " Ada.<|end|>"
    assert row["rejected"] == " Bo.<|end|>"
    assert "each text becomes the tokens" in (tmp_path / "out/README.md").read_text()


def test_an_export_that_is_resumed_after_its_end_keeps_its_folder(
    store, round_of, tmp_path
):
    about = round_of([TrainItem("sft", ask(), "Ada.")])
    run = export_actions.export(store, "trl", tmp_path / "out", about.id)
    result = carried_out(store, run)
    assert carried_out(store, store.runs.get(run.id)) == result
    assert ExportResult.of(store.runs.get(run.id)) == result
    again = export_actions.export(store, "trl", tmp_path / "out", about.id)
    with pytest.raises(InputError, match="exists already"):
        carried_out(store, again)


def test_a_planned_round_without_data_is_refused_before_it_is_queued(store, tmp_path):
    with pytest.raises(JobError, match="approve"):
        export_actions.export(store, "trl", tmp_path / "out")
    assert store.runs.newest() == []


def test_a_model_that_has_changed_is_refused(store, round_of, tmp_path):
    about = round_of([TrainItem("sft", ask(), "Ada.")])
    run = export_actions.export(store, "trl", tmp_path / "out", about.id)
    changed = replace(run, settings={**run.settings, "model_digest": "other"})
    with pytest.raises(BackendError, match="have changed"):
        carried_out(store, changed)
    assert not (tmp_path / "out").exists()


def row_of(answer, question="Who?"):
    chat = ChatFormat(build_tokenizer(TEMPLATE))
    return encode(TrainItem("sft", ask(question), answer), chat).chosen


def test_texts_that_become_other_tokens_are_noticed():
    renderer = rendering.Renderer(build_tokenizer(TEMPLATE))
    plain, hostile = row_of("Ada é 李."), row_of("Ada <|end|> Bo.")
    assert renderer.parts_match(renderer.render(plain), plain)
    # The control token in the answer was plain text when autolearn encoded it.
    assert not renderer.parts_match(renderer.render(hostile), hostile)
    question = row_of("Ada.", "Who is <|user|>?")
    assert not renderer.parts_match(renderer.render(question), question)


def test_an_end_of_turn_that_is_no_end_token_is_noticed():
    tokenizer = build_tokenizer(TEMPLATE)
    renderer, row = rendering.Renderer(tokenizer), row_of("Ada.")
    # Here a turn ends with <|end|>, and TRL puts </s> behind each text.
    assert not renderer.whole_matches(renderer.render(row), row)
    tokenizer.eos_token = "<|end|>"
    assert renderer.whole_matches(renderer.render(row), row)


def test_a_start_token_that_the_tokenizer_adds_is_no_part_of_the_text():
    tokenizer = build_tokenizer(TEMPLATE)
    tokenizer.eos_token = "<|end|>"
    row = row_of("Ada.")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    renderer = rendering.Renderer(tokenizer)
    rendered = renderer.render(row)
    assert rendered.prompt.startswith("<s>")
    assert not renderer.whole_matches(rendered, row)
    assert renderer.whole_matches(renderer.without_start(rendered), row)


def test_a_model_on_a_server_has_nothing_to_hand_over(store, tmp_path, monkeypatch):
    server = ModelSettings("http://127.0.0.1:9/v1#a")
    monkeypatch.setattr(export_actions, "chosen_model", lambda store: server)
    with pytest.raises((BackendError, InputError), match="server"):
        export_actions.export(store, "trl", tmp_path / "out")
