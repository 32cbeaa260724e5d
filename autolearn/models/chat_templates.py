"""Read the chat template of a model folder, without rendering it."""

from collections.abc import Mapping
from pathlib import Path

from autolearn.models.foreign import contained
from autolearn.models.notes import noted_protocol
from autolearn.models.small_files import read, read_json
from autolearn.study.protocol import DEFAULT, PROTOCOLS

LEGACY_TEMPLATE = "chat_template.json"
"""The former file for the template of a model that also reads images. transformers
reads it together with the images, and not for the tokenizer."""
_LARGEST = 4 << 20


@contained
def has_template(folder: Path) -> bool:
    """Return whether the model has a chat template."""
    return bool(_template(folder))


@contained
def reads_system(folder: Path) -> bool:
    """Return whether the model gets the text of a system message.

    If the template has no place for it, it is put before the first user turn, unless
    the model was trained on bare prompts.
    """
    protocol = noted_protocol(folder) or DEFAULT
    return PROTOCOLS[protocol].guided or "system" in _template(folder)


def legacy_template(folder: Path) -> str:
    """Return the template of ``LEGACY_TEMPLATE``; empty if the model has another."""
    return "" if _own_template(folder) else _text(folder / LEGACY_TEMPLATE)


def _template(folder: Path) -> str:
    return _own_template(folder) or legacy_template(folder)


def _own_template(folder: Path) -> str:
    """Return the template that transformers reads with the tokenizer; empty: none."""
    path = folder / "chat_template.jinja"
    if path.exists():
        return read(path, _LARGEST).decode(errors="replace")
    return _text(folder / "tokenizer_config.json")


def _text(path: Path) -> str:
    """Return the template in a JSON file; of several with names, the default one."""
    template = read_json(path).get("chat_template")
    if isinstance(template, list):
        rows = [row for row in template if isinstance(row, Mapping)]
        named = {str(row.get("name")): row.get("template") for row in rows}
        template = named.get("default")
    return template if isinstance(template, str) else ""
