"""Write the folder with data and config for another trainer."""

import json
import shutil
from pathlib import Path

from autolearn.export.handover import readme, rows
from autolearn.export.handover.axolotl import AXOLOTL
from autolearn.export.handover.contents import Handover
from autolearn.export.handover.llama_factory import LLAMA_FACTORY
from autolearn.export.handover.tools import START, HandoverTool
from autolearn.export.handover.trl import TRL
from autolearn.export.handover.unsloth import UNSLOTH

TOOLS: dict[str, HandoverTool] = {
    "trl": TRL,
    "axolotl": AXOLOTL,
    "llama-factory": LLAMA_FACTORY,
    "unsloth": UNSLOTH,
}
"""The trainers that a round can be handed over to, by the names of the exports."""
ITEMS = "items.jsonl"
README = "README.md"


def write(handover: Handover, tool: HandoverTool, folder: Path) -> None:
    """Write configuration, data, README and the adapter that is continued.

    Raises:
        OSError: A file cannot be written.
    """
    texts = {
        **tool.files(handover),
        ITEMS: rows.lines(handover.items, rows.readable),
        README: readme.text(handover, tool),
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if handover.start:
        _copy_adapter(handover.start, folder / START, handover.model.path)


def _copy_adapter(source: Path, target: Path, base: str) -> None:
    """Copy an adapter, with the name of its base as other tools load it."""
    shutil.copytree(source, target)
    path = target / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
