"""Find tables of contents: titles with the numbers of their pages."""

import re
from collections.abc import Sequence
from itertools import pairwise

from autolearn.ingest.readers.pdf import line_text
from autolearn.ingest.readers.pdf.shapes import Line

LEAST_ROWS = 3
LEAST_PLAIN_ROWS = 5
"""Rows without leaders that make a table of contents below its title."""
MOST_BETWEEN = 3
"""Rows without a page number that may be between two with one."""

DENSE = 0.6
"""Share of the rows that have leaders if no title says what they are."""

_LEADERS = re.compile(
    r"(?:(?:[.\u2026\u00b7_]\s?){4,}|\u2026\s?\u2026)\s*[\w-]{0,8}\.?$"
)
_PAGE = re.compile(r"\s(\d{1,4}|[ivxl]{1,6})$")
_TITLE = re.compile(
    r"(?:table of )?contents|inhalt(?:sverzeichnis)?|table des mati[eè]res|sommaire|"
    r"[ií]ndice(?: general)?|sum[aá]rio|inhoud(?:sopgave)?|содержание|оглавление|"
    r"spis tre[sś]ci|目\s*[录次錄]|목차",
    re.IGNORECASE,
)


def find(rows: Sequence[list[Line]]) -> list[Line]:
    """Return the lines of the tables of contents on a page.

    Args:
        rows: The lines on each baseline, from top to bottom.
    """
    texts = [" ".join(line_text.text(line) for line in row) for row in rows]
    entries = [i for i, text in enumerate(texts) if _LEADERS.search(text)]
    title = next(
        (i for i, text in enumerate(texts) if _TITLE.fullmatch(text.strip(" .:"))), None
    )
    if not _are_contents(entries, title):
        entries = _plain_entries(texts, title)
    entry_places = set(entries)
    for a, b in pairwise(entries):
        if b - a <= MOST_BETWEEN + 1:
            entry_places.update(range(a, b))
    if entries and title is not None and 0 <= entries[0] - title <= MOST_BETWEEN + 1:
        entry_places.update(range(title, entries[0]))
    return [line for i in sorted(entry_places) for line in rows[i]]


def _are_contents(entries: Sequence[int], title: int | None) -> bool:
    """Return whether rows with leaders are not part of a form or a table.

    There they are fewer than the rows between them, or there is no title.
    """
    if len(entries) < LEAST_ROWS:
        return False
    return title is not None or len(entries) >= DENSE * (entries[-1] - entries[0] + 1)


def _plain_entries(texts: Sequence[str], title: int | None) -> list[int]:
    """Return the rows below a title that end with growing numbers."""
    if title is None:
        return []
    entries, last = [], 0
    for i in range(title + 1, len(texts)):
        match = _PAGE.search(texts[i])
        if match and (not match[1].isdigit() or last <= int(match[1])):
            entries.append(i)
            last = int(match[1]) if match[1].isdigit() else last
    return entries if len(entries) >= LEAST_PLAIN_ROWS else []
