"""A round as data and configuration for the trainers of other projects.

What each tool knows is checked in, so that a key it does not know fails everywhere. The
parsers of the tools themselves are asked where they are installed.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import json
import os
from dataclasses import replace

import pytest
import yaml

from autolearn.export.handover import folder as handover_folder
from autolearn.export.handover import readme
from autolearn.export.handover.folder import TOOLS
from tests.support import handover_fields
from tests.support.handovers import (
    CPU_MODEL,
    adapter,
    item,
    preferences,
    supervised,
    text,
)

CASES = {
    "sft": supervised,
    "sft on a CPU in full precision": lambda start=None: supervised(start, CPU_MODEL),
    "dpo": preferences,
    "dpo without NLL": lambda start=None: preferences(start, nll_weight=0.0),
}


def written(tool, handover, folder):
    folder.mkdir()
    handover_folder.write(handover, TOOLS[tool], folder)
    return {
        str(path.relative_to(folder)): path.read_text(errors="replace")
        for path in folder.rglob("*")
        if path.is_file()
    }


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def settings_in(files):
    (config,) = (text for name, text in files.items() if name.endswith(".yaml"))
    return yaml.safe_load(config)


def calls_in(script):
    """Return the arguments of each call of a script, by the name of the function."""
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    return {
        ast.unparse(call.func): {k.arg: ast.unparse(k.value) for k in call.keywords}
        for call in calls
    }


def keys_by_group(tool, handover, files):
    """Return the settings that a configuration uses, by the group that knows them."""
    if tool == "unsloth":
        calls = {
            name: set(given) for name, given in calls_in(files["train.py"]).items()
        }
        kind = "DPO" if handover.is_preference else "SFT"
        loading = {n: k for n, k in calls.items() if n.startswith("FastLanguageModel")}
        return {**loading, f"trl {kind.lower()}": calls[f"{kind}Config"]}
    config = settings_in(files)
    if tool == "trl":
        return {"dpo" if handover.is_preference else "sft": set(config)}
    if tool == "axolotl":
        group = "dpo_datasets" if handover.is_preference else "datasets"
        rows = [*config["datasets"], *config.get("test_datasets", [])]
        return {"config": set(config), group: {key for row in rows for key in row}}
    info = json.loads(files["data/dataset_info.json"])
    return {
        "config": set(config),
        "dataset_info": {key for entry in info.values() for key in entry},
    }


def known_fields(tool):
    fields = {n: set(f) for n, f in handover_fields.known(tool)["fields"].items()}
    if tool == "unsloth":  # its script builds the settings of TRL
        trl = handover_fields.known("trl")["fields"]
        fields |= {f"trl {name}": set(names) for name, names in trl.items()}
    return fields


@pytest.mark.parametrize("continues", [False, True], ids=["new", "continued"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("tool", TOOLS)
def test_each_setting_is_known_to_its_tool(tool, case, continues, tmp_path):
    start = adapter(tmp_path / "adapter") if continues else None
    handover = CASES[case](start)
    files = written(tool, handover, tmp_path / "out")
    known, used = known_fields(tool), keys_by_group(tool, handover, files)
    assert all(used.values())
    assert {group: keys - known[group] for group, keys in used.items()} == {
        group: set() for group in used
    }


@pytest.mark.parametrize("tool", TOOLS)
def test_the_lists_of_settings_have_a_version_and_refuse_misspelt_names(tool):
    record = handover_fields.known(tool)
    assert record["version"] == TOOLS[tool].version
    assert record["version"] in record["source"]
    for fields in record["fields"].values():
        assert len(fields) >= 5
        assert "learning_rat" not in fields


@pytest.mark.parametrize("tool", ["trl", "axolotl"])
def test_answers_are_given_as_tokens_whose_prompt_is_masked(tool, tmp_path):
    files = written(tool, supervised(), tmp_path / "out")
    rows = lines(files["data/train.jsonl"])
    assert len(rows) == 20
    first = text("Ada 0.")
    assert rows[0]["input_ids"] == list(first.ids)
    assert rows[0]["labels"] == [-100] * 3 + list(first.ids[3:])
    assert len(lines(files["data/test.jsonl"])) == 1


def test_llama_factory_reads_texts_without_a_template_of_its_own(tmp_path):
    files = written("llama-factory", supervised(), tmp_path / "out")
    assert lines(files["data/train.jsonl"])[0] == {
        "prompt": "<u>Who?<a>",
        "completion": "Ada 0.<e>",
    }
    info = json.loads(files["data/dataset_info.json"])
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "train": "train.jsonl",
        "validation": "validation.jsonl",
    }
    assert settings_in(files)["template"] == "empty"


@pytest.mark.parametrize("tool", TOOLS)
def test_pairs_are_given_with_both_answers(tool, tmp_path):
    files = written(tool, preferences(), tmp_path / "out")
    pair = {"prompt": "<u>Who?<a>", "chosen": "Ada 0.<e>", "rejected": "Bo.<e>"}
    rows = lines(files["data/train.jsonl"])
    assert (len(rows), rows[0]) == (20, pair)


def test_the_numbers_of_a_round_are_those_of_its_settings(tmp_path):
    settings = {
        "rank": 12,
        "alpha": 20,
        "learning_rate": 0.00001,
        "max_steps": 77,
        "warmup_steps": 4,
        "weight_decay": 0.25,
        "max_grad_norm": 0.5,
        "max_tokens": 300,
    }
    handover = supervised(**settings)
    trl, axolotl, factory = (
        settings_in(written(tool, handover, tmp_path / tool))
        for tool in ("trl", "axolotl", "llama-factory")
    )
    names = ["lora_r", "lora_alpha", "learning_rate", "max_steps", "warmup_steps"]
    names += ["weight_decay", "max_grad_norm", "seed"]
    numbers = [12, 20, 0.00001, 77, 4, 0.25, 0.5, 5]
    assert [trl[name] for name in names] == numbers
    assert [axolotl[name] for name in names] == numbers
    assert [
        factory[name.replace("_r", "_rank") if name == "lora_r" else name]
        for name in names
    ] == numbers
    lengths = trl["max_length"], axolotl["sequence_len"], factory["cutoff_len"]
    assert lengths == (300, 300, 300)
    sizes = trl["per_device_train_batch_size"], axolotl["micro_batch_size"]
    assert sizes == (6, 6)
    assert trl["gradient_accumulation_steps"] == 2


def test_unsloth_gets_the_same_numbers_as_a_script(tmp_path):
    handover = supervised(rank=12, learning_rate=0.00001, max_steps=77)
    calls = calls_in(written("unsloth", handover, tmp_path / "out")["train.py"])
    assert calls["FastLanguageModel.get_peft_model"]["r"] == "12"
    assert calls["FastLanguageModel.get_peft_model"]["target_modules"] == (
        "['q_proj', 'v_proj']"
    )
    assert calls["SFTConfig"]["learning_rate"] == "1e-05"
    assert calls["SFTConfig"]["max_steps"] == "77"


@pytest.mark.parametrize(
    ("n_taken", "n_steps"), [(None, 240), (90, 90)], ids=["planned", "finished"]
)
def test_a_finished_round_has_the_steps_that_it_took(n_taken, n_steps, tmp_path):
    handover = replace(
        supervised(least_steps=0, epochs=120), n_steps_taken=n_taken, scale=0.9
    )
    files = written("trl", handover, tmp_path / "out")
    assert settings_in(files)["max_steps"] == n_steps
    assert ("after 90 of 240 planned steps" in files["README.md"]) == (
        n_taken is not None
    )
    assert "by 0.9" in files["README.md"]


def test_what_a_tool_cannot_express_is_in_the_readme(tmp_path):
    items = (
        item(weight=0.25),
        item(is_learnable=False),
        *(item("replay") for _ in range(7)),
        *(item(answer=f"{i}", is_exact=False) for i in range(3)),
    )
    handover = replace(supervised(replay_weight=2.5), items=items)
    text = readme.text(handover, TOOLS["llama-factory"])
    for words in (
        "7 answers of the base model (weight 2.5)",
        "gives 1 item a weight other than 1",
        "Left out, as by autolearn: 1 item with more than 1024 tokens or without an",
        "the texts of 3 of 4 items become other tokens",
    ):
        assert words in text
    rows = lines(written("trl", handover, tmp_path / "out")["items.jsonl"])
    assert [row["kind"] for row in rows].count("replay") == 7
    assert rows[0]["weight"] == 0.25
    assert [row["is_learnable"] for row in rows].count(False) == 1


@pytest.mark.parametrize("tool", TOOLS)
def test_a_continued_round_comes_with_its_adapter(tool, tmp_path):
    start = adapter(tmp_path / "adapter")
    files = written(tool, preferences(start), tmp_path / "out")
    config = json.loads(files["start/adapter_config.json"])
    assert config == {"base_model_name_or_path": "org/model", "r": 8}
    assert files["start/adapter_model.safetensors"] == "weights"
    uses = {
        "trl": '"start", is_trainable=True',
        "axolotl": "lora_model_dir: start\n",
        "llama-factory": "ref_model_adapters: start\n",
        "unsloth": "model_name='start'",
    }
    names = {"trl": "train.py", "unsloth": "train.py"}
    assert uses[tool] in files[names.get(tool, "config.yaml")]
    assert '"built-in"' in (start / "adapter_config.json").read_text()


def test_the_name_of_a_model_stays_a_text(tmp_path):
    name = '/models/"a": {b}\n#\'c'
    handover = supervised(model=replace(CPU_MODEL, path=name))
    assert settings_in(written("trl", handover, tmp_path / "a"))[
        "model_name_or_path"
    ] == (name)
    script = written("unsloth", handover, tmp_path / "b")["train.py"]
    loading = calls_in(script)["FastLanguageModel.from_pretrained"]
    assert ast.literal_eval(loading["model_name"]) == name


# --- the tools themselves, where they are installed -----------------------------


def needs(tool):
    package = handover_fields.PACKAGES[tool]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return importlib.metadata.version(package)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_lists_are_those_of_the_installed_version(tool):
    version = needs(tool)
    record = handover_fields.known(tool)
    if version != record["version"]:
        pytest.skip(f"{version} is installed, the list is of {record['version']}")
    assert handover_fields.installed(tool) == record


def without_gpu(handover):
    """Return a round in a type that a computer without a GPU accepts."""
    return replace(handover, model=replace(handover.model, dtype="float32"))


@pytest.mark.parametrize("case", CASES)
def test_trl_parses_its_configuration(case, tmp_path):
    needs("trl")
    handover = without_gpu(CASES[case]())
    files = written("trl", handover, tmp_path / "out")
    (name,) = (name for name in files if name.endswith(".yaml"))
    scripts = importlib.import_module(f"trl.scripts.{name.removesuffix('.yaml')}")
    parser = scripts.make_parser()
    place = ["--config", str(tmp_path / "out" / name)]
    _, training, model, _ = parser.parse_args_and_config(place)
    assert training.max_steps == handover.n_steps
    assert training.learning_rate == handover.settings.peak_rate
    lora = importlib.import_module("trl").get_peft_config(model)
    assert (lora.r, lora.lora_dropout) == (handover.settings.rank, 0.0)
    assert model.load_in_4bit == handover.model.is_4_bit


@pytest.mark.parametrize("case", CASES)
def test_axolotl_validates_its_configuration(case, tmp_path):
    needs("axolotl")
    handover = CASES[case]()
    config = settings_in(written("axolotl", handover, tmp_path / "out"))
    schema = importlib.import_module("axolotl.utils.schemas.config")
    parsed = schema.AxolotlInputConfig(**config)
    assert parsed.max_steps == handover.n_steps
    assert parsed.learning_rate == handover.settings.peak_rate
    assert parsed.adapter == ("qlora" if handover.model.is_4_bit else "lora")


@pytest.mark.parametrize("case", CASES)
def test_llama_factory_parses_its_configuration(case, tmp_path, monkeypatch):
    needs("llama-factory")
    handover = without_gpu(CASES[case]())
    monkeypatch.setitem(os.environ, "DISABLE_VERSION_CHECK", "1")
    written("llama-factory", handover, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    hparams = importlib.import_module("llamafactory.hparams")
    config = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    _, data, training, finetuning, _ = hparams.get_train_args(config)
    assert training.max_steps == handover.n_steps
    assert finetuning.lora_rank == handover.settings.rank
    assert data.template == "empty"
    reader = importlib.import_module("llamafactory.data.parser")
    (train,) = reader.get_dataset_list(data.dataset, data.dataset_dir)
    assert train.ranking == handover.is_preference
