"""Join the words of a page to lines, by their place."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import pairwise
from statistics import median
from typing import TypeVar

from autolearn.ingest.readers.pdf import gutters
from autolearn.ingest.readers.pdf.forms import EMPTY, TICK
from autolearn.ingest.readers.pdf.shapes import GAP, SPACE, Line, Word

T = TypeVar("T", Word, Line)

SAME_BASE = 0.3
"""Largest distance of the baselines of one line, in sizes of its font."""
WIDE, OUTLIER = 0.9, 2.0
"""A gap that is wider than both divides two lines: in font sizes, and in usual gaps of
this line."""
WIDEST = 1.6
"""A gap that always divides two lines, in font sizes, unless all gaps are so wide."""
LABEL = 6
"""Words of a label, and of its value."""
WIDEST_BRIDGE, MAX_BRIDGE_DISTANCE = 3.0, 1.5
"""Widest gap that a line above or below closes, and its largest distance, in sizes."""
MAX_RAISED_SIZE, MAX_BASE_SIZE = 0.87, 2.4
"""Largest size of a raised or lowered word, in sizes of its line; and largest size of
the line, in sizes of the word."""
HIGHEST, LOWEST, LEAST_RISE = 0.75, 0.4, 0.1
"""How far words are raised or lowered, in sizes of their line."""
INITIAL = 1.8
"""Size of a letter that begins a chapter, in sizes of the text."""
MAX_RAISED_DISTANCE = 0.35
"""Distance of a raised or lowered word from its neighbour, in sizes of the line."""
MAX_MARK_DISTANCE = 1.5
"""Distance of a mark before the line, in sizes of the line."""
MOST_WORDS, LONGEST = 8, 14
"""Words and characters that are raised or lowered together."""
LONGEST_MARK = 3
"""Characters of the mark before a footnote."""
TIGHT, LOOSE, LOOSE_RTL = 0.08, 0.14, 0.2
"""Gaps between words, in font sizes: where the file has white space at this place,
where the words are not drawn one after the other, and between joined letters."""


def joined(words: Iterable[Word]) -> list[Line]:
    """Return the lines of a page from top to bottom and left to right."""
    all_rows = [sorted(row, key=lambda word: word.x0) for row in _by_baseline(words)]
    cuts = gutters.find(all_rows)
    lines = [
        line
        for row, places in zip(all_rows, cuts, strict=True)
        for line in _divided(row, places)
    ]
    lines.sort(key=lambda line: (line.base, line.x0))
    return joined_if(_with_scripts(lines), _is_filled)


def joined_if(
    lines: Iterable[Line], are_one: Callable[[Line, Line], bool]
) -> list[Line]:
    """Return lines; one that is the rest of the line before is joined to it."""
    result: list[Line] = []
    for line in lines:
        if result and are_one(result[-1], line):
            result[-1] = Line([*result[-1].words, *line.words])
        else:
            result.append(line)
    return result


def _is_filled(before: Line, line: Line) -> bool:
    """Return whether a raised word fills the gap between two lines."""
    return (
        before.words[-1].script != ""
        and abs(line.base - before.base) <= SAME_BASE * line.size
        and 0 <= line.x0 - before.x1 < WIDE * line.size
    )


def without_gaps(lines: Sequence[Line], prose: Set[int]) -> list[Line]:
    """Join lines on one baseline if their gap is not a border between columns.

    It is none if a line above or below goes across it, as in justified text. It is none
    either if no other line begins behind it, or if the lines are a label and its value.

    Args:
        lines: Lines of a page, from top to bottom.
        prose: The ``id`` of lines of running text, which are not labels.
    """
    return _without_gaps(_without_gaps(lines, prose), prose)


def _without_gaps(lines: Sequence[Line], prose: Set[int]) -> list[Line]:
    result: list[Line] = []
    for row in rows(lines):
        are_one = partial(_are_one, row=row, lines=lines, prose=prose)
        result += joined_if(row, are_one)
    return result


def _are_one(
    a: Line, b: Line, *, row: list[Line], lines: Sequence[Line], prose: Set[int]
) -> bool:
    """Return whether the gap between two lines of a row is no border."""
    return (
        _is_bridged(a, b, row, lines)
        or _is_alone(a, b, lines)
        or (_is_labelled(a, b) and not {id(a), id(b)} & prose)
    )


def _is_bridged(a: Line, b: Line, row: list[Line], lines: Sequence[Line]) -> bool:
    """Return whether lines above or below go across the gap between two lines.

    Across a wide gap they must do so on both sides, or begin and end where the lines of
    this row begin and end, as those of a justified paragraph.
    """
    gap = (b.x0 - a.x1) / b.size
    if not -0.2 < gap < WIDEST_BRIDGE or abs(a.size - b.size) > 0.1 * b.size:
        return False
    across = [
        other
        for other in lines
        if 0.5 * b.size < abs(other.base - b.base) < MAX_BRIDGE_DISTANCE * b.size
        and abs(other.size - b.size) < 0.1 * b.size
        and other.x0 < a.x1 - 1
        and other.x1 > b.x0 + 1
    ]
    is_on_both_sides = len({other.base < b.base for other in across}) > 1
    return bool(across) and (
        gap <= WIDEST or is_on_both_sides or any(_is_flush(row, o) for o in across)
    )


def _is_flush(row: list[Line], other: Line) -> bool:
    """Return whether the part of a row over or under a line has the same edges."""
    near = other.size
    inside = [
        line for line in row if line.x0 > other.x0 - near and line.x1 < other.x1 + near
    ]
    return (
        bool(inside)
        and inside[0].x0 < other.x0 + near
        and inside[-1].x1 > other.x1 - near
    )


def _is_alone(a: Line, b: Line, lines: Sequence[Line]) -> bool:
    """Return whether a gap is not so wide and no other line begins behind it."""
    return 0 <= b.x0 - a.x1 < WIDEST * b.size and not any(
        abs(other.base - b.base) < 3 * b.size and abs(other.x0 - b.x0) < 0.6 * b.size
        for other in lines
        if other is not b
    )


def _is_labelled(a: Line, b: Line) -> bool:
    """Return whether the second line is the value of a label, or the tick of a box."""
    is_short = len(a.words) <= LABEL and len(b.words) <= LABEL
    is_label = a.words[-1].text.endswith((":", "\uff1a"))
    return is_short and (is_label or b.words[0].text in (TICK, EMPTY))


def rows(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines on each baseline, from left to right and from top to bottom."""
    for row in _by_baseline(lines):
        yield sorted(row, key=lambda line: line.x0)


