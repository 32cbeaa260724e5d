r"""Repair malformed LaTeX, so that the rest of it can be read.

Braces, dollar signs and ``\begin`` are matched. What has no partner is closed or taken
out. A paragraph that stays unreadable, such as one with a formula that does not end, is
replaced by a mark and listed as left out.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from autolearn.core.errors import InputError
from autolearn.ingest.readers.left_out import LeftOut

MALFORMED = "malformed LaTeX"
MOST_ATTEMPTS = 12
"""Paragraphs that are taken out before a file is refused."""
MOST_NAMED = 3
"""Faults that are named in the note."""

_TOKEN = re.compile(
    r"(?P<comment>%[^\n]*)|\\begin\s*\{(?P<begin>[^{}]*)\}|\\end\s*\{(?P<end>[^{}]*)\}"
    r"|\\verb\*?(?P<quote>[^\sa-zA-Z]).*?(?P=quote)|\\.|(?P<dollar>\${1,2})|(?P<brace>[{}])"
    r"|(?P<blank>\n[ \t]*\n)"
)
_BLANK = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"line (\d+)")
VERBATIM = ("verbatim", "verbatim*", "lstlisting", "minted", "Verbatim", "comment")
_FORMULAS = re.compile(
    r"(?:equation|align|alignat|gather|multline|eqnarray|displaymath|math|flalign)\*?"
)
_ROWS = re.compile(r"(?:tabular[x*]?|array|longtable)\*?")

Convert = Callable[[str], bytes]


@dataclass
class _Open:
    """A brace, dollar sign or environment that is open."""

    name: str
    """The name of an environment, a brace or a dollar sign."""
    start: int

    @property
    def close(self) -> str:
        """The text that closes it."""
        ends = {"{": "}", "$": "$", "$$": "$$"}
        return ends.get(self.name, f"\\end{{{self.name}}}")


class _Stack:
    """What is open at a place, with an index so that no look-up reads all of it."""

    def __init__(self) -> None:
        self.items: list[_Open] = []
        self.formulas: list[_Open] = []
        self._counts: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return self._counts[name] > 0

    def is_on_top(self, name: str) -> bool:
        """Return whether what was opened last has a name."""
        return bool(self.items) and self.items[-1].name == name

    def push(self, name: str, start: int) -> None:
        """Open something."""
        item = _Open(name, start)
        self.items.append(item)
        self._counts[name] += 1
        if name in ("$", "$$") or _FORMULAS.fullmatch(name):
            self.formulas.append(item)

    def pop(self) -> _Open:
        """Close what was opened last, and return it."""
        item = self.items.pop()
        self._counts[item.name] -= 1
        if self.formulas and self.formulas[-1] is item:
            self.formulas.pop()
        return item


@dataclass
class _Mender:
    """Matches what is opened and closed in a text."""

    text: str
    left_out: LeftOut
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    """Start, end and replacement of each change."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Place of each fault, and what it is."""
    _stack: _Stack = field(default_factory=_Stack)
    _without_end: set[str] = field(default_factory=set)
    """Verbatim environments that do not end in the rest of the text."""
    _paragraph: int = 0

    def mend(self) -> str:
        """Return the text with missing ends added and needless ends removed."""
        place = 0
        while match := _TOKEN.search(self.text, place):
            place = match.end()
            if (name := match["begin"]) is not None:
                place = self._begin(name, match)
            elif (name := match["end"]) is not None:
                self._end(name, match)
            elif match["brace"] == "{":
                self._stack.push("{", match.start())
            elif match["brace"] == "}":
                self._end("{", match)
            elif match["dollar"]:
                self._dollar(match["dollar"], match)
            elif match["blank"]:
                self._blank(match.start())
                self._paragraph = place = match.end() - 1
        self._blank(len(self.text))
        for item in reversed(self._stack.items):
            self._close(item, len(self.text))
        return self._edited_text()

    def _begin(self, name: str, match: re.Match[str]) -> int:
        if name in VERBATIM and name not in self._without_end:
            closing = f"\\end{{{name}}}"
            if (end := self.text.find(closing, match.end())) >= 0:
                return end + len(closing)
            self._without_end.add(name)
        self._stack.push(name, match.start())
        return match.end()

    def _end(self, name: str, match: re.Match[str]) -> None:
        if name not in self._stack:
            self.faults.append((match.start(), f"{match[0]} closes nothing"))
            self.edits.append((match.start(), match.end(), ""))
            return
        while (item := self._stack.pop()).name != name:
            self._close(item, match.start())

    def _dollar(self, sign: str, match: re.Match[str]) -> None:
        if self._stack.is_on_top(sign):
            self._stack.pop()
        else:
            self._stack.push(sign, match.start())

    def _blank(self, end: int) -> None:
        """Take out a paragraph with a formula that does not end in it."""
        formulas = self._stack.formulas
        if not formulas:
            return
        start = max(self._paragraph, self.text.find("\n", self._paragraph))
        start = min(start + 1, formulas[0].start)
        self.faults.append((formulas[0].start, "a formula does not end"))
        while self._stack.items and self._stack.items[-1].start >= start:
            self._stack.pop()
        self.edits = [edit for edit in self.edits if edit[0] < start]
        mark = self.left_out.add(self.text[start:end], MALFORMED)
        self.edits.append((start, end, mark))

    def _close(self, item: _Open, end: int) -> None:
        """Close what is still open at a place, or at the end of its paragraph."""
        name = item.name if item.name in "{$" else f"\\begin{{{item.name}}}"
        self.faults.append((item.start, f"{name} is not closed"))
        is_short = item.name == "{" or _ROWS.fullmatch(item.name)
        blank = _BLANK.search(self.text, item.start) if is_short else None
        place = min(blank.start(), end) if blank else end
        self.edits.append((place, place, item.close))

    def _edited_text(self) -> str:
        parts, place = [], 0
        for start, end, new in sorted(self.edits, key=lambda edit: edit[:2]):
            parts += [self.text[place:start], new]
            place = max(place, end)
        return "".join([*parts, self.text[place:]])


