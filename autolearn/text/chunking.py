"""Cut a text into passages: heading- and sentence-aware, every character once.

A function counts the tokens; nothing here knows a model. A text is read in blocks, and
passages are yielded as soon as they are full, so its length does not matter. A passage
that begins within a table or a code block repeats its first lines, so that it can be
understood alone. These are the only characters that the text does not have.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autolearn.core.records import Passage
from autolearn.text import breaks, units
from autolearn.text.units import Block, Unit

SIGNS_PER_TOKEN = 32
"""More characters than any token has; longer units are cut before they are counted."""
REPEATED_SHARE = 0.4
"""Largest share of a passage that the repeated lines of a table or code may take."""

_INNER_KINDS = ("code", "row")
"""Kinds of units that belong to the same code or table as the unit before."""

CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class Chunk:
    """A passage, and how many characters at its beginning are repeated."""

    passage: Passage
    n_repeated: int


@dataclass(frozen=True)
class _PassagePart:
    """A unit, or a part of it, that fits into a passage."""

    text: str
    n_tokens: int
    is_heading: bool = False
    repeated_line: str = ""
    """What a passage that begins with this part repeats."""
    starts_passage: bool = False


def split(text: str, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """Return passages of at most ``max_tokens`` that together are the whole text."""
    pieces = chunks([(text, False)], count_tokens, max_tokens)
    return [chunk.passage for chunk in pieces]


def chunks(
    blocks: Iterable[Block],
    count_tokens: CountTokens,
    max_tokens: int,
    *,
    headings: bool = True,
) -> Iterator[Chunk]:
    """Yield passages of at most ``max_tokens`` that together are all blocks.

    A heading opens a passage. A sentence or a code block is cut only when it alone is
    too long, a word only when it alone is, a number never if it can be avoided. White
    space belongs to the text before it, however long it is. ``document_id`` is left
    0. Places of passages count the repeated characters.

    Args:
        blocks: The text.
        count_tokens: Returns how many tokens a text has.
        max_tokens: Most tokens of a passage.
        headings: As in ``units.of``.
    """
    longest = SIGNS_PER_TOKEN * max_tokens
    cutter = _UnitCutter(count_tokens, max_tokens, longest)
    draft, has_to_close = _PassageDraft(count_tokens, max_tokens), False
    for part in cutter.parts(units.of(blocks, longest, headings=headings)):
        has_to_close = has_to_close or part.starts_passage
        if has_to_close and part.text.strip():
            has_to_close = False
            while draft.has_text:
                yield draft.close()
        while (part.is_heading and draft.has_body) or (
            draft.has_text and part.text.strip() and draft.is_full(part)
        ):
            yield draft.close()
        draft.add(part)
    while draft.parts:
        yield draft.close()


def n_sentences(text: str) -> int:
    """Return the number of sentences of a text, without headings."""
    return sum(
        1 for unit, is_heading in sentences(text) if unit.strip() and not is_heading
    )


def sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the sentences and headings of a text, and whether each is a heading.

    Lines of code and rows of tables are sentences. A table's header is a heading.
    """
    for unit in units.of([(text, False)], len(text) + 1):
        yield unit.text, unit.kind in ("heading", "header", "fence")


