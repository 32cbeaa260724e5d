"""The prompts: Markdown files with ``$name``, beside this module.

A file has a comment that names its source, a ``## system`` part with the rules and
a ``## user`` part. The passage stands first in the user part, so that everything
asked about one passage begins with the same tokens. ``## example`` parts are worked
examples, ``### user`` and ``### assistant``, in English or in the language that the
heading names (``## example de``); ``## begin`` is the beginning of the answer.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from string import Template

from autolearn.errors import PromptError
from autolearn.records import Chat, Message, Prompt

_FOLDER = Path(__file__).parent
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PARTS = re.compile(
    r"^## (system|user|begin|example(?: [a-z]{2})?)\n(.*?)(?=^## |\Z)",
    re.DOTALL | re.MULTILINE,
)
_EXAMPLE = re.compile(r"\s*### user\n(.*?)\n### assistant\n(.*)", re.DOTALL)
ENGLISH = "en"


@dataclass(frozen=True)
class PromptFile:
    """A prompt file as read; ``digest`` changes with every character of it."""

    name: str
    digest: str
    system: str
    user: str
    begin: str = ""
    """How the answer begins where the model is to be guided; may have variables."""
    examples: Mapping[str, Chat] = field(default_factory=dict)
    """Worked examples by language, as earlier turns."""

    @property
    def variables(self) -> frozenset[str]:
        """Return the names that must be given to ``render``."""
        return frozenset(Template(self.user).get_identifiers())

    def render(self, **values: object) -> Prompt:
        """Fill in the variables of the user part.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        user = Message("user", self._filled(self.user, values))
        return Prompt(self.name, self.digest, (Message("system", self.system), user))

    def guided(self, language: str | None, begun: str, **values: object) -> Prompt:
        """Fill in the variables, and show the model how it is done.

        Args:
            language: That of the worked examples; None, or one that the file has no
                examples in: without.
            begun: How the answer begins; empty: it is not begun.
            values: The variables of the user part.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        plain = self.render(**values)
        system, user = plain.chat
        answer = (Message("assistant", begun),) if begun else ()
        examples = self.examples.get(language or "", ())
        return replace(plain, chat=(system, *examples, user, *answer))

    def begun(self, **values: object) -> str:
        """Return how the answer begins.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        return self._filled(self.begin, values)

    def _filled(self, text: str, values: Mapping[str, object]) -> str:
        template = Template(text)
        names = frozenset(template.get_identifiers())
        if missing := names - values.keys():
            raise PromptError(
                f"Prompt {self.name!r} lacks {', '.join(sorted(missing))}."
            )
        if unknown := values.keys() - names:
            raise PromptError(
                f"Prompt {self.name!r} has no {', '.join(sorted(unknown))}."
            )
        return template.substitute(
            {name: str(value).strip() for name, value in values.items()}
        )


def parse(name: str, text: str) -> PromptFile:
    """Read the text of a prompt file.

    Raises:
        PromptError: A part is missing or malformed, or the file has a stray ``$``.
    """
    parts = {"begin": "", "system": "", "user": ""}
    examples: dict[str, Chat] = {}
    for kind, body in _PARTS.findall(_COMMENT.sub("", text)):
        if kind.startswith("example"):
            language = kind.removeprefix("example").strip() or ENGLISH
            examples[language] = (*examples.get(language, ()), *_turns(name, body))
        else:
            parts[kind] = body.strip()
    if not parts["system"] or not parts["user"]:
        raise PromptError(f"Prompt {name!r} needs the parts '## system' and '## user'.")
    for part in (parts["user"], parts["begin"]):
        if not Template(part).is_valid():
            raise PromptError(f"Prompt {name!r} has a '$' that names no variable.")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return PromptFile(name, digest, **parts, examples=examples)


def _turns(name: str, body: str) -> Chat:
    match = _EXAMPLE.fullmatch(body)
    if not match:
        raise PromptError(
            f"An example of prompt {name!r} needs '### user' and '### assistant'."
        )
    return Message("user", match[1].strip()), Message("assistant", match[2].strip())


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
