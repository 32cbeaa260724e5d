"""Recognise rows that are chats, instructions or questions rather than texts.

They are read as what they are: the prompt of an instruction, or a question with its
answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from autolearn.core.errors import InputError

RowKind = Literal["chats", "instructions", "questions", "feedback", "squad"]
Target = Literal["instructions", "quiz", "control", "corpus", "texts"]

TEXT_COLUMNS = ("text", "content", "passage", "body", "document")
"""Names of columns with the text of a row; the first one that is present is used."""
CHAT_KEYS = (
    "conversations",
    "messages",
    "conversation",
    "dialogue",
    "dialog",
    "turns",
    "chat_messages",
    "contents",
)
_MAPPING = "mapping"
"""The key of the messages in an export of ChatGPT."""
_PROMPT_AND_ANSWER = ("prompt", "completion", "chosen")
"""The keys of the messages in rows of TRL, which has those of the answer apart."""
_TEXTS = ("text", "value", "content", "parts")
_SPEAKERS = ("from", "role", "speaker", "author", "sender")
_ASKING = ("human", "user", "prompter", "client")
_ANSWERING = ("gpt", "assistant", "bot", "chatgpt", "model", "bing", "bard")
_PROMPTS = ("instruction", "prompt", "query")
_RESPONSES = ("output", "response", "completion", "chosen", "answer")
_ANSWERS = frozenset(("answer", "answers", "answerkey", "correct_answer"))
"""Names of the answer to a question."""


@dataclass(frozen=True)
class _Description:
    name: str
    """The content of the rows, in words."""
    targets: tuple[Target, ...]
    """Where they can go."""


_KINDS: dict[RowKind, _Description] = {
    "chats": _Description(
        "chats (ShareGPT or OpenAI messages)",
        ("instructions", "quiz", "control", "texts"),
    ),
    "instructions": _Description(
        "instructions (Alpaca or prompts)",
        ("instructions", "quiz", "control", "texts"),
    ),
    "questions": _Description("questions and answers", ("quiz", "control", "texts")),
    "feedback": _Description("answers with feedback", ("corpus", "texts")),
    "squad": _Description("gold examples (SQuAD)", ("corpus",)),
}
TARGET_NAMES: dict[Target, str] = {
    "instructions": "instructions",
    "quiz": "quiz",
    "control": "control set",
    "corpus": "meta-skill corpus",
    "texts": "texts",
}


class NotTexts(InputError):
    """A file has rows of another kind; the message says where they can go."""

    def __init__(self, message: str, kind: RowKind) -> None:
        super().__init__(message)
        self.kind = kind


KINDS: tuple[RowKind, ...] = tuple(_KINDS)
"""The kinds of rows that are not texts."""


def targets(kind: RowKind) -> tuple[Target, ...]:
    """Return where rows of a kind can go."""
    return _KINDS[kind].targets


def refuse_other_kinds(rows: Sequence[Mapping[str, Any]]) -> None:
    """Check that rows are texts.

    Raises:
        NotTexts: Most of them are something else.
    """
    counts = Counter(kind for kind in map(kind_of, rows) if kind)
    if not counts:
        return
    (kind, n), *_ = counts.most_common(1)
    if n > len(rows) / 2:
        raise NotTexts(_sentence(kind), kind)


def _sentence(kind: RowKind) -> str:
    description = _KINDS[kind]
    names = [f"as {TARGET_NAMES[target]}" for target in description.targets]
    choice = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"holds {description.name}, not texts. It can be added {choice}."


def kind_of(row: Mapping[str, Any]) -> RowKind | None:
    """Return the kind of a row; None if it may be a text."""
    if turns(row):
        return "chats"
    names = {str(name).lower() for name in row}
    if "paragraphs" in names:
        return "squad"
    if {"prompt", "response", "feedback"} <= names:
        return "feedback"
    if names & {*TEXT_COLUMNS, "context"}:
        return None
    if {"story", "questions", "answers"} <= names or (
        "question" in names and names & _ANSWERS
    ):
        return "questions"
    if names & {"instruction", "prompt"}:
        return "instructions"
    return None


def turns(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the speakers and texts of a chat; empty if the row is none."""
    for value in (*(row.get(key) for key in CHAT_KEYS), _branch(row), _joined(row)):
        if isinstance(value, list) and all(isinstance(turn, dict) for turn in value):
            talk = [(_first(turn, _SPEAKERS), _turn_text(turn)) for turn in value]
            if any(speaker and text for speaker, text in talk):
                return talk
    return []


