"""Encode what is written after a fixed text of a chat as it is encoded in the chat.

Tokenizers made from SentencePiece put a space before each text: "Paris" becomes the
token "▁Paris". In a chat, they do so only at its beginning, and some also after each
control token. After a line break, a model therefore reads and writes "Paris".
"""

from collections.abc import Callable

_WORD = "autolearnmark"
"""A word that is encoded on trial."""
_BREAK = "\n"

Encode = Callable[[str], list[int]]


class Continuation:
    """Encodes texts that follow a fixed text, without adding control tokens."""

    def __init__(self, plain: Encode, control: Encode, before: str, lead: str) -> None:
        """See how a word is encoded there.

        Args:
            plain: Encodes a text without control tokens.
            control: Encodes a text of the template, which may have control tokens.
            before: The fixed text, from the beginning of the chat.
            lead: The white space with which each text begins.
        """
        self._plain, self._lead = plain, lead
        word = lead + _WORD
        start, whole = control(before), control(before + word)
        self._is_within = whole != start + plain(
            word
        ) and whole == start + self._within(word)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, without those of what is before it."""
        text = self._lead + text
        return self._within(text) if self._is_within else self._plain(text)

    def _within(self, text: str) -> list[int]:
        """Return the ids of a text as they are in the middle of another."""
        start, whole = self._plain(_BREAK), self._plain(_BREAK + text)
        # The line break may have become part of another token.
        if whole[: len(start)] != start:
            return self._plain(text)
        return whole[len(start) :]
