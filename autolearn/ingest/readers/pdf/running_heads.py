"""Find what pages repeat at their head and foot: titles and page numbers."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

from autolearn.ingest.readers.pdf import line_text
from autolearn.ingest.readers.pdf.shapes import Line

N_ROWS = 3
"""Rows at the head and at the foot of a page that may be repeated."""
ZONE = 0.2
"""Share of the height of a page in which they are."""
LEAST_PAGES = 3
"""Pages on which a line must occur to count; fewer in shorter documents."""
LEAST_DISTANCE = 1.55
"""Distance to the text of the page, in font sizes."""
LARGE = 1.1
"""How much larger than the text a line with a changing number is if it is a title."""
BUCKET = 8
"""Points by which the same line may be higher on another page."""

_NUMBER = re.compile(r"\d{1,4}|\b[ivxlc]+\b")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_PAGE = re.compile(
    r"(?:page|seite|p[aá]gina|pagina|side|sida|strona|str|стр|p|pp|s|of|von|de|sur|di|av|из|"
    r"页|頁|第|共|ページ|쪽)\.?",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+")

Key = tuple[str, int, str]
"""Head or foot, the place on the page, and the text without page numbers."""


class RunningHeads:
    """Lines at the edges of pages, counted."""

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()
        self._n_pages = 0

    def add(self, number: int, lines: Sequence[Line], height: float) -> None:
        """Count the lines at the edges of a page."""
        self._n_pages += 1
        keys = {
            key
            for zone, row in _edge_rows(lines, height)
            for line in row
            for key, _ in _candidates(zone, number, line)
        }
        self._counts.update(keys)

    def on_page(
        self, number: int, lines: Sequence[Line], height: float, body_size: float
    ) -> list[Line]:
        """Return the lines of a page that are running heads or page numbers."""
        least = min(LEAST_PAGES, max(2, self._n_pages))
        heads: list[Line] = []
        for zone in ("head", "foot"):
            rows = [row for z, row in _edge_rows(lines, height) if z == zone]
            head_lines: list[Line] = []
            for row in rows:
                if not any(
                    self._is_repeated(zone, number, line, least, body_size)
                    for line in row
                ):
                    break
                head_lines += row
                if _is_isolated(row, lines, heads + head_lines, zone):
                    heads += head_lines
                    head_lines = []
        return heads

    def _is_repeated(
        self, zone: str, number: int, line: Line, least: int, body_size: float
    ) -> bool:
        return any(
            self._counts[key] >= least
            and (is_literal or line.size <= LARGE * body_size)
            for key, is_literal in _candidates(zone, number, line)
        )


def _candidates(zone: str, number: int, line: Line) -> Iterator[tuple[Key, bool]]:
    """Yield the keys of a line, and whether each has its numbers as they are.

    A number that grows with the pages is replaced by its distance from the page.
    """
    text = line_text.text(line)
    place = round(line.base / BUCKET)
    numbers = _NUMBER.findall(text.lower())
    yield (zone, place, text), True
    if 0 < len(numbers) <= 3 and _may_have_page_number(zone, text):
        for choice in product((False, True), repeat=len(numbers)):
            if any(choice):
                yield (zone, place, _key(text.lower(), number, iter(choice))), False


def _key(text: str, page: int, choice: Iterator[bool]) -> str:
    """Return a text in which some of its numbers are distances from the page."""

    def replaced(match: re.Match[str]) -> str:
        if not next(choice):
            return match[0]
        n = int(match[0]) if match[0].isdigit() else _roman(match[0])
        return f"#{n - page}"

    return _NUMBER.sub(replaced, text)


def _roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text]
    return sum(
        -a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True)
    )


def _may_have_page_number(zone: str, text: str) -> bool:
    """Return whether a line may be a page number, or a title with one.

    A row of numbers is none, and neither is a short title with its own number, such as
    "Lesson 3".
    """
    letters = [w for w in _LETTERS.findall(text) if not _NUMBER.fullmatch(w.lower())]
    words = [word for word in letters if not _PAGE.fullmatch(word)]
    if not words:
        return len(_NUMBER.findall(text.lower())) <= 1 + bool(letters or "/" in text)
    is_at_end = re.match(r"\W*\d+\b|.*\b\d+\W*$", text) is not None
    return is_at_end and (zone == "foot" or len(words) > 1 or len(letters) > len(words))


def _edge_rows(
    lines: Sequence[Line], height: float
) -> Iterator[tuple[str, list[Line]]]:
    """Yield the first and the last rows of a page, the outermost first."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and abs(line.base - rows[-1][0].base) <= 0.4 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows[:N_ROWS]:
        if row[0].base < ZONE * height:
            yield "head", row
    for row in reversed(rows[-N_ROWS:]):
        if row[0].base > (1 - ZONE) * height:
            yield "foot", row


def _is_isolated(
    row: Sequence[Line], lines: Sequence[Line], outer: Sequence[Line], zone: str
) -> bool:
    """Return whether a row is apart from all text further inside the page."""
    ids = {id(line) for line in outer}
    base, size = row[0].base, max(line.size for line in row)
    inner = [
        line.base
        for line in lines
        if id(line) not in ids and (line.base > base) == (zone == "head")
    ]
    return all(abs(other - base) > LEAST_DISTANCE * size for other in inner)
