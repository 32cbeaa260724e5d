"""The units of a text: its headings, sentences, lines of code and rows of tables.

A text is read as Markdown. It is read in blocks, and units are yielded as soon as they
are complete, so its length does not matter. Together the units are the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from autolearn.text import breaks
from autolearn.text.abbreviations import is_within_sentence

LEAST_WRAPPED = 50
"""Characters from which a line may have been wrapped."""
BLOCK = 1 << 16
"""Characters that are collected before units are cut."""

HEADING = re.compile(r"^#{1,6} +(.+?) *#*\s*$")
LONGEST_TITLE = 80
"""Characters of the title of a plain text."""
_TITLE = re.compile(r"[^\W\d_a-z].*[^\s.!?…:;,。！？：；，]\s*$")  # noqa: RUF001
"""The first line of a plain text that may be its title: no sentence, no list item."""
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`\n]*)\n?$")
"""The first or the last line of a code block."""
_FORMULA = "$$"
_FORMULA_LINE = re.compile(r"[ \t]*\$\$[^$]*\Z")
"""The first line of a formula of several lines."""
_DELIMITER = re.compile(
    r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\n?$"
)
"""The line below the header of a table."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line with its end, unlike those of ``str.splitlines`` only at line feeds."""
_MARKER = re.compile(r"[#|>+•\s-]|\*\s|\(?[0-9a-zA-Z]{1,3}[.)]\s")
"""The start of a line that does not continue the one before."""
_NUMBER = re.compile(r"(?:^|\n)[ \t]*\(?\w{1,3}\.$")
"""The number of a list item, whose dot ends no sentence."""
_QUOTES = "\"'”’“»"  # noqa: RUF001
_LOOK = 16
"""Characters after a break that are needed to classify it."""

Block = tuple[str, bool]
"""A part of a text, and whether a passage has to begin with it."""
Kind = Literal["prose", "heading", "fence", "code", "header", "row"]
"""``fence``: the first line of a code block. Its last line is ``code``."""


@dataclass(frozen=True)
class Unit:
    """A stretch of a text that is kept together, with the white space after it."""

    text: str
    kind: Kind = "prose"
    starts_passage: bool = False
    """Whether a passage has to begin with it."""


def of(
    blocks: Iterable[Block], longest: int, *, headings: bool = True
) -> Iterator[Unit]:
    """Yield the units of a text.

    Args:
        blocks: The text.
        longest: Most characters of a unit. Longer ones are divided.
        headings: Whether lines that begin with ``#`` are headings. In a plain text,
            they are not, but its first line may be a title.
    """
    scanner = _Scanner(longest, headings=headings)
    for text, starts_passage in blocks:
        if starts_passage:
            yield from scanner.end()
            scanner.starts_passage = True
        for line in LINE.findall(text):
            yield from scanner.feed(line)
    yield from scanner.end()