class _UnitCutter:
    """Makes parts that fit into a passage from units."""

    def __init__(self, count_tokens: CountTokens, limit: int, longest: int) -> None:
        self._count, self._limit, self._longest = count_tokens, limit, longest
        self._waiting_units: list[Unit] = []
        self._n_held = 0
        self._repeated_line, self._n_repeated = "", 0

    def parts(self, stream: Iterable[Unit]) -> Iterator[_PassagePart]:
        """Yield the parts. A code block, or a header with a row, is one if it fits."""
        for unit in stream:
            if unit.kind not in _INNER_KINDS:
                yield from self._release()
                self._repeated_line, self._n_repeated = "", 0
            if unit.kind in ("fence", "header"):
                self._hold(unit)
                self._repeat(unit.text)
            elif self._waiting_units:
                self._hold(unit)
                if unit.kind == "row" or self._n_held > self._longest:
                    yield from self._release()
            else:
                yield from self._fit(unit)
        yield from self._release()

    def _hold(self, unit: Unit) -> None:
        self._waiting_units.append(unit)
        self._n_held += len(unit.text)

    def _repeat(self, line: str) -> None:
        says_nothing = not any(sign.isalnum() or sign in "`~" for sign in line)
        n_tokens = self._count(line)
        if not says_nothing and n_tokens <= REPEATED_SHARE * self._limit:
            self._repeated_line, self._n_repeated = line, n_tokens

    def _release(self) -> Iterator[_PassagePart]:
        """Yield the held units as one part if it fits, otherwise one by one."""
        held_parts, self._waiting_units, self._n_held = self._waiting_units, [], 0
        if not held_parts:
            return
        text = "".join(unit.text for unit in held_parts)
        size = self._count(text)
        if size <= self._limit:
            yield _PassagePart(text, size, starts_passage=held_parts[0].starts_passage)
            return
        for i, unit in enumerate(held_parts):
            yield from self._fit(unit, is_first=i == 0)

    def _fit(self, unit: Unit, *, is_first: bool = False) -> Iterator[_PassagePart]:
        """Yield a unit, or its halves if it is too long for a passage."""
        is_inside = unit.kind in _INNER_KINDS and not is_first
        repeated_head = self._repeated_line if is_inside else ""
        limit = self._limit - (self._n_repeated if repeated_head else 0)
        starts_passage = unit.starts_passage
        for text, size in _halves(unit.text, self._count, limit):
            yield _PassagePart(
                text, size, unit.kind == "heading", repeated_head, starts_passage
            )
            starts_passage = False


class _PassageDraft:
    """The passage that is being filled."""

    def __init__(self, count_tokens: CountTokens, max_tokens: int) -> None:
        self._count, self._most = count_tokens, max_tokens
        self.parts: list[_PassagePart] = []
        self._repeated_line = ""
        self._n_tokens = self._start = self._position = 0
        self._heading = ""
        self.has_body = self.has_text = False

    def is_full(self, part: _PassagePart) -> bool:
        """Return whether a part does not fit into this passage."""
        return self._n_tokens + part.n_tokens > self._most

    def add(self, part: _PassagePart) -> None:
        """Add a part, after what it has to repeat if the passage begins with it."""
        if part.repeated_line and not self.has_text:
            self._repeated_line = part.repeated_line
            self._n_tokens += self._count(part.repeated_line)
        if part.is_heading:
            self._heading = units.name_of(part.text)
        self.parts.append(part)
        self._n_tokens += part.n_tokens
        self.has_text = self.has_text or bool(part.text.strip())
        self.has_body = self.has_body or (not part.is_heading and self.has_text)

    def close(self) -> Chunk:
        """Return the passage; parts are held back if they have more tokens together.

        A tokenizer may split a text across a border differently than its two sides.
        """
        over = []
        fits_apart = self._n_tokens <= self._most
        text, n_tokens = self._joined()
        while fits_apart and n_tokens > self._most and len(self.parts) > 1:
            over.append(self.parts.pop())
            text, n_tokens = self._joined()
        end = self._start + len(text)
        passage = Passage(
            document_id=0,
            position=self._position,
            start=self._start,
            end=end,
            text=text,
            n_tokens=n_tokens,
            heading=self._heading,
        )
        chunk = Chunk(passage, len(self._repeated_line))
        self.parts, self._repeated_line, self._n_tokens, self._start = [], "", 0, end
        self._position += 1
        self.has_body = self.has_text = False
        for part in reversed(over):
            self.add(part)
        return chunk

    def _joined(self) -> tuple[str, int]:
        text = self._repeated_line + "".join(part.text for part in self.parts)
        return text, self._count(text)


def _halves(text: str, count: CountTokens, limit: int) -> Iterator[tuple[str, int]]:
    """Yield a text, or, if it is too long, its halves; and the size of each."""
    size = count(text)
    if size <= limit or len(text) == 1 or not text.strip():
        yield text, size
        return
    middle = breaks.middle(text)
    yield from _halves(text[:middle], count, limit)
    yield from _halves(text[middle:], count, limit)
