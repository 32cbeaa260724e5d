"""Take comments out of Markdown, which programs that show it hide."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autolearn.ingest.readers.pieces import Piece
from autolearn.text import units

REASON = "comment"
LONGEST = 2**20
"""Characters of a comment; what is longer has no end, and is text."""
_SIGN = re.compile(r"`+|<!--|-->")


def take_out(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield Markdown in whole lines with its comments left out.

    What looks like a comment is none in code, and if it has no end.
    """
    comments, last = _Comments(), Piece("")
    for piece in pieces:
        last = piece
        for text, reason in comments.parts(piece.text):
            yield replace(piece, text=text, left_out=reason)
    yield replace(last, text=comments.rest())


class _Comments:
    """The comment or the code block that the lines so far have begun."""

    def __init__(self) -> None:
        self._fence = ""
        self._comment: list[str] = []
        self._n_comment = 0

    def parts(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the parts of lines, and why each is left out; empty if it is not."""
        visible: list[str] = []
        for line in units.LINE.findall(text):
            for part, is_comment in self._of_line(line):
                if is_comment:
                    yield "".join(visible), ""
                    yield part, REASON
                    visible = []
                else:
                    visible.append(part)
        yield "".join(visible), ""

    def rest(self) -> str:
        """Return the beginning of a comment that has no end."""
        text, self._comment, self._n_comment = "".join(self._comment), [], 0
        return text

    def _of_line(self, line: str) -> Iterator[tuple[str, bool]]:
        """Yield the complete parts of a line, and whether each is a comment."""
        if not self._comment and self._is_code(line):
            yield line, False
            return
        begin, in_code = 0, False
        for sign in _SIGN.finditer(line):
            if self._comment:
                if sign[0] == "-->":
                    yield self.rest() + line[begin : sign.end()], True
                    begin = sign.end()
            elif sign[0] == "<!--" and not in_code:
                yield line[begin : sign.start()], False
                self._comment, begin = [""], sign.start()
            elif sign[0][0] == "`":
                in_code = not in_code
        if not self._comment:
            yield line[begin:], False
            return
        self._comment.append(line[begin:])
        self._n_comment += len(line) - begin
        if self._n_comment > LONGEST:
            yield self.rest(), False

    def _is_code(self, line: str) -> bool:
        """Return whether a line is one of a code block."""
        if self._fence:
            self._fence = "" if units.closes_fence(line, self._fence) else self._fence
            return True
        match = units.FENCE.match(line)
        self._fence = match[1] if match else ""
        return match is not None
