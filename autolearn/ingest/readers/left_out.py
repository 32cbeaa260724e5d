"""Marks in a converted text, each in place of something that is left out."""

import re
import secrets
from collections.abc import Iterator

from autolearn.ingest.readers.pieces import Piece

_BLANK_LINES = re.compile(
    r"^[ \t]*(?P<fence>`{3,}).*?^[ \t]*(?P=fence)`*$|(?P<blank>\n(?:[ \t]*\n){2,})",
    re.M | re.S,
)
"""A code block, which keeps its blank lines, or too many blank lines."""
_FIRST_LINES = re.compile(r"\A(?:[ \t]*\n)+")


class LeftOut:
    """The exclusions of a document, with a mark for each place."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(12)
        self._entries: list[tuple[str, str]] = []

    def add(self, text: str, reason: str) -> str:
        """Keep a text; return the mark that takes its place, empty if there is none."""
        whole = self._split(text)
        text = "".join(
            self._pop(part) if i % 2 else part for i, part in enumerate(whole)
        )
        if not text.strip():
            return ""
        self._entries.append((text.strip(), reason))
        return f"{self._mark}-{len(self._entries) - 1}-"

    def _split(self, text: str) -> list[str]:
        """Return the parts of a text between marks, and the numbers of the marks."""
        return re.split(f"{self._mark}-([0-9]+)-", text)

    def _pop(self, number: str) -> str:
        """Take back what a mark within a longer exclusion replaces."""
        text, _ = self._entries[int(number)]
        self._entries[int(number)] = ("", "")
        return text

    def pieces(
        self, markdown: str, *, starts_passage: bool, share: float
    ) -> Iterator[Piece]:
        """Yield a converted text, with the exclusions at their places.

        Exclusions that lost their place in the conversion come last.
        """
        rest = dict(enumerate(self._entries))
        end = "\n\n"
        for i, part in enumerate(self._split(_without_blank_lines(markdown))):
            if i % 2:
                text, reason = rest.pop(int(part), ("", ""))
                if text:
                    yield Piece(text, left_out=reason, share=share)
                continue
            text = _FIRST_LINES.sub("", part) if end.endswith("\n\n") else part
            if text.strip() or (text and not end.endswith("\n")):
                end = (end + text)[-2:]
                yield Piece(
                    text,
                    starts_passage=starts_passage and bool(text.strip()),
                    share=share,
                )
                starts_passage = starts_passage and not text.strip()
        if not end.endswith("\n\n"):
            yield Piece("\n\n", share=share)
        for text, reason in filter(any, rest.values()):
            yield Piece(text, left_out=reason, share=share)


def _without_blank_lines(markdown: str) -> str:
    text = _BLANK_LINES.sub(lambda m: "\n\n" if m["blank"] else m[0], markdown)
    return _FIRST_LINES.sub("", text).rstrip() + "\n\n" if text.strip() else ""
