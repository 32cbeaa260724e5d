"""Cut a text into passages: heading- and sentence-aware, every character once.

Tokens are counted by a function that is handed in; nothing here knows a model. A text
comes in blocks and passages leave as they are full, so its length does not matter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from autolearn.core.records import Passage

WRAPPED = 50
"""A line of at least so many characters may have been wrapped."""
SIGNS_PER_TOKEN = 32
"""More characters than any token has; longer units are cut before they are counted."""
BLOCK = 1 << 16
"""Characters that are collected before units are cut."""

_HEADING = re.compile(r"^#{1,6} +(.+?) *#*\s*$")
_UNIT = re.compile(
    r"\n[ \t]*\n\s*|(?<=[.!?])[\"'”’)\]]*\s+|(?<=[。！？])|\n"  # noqa: RUF001
    # Many texts from the web lack the space between two sentences ("in 2020.The film").
    r"|(?<=[a-z\d)]{2}[.!?])(?=[A-Z][a-z]*\s)"
)
_MARKER = re.compile(r"[#|>+•\s-]|\*\s|\(?[0-9a-zA-Z]{1,3}[.)]\s")
"""The start of a line that does not continue the one before."""
_SHORT = re.compile(
    r"\b(?:Mrs?|Ms|Dr|Prof|St|Sr|Jr|Bros|Inc|Ltd|Corp|Co|vs|cf|al|Figs?|Eqs?|Vol|pp?|eds?|approx|lit|transl|No|ca"
    r"|e\.g|i\.e|[A-Z])\.$"
)
"""An abbreviation, whose dot ends no sentence."""
_LOOK = 16
"""Characters after a break that are needed to classify it."""
_WORD = re.compile(r"\S+\s*|\s+")

CountTokens = Callable[[str], int]
Block = tuple[str, bool]
"""A part of a text, and whether a passage has to begin with it."""


def split(text: str, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """Return passages of at most ``max_tokens`` that together are the whole text."""
    return list(passages([(text, False)], count_tokens, max_tokens))


def passages(
    blocks: Iterable[Block], count_tokens: CountTokens, max_tokens: int
) -> Iterator[Passage]:
    """Yield passages of at most ``max_tokens`` that together are all blocks.

    A heading opens a passage. A sentence is cut only when it alone is too long, a
    word only when it alone is. White space belongs to what stands before it, however
    long it is. ``document_id`` is left 0.
    """
    longest = SIGNS_PER_TOKEN * max_tokens
    draft, has_to_close = _Draft(count_tokens, max_tokens), False
    for unit, opens in _units(blocks, longest):
        has_to_close = has_to_close or opens
        if has_to_close and unit.strip():
            has_to_close = False
            while draft.says:
                yield draft.close()
        for part, size in _fit(unit, count_tokens, max_tokens):
            heading = _HEADING.match(part)
            while (heading and draft.has_body) or (
                draft.says and part.strip() and draft.n_tokens + size > max_tokens
            ):
                yield draft.close()
            if heading:
                draft.heading = heading[1]
            draft.add(part, size, is_body=not heading)
    while draft.parts:
        yield draft.close()


def n_sentences(text: str) -> int:
    """Return the number of sentences of a text, without headings."""
    return sum(1 for unit, is_heading in units(text) if unit.strip() and not is_heading)


def units(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the sentences and headings of a text, and whether each is a heading."""
    for unit, _ in _units([(text, False)], len(text) + 1):
        yield unit, _HEADING.match(unit.strip()) is not None


class _Draft:
    """The passage that is being filled."""

    def __init__(self, count_tokens: CountTokens, max_tokens: int) -> None:
        self._count, self._most = count_tokens, max_tokens
        self.parts: list[tuple[str, int, bool]] = []
        self.n_tokens = self.start = self.position = 0
        self.heading = ""
        self.has_body = self.says = False

    def add(self, part: str, n_tokens: int, *, is_body: bool) -> None:
        self.parts.append((part, n_tokens, is_body))
        self.n_tokens += n_tokens
        self.says = self.says or bool(part.strip())
        self.has_body = self.has_body or (is_body and self.says)

    def close(self) -> Passage:
        """Return the passage; parts stay behind if they are more together than apart.

        A tokenizer may read what stands across a border otherwise than its sides.
        """
        over = []
        fits_apart = self.n_tokens <= self._most
        text, n_tokens = self._joined()
        while fits_apart and n_tokens > self._most and len(self.parts) > 1:
            over.append(self.parts.pop())
            text, n_tokens = self._joined()
        end = self.start + len(text)
        passage = Passage(
            document_id=0,
            position=self.position,
            start=self.start,
            end=end,
            text=text,
            n_tokens=n_tokens,
            heading=self.heading,
        )
        self.parts, self.n_tokens, self.start = [], 0, end
        self.position += 1
        self.has_body = self.says = False
        for part, size, is_body in reversed(over):
            self.add(part, size, is_body=is_body)
        return passage

    def _joined(self) -> tuple[str, int]:
        text = "".join(part for part, *_ in self.parts)
        return text, self._count(text)


def _units(blocks: Iterable[Block], longest: int) -> Iterator[Block]:
    """Yield headings and sentences with the white space that follows them."""
    buffer: list[str] = []
    n_buffer, opens = 0, False
    for text, opens_here in blocks:
        if opens_here:
            yield from _cut("".join(buffer), longest, opens=opens)[0]
            buffer, n_buffer, opens = [], 0, True
        buffer.append(text)
        n_buffer += len(text)
        if n_buffer >= BLOCK:
            units, rest = _cut("".join(buffer), longest, opens=opens, goes_on=True)
            yield from units
            buffer, n_buffer, opens = [rest], len(rest), opens and not units
    yield from _cut("".join(buffer), longest, opens=opens)[0]


def _cut(
    text: str, longest: int, *, opens: bool, goes_on: bool = False
) -> tuple[list[Block], str]:
    """Return the units of a text, and what may go on in the next block."""
    units: list[Block] = []
    begin = 0

    def take(end: int, *, whole: bool = True) -> None:
        nonlocal begin
        while end - begin > longest:
            space = text.rfind(" ", begin + 1, begin + longest) + 1
            stop = space or begin + longest
            units.append((text[begin:stop], opens and not units))
            begin = stop
        if whole and end > begin:
            units.append((text[begin:end], opens and not units))
            begin = end

    for match in _UNIT.finditer(text):
        if goes_on and match.end() + _LOOK > len(text):
            break
        if match.end() > begin and not _is_within(text, match):
            take(match.end())
    take(len(text), whole=not goes_on)
    return units, text[begin:]


def _is_within(text: str, match: re.Match[str]) -> bool:
    """Return whether a sentence continues after what looks like its end."""
    start, end = match.span()
    if match[0] != "\n":
        return bool(_SHORT.search(text, max(0, start - 8), start))
    begin = text.rfind("\n", 0, start) + 1
    if start - begin < WRAPPED or _MARKER.match(text, end):
        return False
    return text[begin] not in "#|"


def _fit(unit: str, count_tokens: CountTokens, limit: int) -> Iterator[tuple[str, int]]:
    """Yield the unit, or, if it is too long, its halves between words; and its size."""
    size = count_tokens(unit)
    if size <= limit or len(unit) == 1 or not unit.strip():
        yield unit, size
        return
    words = _WORD.findall(unit)
    parts: Sequence[str] = words if len(words) > 1 else unit
    middle = len(parts) // 2
    yield from _fit("".join(parts[:middle]), count_tokens, limit)
    yield from _fit("".join(parts[middle:]), count_tokens, limit)
