"""The prompts: Markdown files with ``$name``, next to this module.

A file has a comment that names its source, a ``## system`` part with the rules and
a ``## user`` part. The passage comes first in the user part, so that everything
asked about one passage begins with the same tokens. ``## example`` parts are worked
examples, ``### user`` and ``### assistant``, in English or in the language that the
heading names (``## example de``); ``## begin`` is the beginning of the answer.

A workspace may have changed prompts: files of the same names in its folder ``prompts``.
A process names that folder with ``use``; each ``load`` then reads a changed file as it
is at that moment. A program with several workspaces names that of each before it acts.
A run keeps the changed prompts in its settings when it is ordered (``of_run``) and uses
these alone (``fixed``), so that it ends as it began, also when it is resumed after
another change.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from string import Template

from autolearn.core.errors import PromptError
from autolearn.core.model_calls import Chat, Message, Prompt
from autolearn.study.prompts.usage import USAGES

FOLDER = "prompts"
"""The folder of a workspace that has its changed prompts."""
_FOLDER = Path(__file__).parent
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PARTS = re.compile(
    r"^## (system|user|begin|example(?: [a-z]{2})?)\n(.*?)(?=^## |\Z)",
    re.DOTALL | re.MULTILINE,
)
_EXAMPLE = re.compile(r"\s*### user\n(.*?)\n### assistant\n(.*)", re.DOTALL)
_HEADING = re.compile(r"^## .*", re.MULTILINE)
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "es", "zh")
"""Those in which a passage is recognised, so that its worked examples are shown."""
CHANGED = "changed_prompts"
"""The setting of a run with the texts of its changed prompts by name."""


@dataclass(frozen=True)
class PromptFile:
    """A prompt file as read; ``digest`` changes with every character of it."""

    name: str
    digest: str
    system: str
    user: str
    begin: str = ""
    """How the answer begins if the model is to be guided; may have variables."""
    examples: Mapping[str, Chat] = field(default_factory=dict)
    """Worked examples by language, as earlier turns."""

    @property
    def variables(self) -> frozenset[str]:
        """Return the names that must be given to ``render``."""
        return _template(self.user)[1]

    def render(self, **values: object) -> Prompt:
        """Fill in the variables of the user part.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        user = Message("user", self._filled(self.user, values))
        return Prompt(self.name, self.digest, (Message("system", self.system), user))

    def guided(self, language: str | None, prefill: str, **values: object) -> Prompt:
        """Fill in the variables, with worked examples and the beginning of the answer.

        Args:
            language: That of the worked examples; None, or one that the file has no
                examples in: without.
            prefill: How the answer begins; empty: the model begins it.
            values: The variables of the user part.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        plain = self.render(**values)
        system, user = plain.chat
        answer = (Message("assistant", prefill),) if prefill else ()
        examples = self.examples.get(language or "", ())
        return replace(plain, chat=(system, *examples, user, *answer))

    def prefill(self, **values: object) -> str:
        """Return how the answer begins.

        Raises:
            PromptError: A variable is missing or unknown.
        """
        return self._filled(self.begin, values)

    def _filled(self, text: str, values: Mapping[str, object]) -> str:
        template, names = _template(text)
        if missing_names := names - values.keys():
            raise PromptError(
                f"Prompt {self.name!r} lacks {', '.join(sorted(missing_names))}."
            )
        if extra := values.keys() - names:
            raise PromptError(
                f"Prompt {self.name!r} has no {', '.join(sorted(extra))}."
            )
        return template.substitute(
            {name: str(value).strip() for name, value in values.items()}
        )


@lru_cache
def _template(text: str) -> tuple[Template, frozenset[str]]:
    """Return a template and the names of its variables."""
    template = Template(text)
    return template, frozenset(template.get_identifiers())


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
            raise PromptError(
                f"Prompt {name!r} has a '$' that names no variable; write '$$'."
            )
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return PromptFile(name, digest, **parts, examples=examples)


def _turns(name: str, body: str) -> Chat:
    match = _EXAMPLE.fullmatch(body)
    if not match:
        raise PromptError(
            f"An example of prompt {name!r} needs '### user' and '### assistant'."
        )
    return Message("user", match[1].strip()), Message("assistant", match[2].strip())


def check(name: str, text: str) -> PromptFile:
    """Read the text of a changed prompt and compare it with the default.

    Everything in it must be used: unknown parts, duplicate parts, examples
    and beginnings that no request would show are refused.

    Raises:
        PromptError: It cannot take the place of the default; the text says why.
    """
    default, edition = load_default(name), parse(name, text)
    bare = _COMMENT.sub("", text)
    headings = _HEADING.findall(bare)
    for heading in headings:
        if not _PARTS.match(f"{heading}\n"):
            raise PromptError(
                f"Prompt {name!r} has an unknown part {heading!r}; remove it."
            )
        if headings.count(heading) > 1 and "example" not in heading:
            raise PromptError(
                f"Prompt {name!r} has the part {heading!r} twice; keep one."
            )
    if bare.partition("## ")[0].strip():
        raise PromptError(
            f"Prompt {name!r} has text before its first part; move it into a part."
        )
    _check_variables(default, edition)
    _check_guidance(default, edition)
    return edition


def _check_variables(default: PromptFile, edition: PromptFile) -> None:
    parts = {
        "## user": (default.user, edition.user),
        "## begin": (default.begin, edition.begin),
    }
    for part, texts in parts.items():
        usual, present = (_template(text)[1] for text in texts)
        if usual != present:
            needs = ", ".join(f"${name}" for name in sorted(usual)) or "no variables"
            has = ", ".join(f"${name}" for name in sorted(present)) or "none"
            raise PromptError(
                f"The part {part!r} of prompt {default.name!r} needs {needs}; "
                f"this one has {has}."
            )


def _check_guidance(default: PromptFile, edition: PromptFile) -> None:
    name = default.name
    if bool(default.begin) != bool(edition.begin):
        needs = "needs the part" if default.begin else "cannot have a part"
        raise PromptError(f"Prompt {name!r} {needs} '## begin'.")
    if edition.examples and not USAGES[name].shows_examples:
        raise PromptError(
            f"Prompt {name!r} is asked without worked examples; remove them."
        )
    if extra := edition.examples.keys() - set(LANGUAGES):
        raise PromptError(
            f"Prompt {name!r} has an example in {sorted(extra)[0]!r}; known are "
            f"{', '.join(LANGUAGES)}."
        )


_folder: Path | None = None
_fixed_texts: ContextVar[Mapping[str, str] | None] = ContextVar("fixed", default=None)
_cached_check = lru_cache(maxsize=64)(check)


def use(folder: Path | None) -> None:
    """Read changed prompts from this folder from now on; None: only the defaults.

    It counts for the whole process. Changes of the files are seen by the next ``load``.
    """
    global _folder
    _folder = folder


@contextmanager
def fixed(texts: Mapping[str, str] | None) -> Iterator[None]:
    """Use these changed prompts, by name, and the defaults, whatever the folder has.

    It counts for this thread, within the block. None: nothing is fixed.
    """
    token = _fixed_texts.set(texts)
    try:
        yield
    finally:
        _fixed_texts.reset(token)


def load(name: str) -> PromptFile:
    """Return the prompt of this name: the changed one, or the default.

    Raises:
        PromptError: There is none, or the changed one cannot be used.
    """
    fixed_texts = _fixed_texts.get()
    if fixed_texts is None:
        text = read_changed(_folder, name) if _folder else None
    else:
        text = fixed_texts.get(name)
    if text is None:
        return load_default(name)
    try:
        return _cached_check(name, text)
    except PromptError as error:
        raise PromptError(
            f"{error} Correct this changed prompt under Study, Prompts, or reset it to "
            "its default there.",
            command=f"prompts reset {name}",
        ) from error


def read_changed(folder: Path, name: str) -> str | None:
    """Return the text of a changed prompt; None: this prompt is not changed.

    Raises:
        PromptError: The file cannot be read as UTF-8 text.
    """
    path = folder / f"{name}.md"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            f"{path} cannot be read as UTF-8 text; correct it, or reset the prompt to "
            "its default under Study, Prompts.",
            command=f"prompts reset {name}",
        ) from error


def of_run() -> dict[str, dict[str, str]]:
    """Return the settings of a run that say how its model is asked.

    ``prompts`` are the digests of all prompts by name, ``changed_prompts`` the texts of
    the changed ones: those that are ``fixed``, or else those of the folder.

    Raises:
        PromptError: A changed prompt cannot be used, or no prompt has its name.
    """
    fixed_texts = _fixed_texts.get()
    texts = _changed_texts() if fixed_texts is None else dict(fixed_texts)
    with fixed(texts):
        digests = {name: load(name).digest for name in names()}
    return {"prompts": digests, CHANGED: texts}


def _changed_texts() -> dict[str, str]:
    """Return the texts of the changed prompts of the folder by name."""
    changed_texts: dict[str, str] = {}
    for path in sorted(_folder.glob("*.md")) if _folder else ():
        if path.stem not in USAGES:
            raise PromptError(
                f"{path} is not a prompt; rename or remove it. The prompts are "
                f"{', '.join(names())}."
            )
        if (text := read_changed(path.parent, path.stem)) is not None:
            changed_texts[path.stem] = text
    return changed_texts


@cache
def load_default(name: str) -> PromptFile:
    """Return the prompt of this name as it comes with autolearn.

    Raises:
        PromptError: There is none.
    """
    return parse(name, default_text(name))


def default_text(name: str) -> str:
    """Return the text of a prompt as it comes with autolearn.

    Raises:
        PromptError: There is none.
    """
    path = _FOLDER / f"{name}.md"
    if name not in USAGES or not path.is_file():
        raise PromptError(
            f"There is no prompt {name!r}; choose one of {', '.join(names())}."
        )
    return path.read_text(encoding="utf-8")


def names() -> tuple[str, ...]:
    """Return the names of all prompts, in the order of a study."""
    return tuple(USAGES)
