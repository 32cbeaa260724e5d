"""The prompts: Markdown files with ``$name``, beside this module.

A file has a comment that names its source, a ``## system`` part with the rules and
a ``## user`` part. The passage stands first in the user part, so that everything
asked about one passage begins with the same tokens.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from autolearn.errors import PromptError
from autolearn.records import Message, Prompt

_FOLDER = Path(__file__).parent
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PARTS = re.compile(r"^## (system|user)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class PromptFile:
    """A prompt file as read; ``digest`` changes with every character of it."""

    name: str
    digest: str
    system: str
    user: str

    @property
    def variables(self) -> frozenset[str]:
        """Return the names that must be given to ``render``."""
        return frozenset(Template(self.user).get_identifiers())

    def render(self, **values: object) -> Prompt:
        """Fill in the variables.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        if missing := self.variables - values.keys():
            raise PromptError(
                f"Prompt {self.name!r} lacks {', '.join(sorted(missing))}."
            )
        if unknown := values.keys() - self.variables:
            raise PromptError(
                f"Prompt {self.name!r} has no {', '.join(sorted(unknown))}."
            )
        user = Template(self.user).substitute(
            {name: str(value).strip() for name, value in values.items()}
        )
        chat = (Message("system", self.system), Message("user", user))
        return Prompt(self.name, self.digest, chat)


def parse(name: str, text: str) -> PromptFile:
    """Read the text of a prompt file.

    Raises:
        PromptError: A part is missing, or the file has a stray ``$``.
    """
    parts = {k: v.strip() for k, v in _PARTS.findall(_COMMENT.sub("", text))}
    if set(parts) != {"system", "user"} or not parts["user"]:
        raise PromptError(f"Prompt {name!r} needs the parts '## system' and '## user'.")
    if not Template(parts["user"]).is_valid():
        raise PromptError(f"Prompt {name!r} has a '$' that names no variable.")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return PromptFile(name, digest, parts["system"], parts["user"])


@cache
def load(name: str) -> PromptFile:
    """Return the prompt file of this name.

    Raises:
        PromptError: There is none, or it is malformed.
    """
    path = _FOLDER / f"{name}.md"
    if not path.is_file():
        raise PromptError(f"There is no prompt {name!r}; {_FOLDER} has {names()}.")
    return parse(name, path.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """Return the names of all prompt files."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.md")))