class _Scanner:
    """Tells prose from code and tables, line by line."""

    def __init__(self, longest: int, *, headings: bool) -> None:
        self.starts_passage = False
        self._longest, self._headings = longest, headings
        self._prose: list[str] = []
        self._n_prose = 0
        self._line = ""
        self._fence = ""
        self._in_table = False
        self._may_have_title = not headings
        self._first_line = ""

    def feed(self, part: str) -> Iterator[Unit]:
        """Take a line, or a part of it, and yield the units that are complete."""
        self._line += part
        if not self._line.endswith("\n") and len(self._line) < self._longest:
            return
        line, self._line = self._line, ""
        yield from self._take(line)

    def end(self) -> Iterator[Unit]:
        """Yield what is left at the end of a text."""
        if self._line:
            line, self._line = self._line, ""
            yield from self._take(line)
        yield from self._flush()
        self._fence, self._in_table = "", False

    def _take(self, line: str) -> Iterator[Unit]:
        if self._may_have_title and line.strip():
            yield from self._take_title(line)
        if self._fence:
            kind: Kind = "prose" if self._fence == _FORMULA else "code"
            yield from self._pieces(line, kind)
            if closes_fence(line, self._fence):
                self._fence = ""
        elif self._in_table and "|" in line:
            yield from self._pieces(line, "row")
        elif match := FENCE.match(line):
            yield from self._flush()
            self._fence, self._in_table = match[1], False
            yield self._unit(line, "fence")
        elif self._headings and _FORMULA_LINE.match(line):
            yield from self._flush()
            self._fence, self._in_table = _FORMULA, False
            yield from self._pieces(line, "prose")
        elif "|" in line and _DELIMITER.match(line) and "|" in self._last():
            header = self._prose.pop()
            yield from self._flush()
            self._in_table = True
            yield self._unit(header + line, "header")
        else:
            self._in_table = False
            self._prose.append(line)
            self._n_prose += len(line)
            if self._n_prose >= BLOCK:
                yield from self._flush_block()

    def _take_title(self, line: str) -> Iterator[Unit]:
        """Yield the first line of a plain text if it is a title: a blank one follows.

        ``line``: that line, or the next one with text.
        """
        if not self._first_line:
            self._first_line = line
            self._may_have_title = is_title(line)
            return
        self._may_have_title = False
        if self._prose and not self._prose[-1].strip():
            title, self._prose, self._n_prose = "".join(self._prose), [], 0
            yield self._unit(title, "heading")

    def _last(self) -> str:
        return self._prose[-1] if self._prose else ""

    def _flush_block(self) -> Iterator[Unit]:
        """Yield complete units; keep the last line, which may be a table's header."""
        last = self._prose.pop()
        text = "".join(self._prose)
        units, rest = _cut(text, self._longest, continues=True)
        for unit in units:
            yield self._prose_unit(unit)
        self._prose = [rest, last] if rest else [last]
        self._n_prose = len(rest) + len(last)

    def _flush(self) -> Iterator[Unit]:
        for unit in _cut("".join(self._prose), self._longest)[0]:
            yield self._prose_unit(unit)
        self._prose, self._n_prose = [], 0

    def _prose_unit(self, text: str) -> Unit:
        is_heading = self._headings and HEADING.match(text) is not None
        return self._unit(text, "heading" if is_heading else "prose")

    def _pieces(self, line: str, kind: Kind) -> Iterator[Unit]:
        while len(line) > self._longest:
            stop = breaks.last(line, 0, self._longest)
            yield self._unit(line[:stop], kind)
            line = line[stop:]
        yield self._unit(line, kind)

    def _unit(self, text: str, kind: Kind) -> Unit:
        starts_passage, self.starts_passage = self.starts_passage, False
        return Unit(text, kind, starts_passage)


def is_title(line: str) -> bool:
    """Return whether the first line of a plain text may be its title."""
    return len(line) <= LONGEST_TITLE and _TITLE.match(line) is not None


def name_of(heading: str) -> str:
    """Return the words of a heading."""
    match = HEADING.match(heading)
    return match[1] if match else heading.strip()


def closes_fence(line: str, fence: str) -> bool:
    """Return whether a line ends what another one has begun: code, or a formula.

    A formula ends at a blank line as well, since TeX allows none in it.
    """
    if fence == _FORMULA:
        return _FORMULA in line or not line.strip()
    match = FENCE.match(line)
    return match is not None and match[1].startswith(fence) and not match[2].strip()


def _cut(text: str, longest: int, *, continues: bool = False) -> tuple[list[str], str]:
    """Return the units of prose, and what may continue in the next block."""
    units: list[str] = []
    begin = 0

    def take(end: int, *, whole: bool = True) -> None:
        nonlocal begin
        while end - begin > longest:
            stop = breaks.last(text, begin, begin + longest)
            units.append(text[begin:stop])
            begin = stop
        if whole and end > begin:
            units.append(text[begin:end])
            begin = end

    for match in breaks.SENTENCE_END.finditer(text):
        if continues and match.end() + _LOOK > len(text):
            break
        if match.end() > begin and not _is_within(text, match):
            take(match.end())
    take(len(text), whole=not continues)
    return units, text[begin:]


def _is_within(text: str, match: re.Match[str]) -> bool:
    """Return whether a sentence continues after what looks like its end."""
    start, end = match.span()
    if match[0] == "\n":
        return _is_wrapped(text, start, end)
    if text[start] != ".":
        # As in: "Really?" he asked.
        return text[start + 1 : start + 2] in _QUOTES and text[end : end + 1].islower()
    if "\n" not in match[0]:
        is_number = _NUMBER.search(text, max(0, start - 8), start + 1)
        return bool(is_number) or is_within_sentence(text, start, end)
    is_one_paragraph = match[0].count("\n") == 1 and _is_wrapped(text, start, end)
    return is_one_paragraph and is_within_sentence(text, start, end)


def _is_wrapped(text: str, line_end: int, following: int) -> bool:
    """Return whether the line after this one continues the same paragraph."""
    begin = text.rfind("\n", 0, line_end) + 1
    if line_end - begin < LEAST_WRAPPED or _MARKER.match(text, following):
        return False
    return text[begin] not in "#|"
