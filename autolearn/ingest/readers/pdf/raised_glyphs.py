"""Find superscripts that a font draws with glyphs of its own.

Their size and their baseline are those of the text, and their characters are ordinary
digits. Only the outlines of the glyphs stand higher.
"""

import re
from collections.abc import Callable, Iterator

from autolearn.ingest.readers.pdf.shapes import Script

LOWEST, HIGHEST = 0.22, 0.55
"""Place of the lower edge of a raised letter or digit, and its largest height, in font
sizes."""
LOWEST_SIGN = 0.38
"""Place of the lower edge of a raised plus or minus."""
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[0-9A-Za-z]+")
_SIGNS = "+-\u2212\u2013"

Extent = Callable[[int], tuple[float, float]]
"""Returns the lower and the upper edge of a glyph above its baseline, in sizes."""


def parts(
    characters: str, first: int, stop: int, extent: Extent, *, is_short: bool
) -> Iterator[tuple[int, int, Script]]:
    """Yield the parts of a word, and how each is written.

    Args:
        characters: The characters of a page.
        first: Where the word begins.
        stop: Where it ends.
        extent: Where the glyphs of characters stand.
        is_short: Whether its letters may be raised, too.
    """
    start = first
    for match in (_LETTERS if is_short else _DIGITS).finditer(characters, first, stop):
        begin, end = match.span()
        if not _is_raised(extent(end - 1)):
            continue
        begin = next(i for i in range(begin, end) if _is_raised(extent(i)))
        if begin > start and begin == match.start() and characters[begin - 1] in _SIGNS:
            begin -= extent(begin - 1)[0] > LOWEST_SIGN
        if begin > start:
            yield start, begin, ""
        yield begin, end, "super"
        start = end
    if start < stop:
        yield start, stop, ""


def _is_raised(extent: tuple[float, float]) -> bool:
    bottom, top = extent
    return bottom > LOWEST and 0.1 < top - bottom < HIGHEST