def _by_baseline(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the words or lines of each baseline, from top to bottom."""
    row: list[T] = []
    for item in sorted(items, key=lambda item: item.base):
        if row and item.base - row[0].base > SAME_BASE * min(item.size, row[0].size):
            yield row
            row = []
        row.append(item)
    if row:
        yield row


def _divided(row: list[Word], cuts: Sequence[float]) -> Iterable[Line]:
    """Return the parts of a row between wide gaps and gutters."""
    gaps = [b.x0 - a.x1 for a, b in pairwise(row)]
    sizes = {word.size for word in row}
    if not cuts and len(sizes) == 1 and max(gaps, default=0) <= WIDE * row[0].size:
        return [Line(row)]
    word_gaps = [
        gap / b.size
        for gap, (a, b) in zip(gaps, pairwise(row), strict=True)
        if gap > 0.1 * b.size
    ]
    usual = median(word_gaps) if len(word_gaps) > 2 else 0.3

    def is_border(a: Word, b: Word) -> bool:
        widest = max(WIDE, min(OUTLIER * usual, WIDEST)) * max(a.size, b.size)
        is_cut = any(a.x1 <= cut <= b.x0 for cut in cuts)
        return b.x0 - a.x1 > widest or is_cut or _is_initial(a, b)

    return split_at(row, is_border)


def split_at(
    words: list[Word], is_border: Callable[[Word, Word], bool]
) -> Iterator[Line]:
    """Yield the parts of a row of words, divided where two of them have a border."""
    start = 0
    for i, (a, b) in enumerate(pairwise(words), 1):
        if is_border(a, b):
            yield Line(words[start:i])
            start = i
    yield Line(words[start:])


def _is_initial(word: Word, after: Word) -> bool:
    """Return whether a word is a large first letter that goes over several lines."""
    return (
        len(word.text) <= 2 and word.text.isalpha() and word.size > INITIAL * after.size
    )


def _with_scripts(lines: list[Line]) -> list[Line]:
    """Put raised and lowered words into the lines that they belong to."""
    scripts: dict[int, list[Word]] = {}
    script_places = set()
    for i, line in enumerate(lines):
        host = _host(lines, i)
        if host is not None:
            scripts.setdefault(host, []).extend(line.words)
            script_places.add(i)
    return [
        _marked(line, scripts.get(i, []))
        for i, line in enumerate(lines)
        if i not in script_places
    ]


def _host(lines: list[Line], i: int) -> int | None:
    """Return the line that a few small words are raised or lowered from, if any."""
    line = lines[i]
    if len(line.words) > MOST_WORDS or len(line.characters) > LONGEST:
        return None
    directions = (range(i + 1, len(lines)), HIGHEST), (range(i - 1, -1, -1), LOWEST)
    for places, farthest in directions:
        for j in places:
            distance = abs(lines[j].base - line.base)
            if distance > farthest * MAX_BASE_SIZE * line.size:
                break
            if distance <= farthest * lines[j].size and _touches(line, lines[j]):
                return j
    return None


def _touches(line: Line, host: Line) -> bool:
    """Return whether small words are directly at a word of a larger line."""
    is_shorter = len(line.characters) <= len(host.characters)
    if not host.size / MAX_BASE_SIZE <= line.size < host.size or not is_shorter:
        return False
    is_raised = host.base - line.base > LEAST_RISE * host.size
    if is_raised and 0 <= host.x0 - line.x1 < MAX_MARK_DISTANCE * host.size:
        return len(line.words) == 1 and len(line.words[0].text) <= LONGEST_MARK
    if line.size > MAX_RAISED_SIZE * host.size:
        return False
    near = MAX_RAISED_DISTANCE * host.size
    return any(
        abs(line.x0 - word.x1) < near or abs(word.x0 - line.x1) < near
        for word in host.words
    )


def _marked(line: Line, scripts: list[Word]) -> Line:
    """Return a line with its raised and lowered words, each marked as such."""
    smallest = min(word.size for word in line.words)
    if not scripts and smallest > MAX_RAISED_SIZE * line.size:
        return line
    words = []
    for word in line.words + scripts:
        rise = (line.base - word.base) / line.size
        is_small = word.size <= MAX_RAISED_SIZE * line.size or word in scripts
        if is_small and abs(rise) > LEAST_RISE:
            word = word._replace(script="super" if rise > 0 else "sub")
        words.append(word)
    words.sort(key=lambda word: word.x0)
    return Line(words)


def spaces(words: list[Word], *, is_rtl: bool) -> list[bool]:
    """Return for each word of a line whether there is white space on its left."""
    loose = LOOSE_RTL if is_rtl else LOOSE
    return [False, *[_is_spaced(a, b, loose) for a, b in pairwise(words)]]


def _is_spaced(a: Word, b: Word, loose: float) -> bool:
    step = b.order - a.order
    if step in (1, -1):
        space = b.space if step == 1 else a.space
        return space == SPACE or (space == GAP and b.x0 - a.x1 > TIGHT * b.size)
    return b.x0 - a.x1 > loose * max(a.size, b.size)
