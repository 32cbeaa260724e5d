"""Translate a regular expression into GBNF, the grammar notation of llama.cpp.

vLLM and SGLang read the same notation. Only what ``constraints.Pattern`` allows is
translated: literals, classes, groups, alternatives and quantifiers.
"""

import re

from autolearn.core.errors import InputError

_SPACES = r" \t-\r\x1C-\x1F\x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
"""The characters that ``\\s`` matches in Python."""
_CLASSES = {"s": _SPACES, "d": "0-9", "w": "0-9A-Z_a-z"}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_REPEAT = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")


def escape(character: str, special: str) -> str:
    """Return a character within quotes or a class of a grammar."""
    code = ord(character)
    if character in special or character == "\\":
        return f"\\{character}"
    if character in "\n\t\r":
        return {"\n": r"\n", "\t": r"\t", "\r": r"\r"}[character]
    return f"\\x{code:02X}" if code < 32 or code == 127 else character


def literal(text: str) -> str:
    """Return the grammar of a literal text."""
    return '"' + "".join(escape(character, '"') for character in text) + '"'


def to_gbnf(regex: str) -> str:
    """Return the grammar of a regular expression, as one expression.

    Raises:
        InputError: The expression has something that has no translation.
    """
    reader = _RegexReader(regex)
    grammar = reader.alternatives()
    if not reader.is_at_end:
        raise reader.error()
    return grammar


class _RegexReader:
    """Reads a regular expression from left to right."""

    def __init__(self, regex: str) -> None:
        self._regex, self._at = regex, 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._regex)

    def error(self) -> InputError:
        return InputError(
            f"The pattern {self._regex!r} cannot be translated for a server (at "
            f"position {self._at})."
        )

    def alternatives(self) -> str:
        """Read sequences with ``|`` between them."""
        sequences = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            sequences.append(self._sequence())
        return " | ".join(sequences)

    def _sequence(self) -> str:
        items = []
        while not self.is_at_end and self._peek() not in "|)":
            items.append(self._item())
        return " ".join(items) or '""'

    def _item(self) -> str:
        atom = self._atom()
        repeat = _REPEAT.match(self._regex, self._at)
        if repeat is None:
            return atom
        self._at = repeat.end()
        if self._peek() in ("?", "+"):  # lazy and possessive ones
            raise self.error()
        return atom + repeat.group()

    def _atom(self) -> str:
        character = self._next()
        if character == "[":
            return self._class()
        if character == "(":
            return self._group()
        if character == "\\":
            return self._escape()
        if character == ".":
            return r"[^\n]"
        if character in "*+?{}^$":
            raise self.error()
        return literal(character)

    def _group(self) -> str:
        if self._peek() == "?":
            if not self._regex.startswith("?:", self._at):
                raise self.error()
            self._at += 2
        grammar = self.alternatives()
        if self._peek() != ")":
            raise self.error()
        self._at += 1
        return f"({grammar})"

    def _escape(self) -> str:
        character = self._next()
        if character.lower() in _CLASSES:
            negation = "^" if character.isupper() else ""
            return f"[{negation}{_CLASSES[character.lower()]}]"
        return literal(self._plain(character))

    def _plain(self, character: str) -> str:
        """Return the character that a backslash and the next character mean."""
        if character in _CONTROL:
            return _CONTROL[character]
        if character.isalnum():
            raise self.error()
        return character

    def _class(self) -> str:
        negation = ""
        if self._peek() == "^":
            negation = self._next()
        members = ""
        while self._peek() != "]" or not members:
            members += self._member()
        self._at += 1
        return f"[{negation}{members}]"

    def _member(self) -> str:
        character = self._next()
        if character == "\\":
            character = self._next()
            if character in _CLASSES:
                return _CLASSES[character]
            return escape(self._plain(character), "]^-")
        # A hyphen between two characters is a range in both notations.
        return character if character == "-" else escape(character, "]^")

    def _peek(self) -> str:
        return self._regex[self._at : self._at + 1]

    def _next(self) -> str:
        if self.is_at_end:
            raise self.error()
        self._at += 1
        return self._regex[self._at - 1]