def convert_malformed(
    text: str, convert: Convert, left_out: LeftOut
) -> tuple[bytes, str]:
    """Convert malformed LaTeX as far as possible.

    Args:
        text: The source.
        convert: Converts a source.
        left_out: Where to keep what is taken out.

    Returns:
        What the mended source is converted to, and a note on what is malformed.

    Raises:
        InputError: It cannot be parsed even when it is mended.
    """
    mender = _Mender(text, left_out)
    repaired_text = mender.mend()
    faults = [f"line {_line(text, at)}: {what}" for at, what in sorted(mender.faults)]
    n_attempts = 0
    while True:
        n_attempts += 1
        try:
            return convert(repaired_text), _note(faults)
        except InputError as error:
            line = _LINE.search(str(error))
            if line is None or n_attempts == MOST_ATTEMPTS:
                raise
            shorter = _without_paragraph(repaired_text, int(line[1]), left_out)
            if shorter == repaired_text:
                raise
            repaired_text = shorter
            faults.append(f"line {line[1]}: a paragraph cannot be parsed")


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _without_paragraph(text: str, line: int, left_out: LeftOut) -> str:
    """Return a text with a mark instead of the paragraph that a line belongs to."""
    starts = [0, *(match.end() for match in _BLANK.finditer(text))]
    lines = text.split("\n")
    place = sum(len(x) + 1 for x in lines[: line - 1])
    i = bisect_right(starts, place) - 1
    start, end = starts[i], starts[i + 1] if i + 1 < len(starts) else len(text)
    limits = re.findall(r"\\(?:begin|end)\{document\}", text[start:end])
    mark = left_out.add(text[start:end], MALFORMED)
    if not mark or limits:
        return text
    return f"{text[:start]}{mark}\n\n{text[end:]}"


def _note(faults: list[str]) -> str:
    sentence = "; ".join(faults[:MOST_NAMED])
    more = f" and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
    return (
        f"the LaTeX source is malformed ({sentence}{more}); what is around these "
        "places may be read wrongly or left out"
    )
