"""Marks in a converted text, each in place of something that is left out."""

import re
import secrets
from collections.abc import Iterator
from itertools import accumulate

from autolearn.ingest.readers.pieces import Piece

_FENCE = re.compile(r"[ \t]*(`{3,})")
"""The beginning or, as a whole line, the end of a code block."""
_FIRST_LINES = re.compile(r"\A(?:[ \t]*\n)+")


class LeftOut:
    """The exclusions of a document, with a mark for each place."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(12)
        self._place = re.compile(f"{self._mark}-([0-9]+)-")
        self._entries: list[tuple[str, str]] = []

    def add(self, text: str, reason: str) -> str:
        """Keep a text; return the mark that takes its place, empty if there is none."""
        text = self._place.sub(self._pop, text)
        if not text.strip():
            return ""
        self._entries.append((text.strip(), reason))
        return f"{self._mark}-{len(self._entries) - 1}-"

    def _pop(self, mark: re.Match[str]) -> str:
        """Take back what a mark within a longer exclusion replaces."""
        text, _ = self._entries[int(mark[1])]
        self._entries[int(mark[1])] = ("", "")
        return text

    def pieces(
        self, markdown: str, *, starts_passage: bool, share: float
    ) -> Iterator[Piece]:
        """Yield a converted text, with the exclusions at their places.

        Exclusions that lost their place in the conversion come last.
        """
        rest = dict(enumerate(self._entries))
        end = "\n\n"
        # Every second part is the number of a mark.
        parts = self._place.split(_without_blank_lines(markdown))
        for i, part in enumerate(parts):
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
    """Return a text with one blank line instead of several, except within code."""
    lines = markdown.split("\n")
    ends = [_n_backticks(_FENCE.fullmatch(line)) for line in lines]
    longest_after = [*accumulate([0, *ends[:0:-1]], max)][::-1]
    kept: list[str] = []
    n_open = 0  # backticks that open the code block of a line; 0 outside of one
    for line, end, longest in zip(lines, ends, longest_after, strict=True):
        is_blank = not line.strip(" \t")
        if n_open:
            n_open = 0 if end >= n_open else n_open
        elif is_blank and kept and not kept[-1].strip(" \t"):
            kept[-1] = ""
            continue
        else:
            n = _n_backticks(_FENCE.match(line))
            n_open = n if n <= longest else 0
        kept.append(line)
    text = _FIRST_LINES.sub("", "\n".join(kept)).rstrip()
    return f"{text}\n\n" if text else ""


def _n_backticks(fence: re.Match[str] | None) -> int:
    return len(fence[1]) if fence else 0
