"""Cut a text into passages: heading- and sentence-aware, every character once.

Tokens are counted by a function that is handed in; nothing here knows a model.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from autolearn.records import Passage

_HEADING = re.compile(r"^#{1,6} +(.+?) *#*\s*$")
_UNIT = re.compile(r"\n[ \t]*\n\s*|(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])|\n")  # noqa: RUF001
_WORD = re.compile(r"\S+\s*|\s+")

CountTokens = Callable[[str], int]


def split(text: str, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """Return passages of at most ``max_tokens`` that together are the whole text.

    A heading opens a passage. A sentence is cut only when it alone is too long, a
    word only when it alone is. ``document_id`` is left 0.
    """
    passages: list[Passage] = []
    start, n_tokens, heading, body = 0, 0, "", False
    end = 0

    def close() -> None:
        nonlocal start, n_tokens, body
        piece = text[start:end]
        if piece:
            passages.append(
                Passage(
                    document_id=0,
                    position=len(passages),
                    start=start,
                    end=end,
                    text=piece,
                    n_tokens=count_tokens(piece),
                    heading=heading,
                )
            )
        start, n_tokens, body = end, 0, False

    for unit in _units(text, count_tokens, max_tokens):
        match = _HEADING.match(unit)
        size = count_tokens(unit)
        if (match and body) or (n_tokens and n_tokens + size > max_tokens):
            close()
        if match:
            heading = match[1]
        body = body or not match
        end += len(unit)
        n_tokens += size
    close()
    return _merge_blank(passages, text, count_tokens)


def n_sentences(text: str) -> int:
    """Return how many sentences a text has, headings not counted."""
    units = (unit.strip() for unit in _UNIT.split(text))
    return sum(1 for unit in units if unit and not _HEADING.match(unit))


def _units(text: str, count_tokens: CountTokens, limit: int) -> Iterator[str]:
    """Yield headings and sentences with the white space that follows them."""
    begin = 0
    for match in _UNIT.finditer(text):
        if match.end() > begin:
            yield from _fit(text[begin : match.end()], count_tokens, limit)
            begin = match.end()
    if begin < len(text):
        yield from _fit(text[begin:], count_tokens, limit)


def _fit(unit: str, count_tokens: CountTokens, limit: int) -> Iterator[str]:
    """Yield the unit, or, if it is too long, its halves between words."""
    if len(unit) == 1 or count_tokens(unit) <= limit:
        yield unit
        return
    words = _WORD.findall(unit)
    parts: Sequence[str] = words if len(words) > 1 else unit
    middle = len(parts) // 2
    yield from _fit("".join(parts[:middle]), count_tokens, limit)
    yield from _fit("".join(parts[middle:]), count_tokens, limit)


def _merge_blank(
    passages: list[Passage], text: str, count_tokens: CountTokens
) -> list[Passage]:
    """Give passages of white space alone to a neighbour."""
    spans: list[tuple[int, int, str]] = []
    for passage in passages:
        blank = not passage.text.strip() or (
            spans and not text[spans[-1][0] : spans[-1][1]].strip()
        )
        if spans and blank:
            first, _, heading = spans[-1]
            spans[-1] = (first, passage.end, heading or passage.heading)
        else:
            spans.append((passage.start, passage.end, passage.heading))
    if len(spans) == len(passages):
        return passages
    return [
        Passage(0, i, a, b, text[a:b], count_tokens(text[a:b]), heading)
        for i, (a, b, heading) in enumerate(spans)
    ]
