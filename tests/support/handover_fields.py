"""The settings that trainers of other projects know, by name.

The lists in ``tests/export/handover_fields`` are made from installed packages:

    python -m tests.support.handover_fields trl
"""

import ast
import dataclasses
import importlib
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "export" / "handover_fields"
PACKAGES = {
    "trl": "trl",
    "axolotl": "axolotl",
    "llama-factory": "llamafactory",
    "unsloth": "unsloth",
}
"""The packages by the names of the exports."""


def _dataclass_fields(module, *names):
    classes = [getattr(importlib.import_module(module), name) for name in names]
    return {f.name for cls in classes for f in dataclasses.fields(cls) if f.init}


def _trl():
    common = ("ScriptArguments", "ModelConfig", "DatasetMixtureConfig")
    return {
        "sft": _dataclass_fields("trl", "SFTConfig", *common),
        "dpo": _dataclass_fields("trl", "DPOConfig", *common),
    }


def _axolotl():
    schemas = importlib.import_module("axolotl.utils.schemas.config")
    data = importlib.import_module("axolotl.utils.schemas.datasets")
    return {
        "config": set(schemas.AxolotlInputConfig.model_fields),
        "datasets": set(data.SFTDataset.model_fields),
        "dpo_datasets": set(data.DPODataset.model_fields),
    }


def _llama_factory():
    parser = importlib.import_module("llamafactory.hparams.parser")
    data = importlib.import_module("llamafactory.data.parser")
    names = {
        f.name for cls in parser._TRAIN_ARGS for f in dataclasses.fields(cls) if f.init
    }
    attributes = _dataclass_fields(data.__name__, "DatasetAttr")
    return {"config": names, "dataset_info": attributes | {"file_name", "columns"}}


def _unsloth():
    """Unsloth cannot be imported without a GPU, so its source is read."""
    spec = importlib.util.find_spec("unsloth")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "models"
    return {
        "FastLanguageModel.from_pretrained": _parameters(
            folder / "loader.py", "FastLanguageModel", "from_pretrained"
        ),
        "FastLanguageModel.get_peft_model": _parameters(
            folder / "llama.py", "FastLlamaModel", "get_peft_model"
        ),
    }


def _parameters(path, class_name, function_name):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (cls,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    (function,) = (
        node
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and node.name == function_name
    )
    arguments = function.args
    return {a.arg for a in (*arguments.args, *arguments.kwonlyargs)}


READERS = {
    "trl": _trl,
    "axolotl": _axolotl,
    "llama-factory": _llama_factory,
    "unsloth": _unsloth,
}


def installed(tool):
    """Return version and settings of an installed tool, by their group."""
    package = PACKAGES[tool]
    groups = {name: sorted(fields) for name, fields in READERS[tool]().items()}
    version = importlib.metadata.version(package)
    source = f"the package {package} {version} on PyPI"
    return {"version": version, "source": source, "fields": groups}


def known(tool):
    """Return what is checked in of a tool."""
    return json.loads((FOLDER / f"{tool}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:]:
        text = json.dumps(installed(name), indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