def _joined(row: Mapping[str, Any]) -> list[Any]:
    """Return the messages of a prompt and its answer; empty if a prompt has none."""
    if not isinstance(row.get("prompt"), list):
        return []
    parts = (row.get(name) for name in _PROMPT_AND_ANSWER)
    return [turn for part in parts if isinstance(part, list) for turn in part]


def _branch(row: Mapping[str, Any]) -> list[Any]:
    """Return the messages of an export of ChatGPT, which keeps them as a tree.

    They are those of the branch that was open last, or all of them.
    """
    nodes = row.get(_MAPPING)
    if not isinstance(nodes, dict):
        return []
    names: dict[str, None] = {}
    name = row.get("current_node")
    while isinstance(name, str) and name not in names and name in nodes:
        names[name] = None
        name = nodes[name].get("parent") if isinstance(nodes[name], dict) else None
    messages = (
        nodes[name].get("message")
        for name in ([*names][::-1] or nodes)
        if isinstance(nodes[name], dict)
    )
    return [_turn(message) for message in messages if isinstance(message, dict)]


def _turn(message: Mapping[str, Any]) -> dict[str, Any]:
    author, content = message.get("author"), message.get("content")
    content = content if isinstance(content, dict) else {}
    parts = content.get("parts")
    # Code has its text in one piece.
    texts = parts if isinstance(parts, list) else [content.get("text")]
    return {
        "role": author.get("role") if isinstance(author, dict) else None,
        "text": "\n".join(text for text in texts if isinstance(text, str)),
    }


def prompt_of(row: Mapping[str, Any]) -> str:
    """Return what a row asks a model to do; empty if it asks nothing.

    Of a chat it is the first user turn: later ones need those before them.
    """
    if talk := turns(row):
        prompts = [text for who, text in talk if who.lower() in _ASKING]
        return prompts[0] if prompts else ""
    prompt, more = _first(row, _PROMPTS), _first(row, ("input",))
    return f"{prompt}\n\n{more}" if prompt and more else prompt


def answer_of(row: Mapping[str, Any]) -> str:
    """Return the answer to the prompt of a row; empty if it has none."""
    if talk := turns(row):
        prompt = prompt_of(row)
        for (_, text), (who, reply) in pairwise(talk):
            if text == prompt:
                return reply if who.lower() in _ANSWERING else ""
        return ""
    return _first(row, _RESPONSES)


def with_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its chat, if it has one, as the text of the row."""
    talk = turns(row)
    if not talk:
        return dict(row)
    joined_names = _PROMPT_AND_ANSWER if _joined(row) else ()
    rest = {
        name: value
        for name, value in row.items()
        if name not in (*CHAT_KEYS, _MAPPING)
        and not (name in joined_names and isinstance(value, list))
    }
    lines = (f"{_speaker(who)}: {text}" for who, text in talk)
    return {**rest, "text": "\n\n".join(lines)}


def _speaker(name: str) -> str:
    if name.lower() in _ASKING:
        return "User"
    return "Assistant" if name.lower() in _ANSWERING else name.capitalize() or "Unknown"


def _turn_text(turn: Mapping[str, Any]) -> str:
    """Return the first text of a turn that is not empty; it may have parts."""
    return next(filter(None, (_text_of(turn.get(name)) for name in _TEXTS)), "")


def _text_of(value: Any) -> str:
    if isinstance(value, list):
        parts = (part.get("text") for part in value if isinstance(part, dict))
        value = "\n".join(part for part in parts if isinstance(part, str))
    return value.strip() if isinstance(value, str) else ""


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    values = (row.get(name) for name in names)
    return next((v.strip() for v in values if isinstance(v, str) and v.strip()), "")
