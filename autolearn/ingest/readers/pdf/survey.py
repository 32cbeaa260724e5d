"""Facts about the whole document, from a first pass."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Literal

from autolearn.core.errors import InputError
from autolearn.ingest.readers.pdf import glyphs, korean, line_joining, line_text
from autolearn.ingest.readers.pdf.korean import KoreanWords
from autolearn.ingest.readers.pdf.running_heads import RunningHeads
from autolearn.ingest.readers.pdf.shapes import (
    Line,
    PageContent,
    RulingLine,
    TurnedLines,
    Word,
)

ReadingFault = Literal["", "damaged", "pictures", "no Unicode"]

LARGER = 1.12
"""A heading is larger than the text by at least this factor."""
MOST_WORDS = 400_000
"""Words of a document that are kept to recognise divided ones."""
MOST_LEVELS = 4
_SENTENCES: dict[ReadingFault, str] = {
    "pictures": "{0} {1} no text, only pictures; a program for text recognition (OCR) "
    "can add it to the file",
    "no Unicode": "{0} {1} fonts that do not say which letters they show, and {2} left "
    "out",
    "damaged": "{0} {2} damaged and left out",
}
LEAST_SPACED = 0.1
"""Share of the lines of Korean that end with a space if the file has such spaces."""
USABLE = 0.5
"""Smallest share of characters with known meaning on a page with text."""


@dataclass
class PageLines:
    """The lines of a page, from top to bottom."""

    number: int
    width: float
    height: float
    lines: list[Line]
    turned_lines: list[TurnedLines]
    rules: list[RulingLine]
    left_out: list[tuple[str, str]]
    """Text without a place among the lines, and why it is left out."""
    fault: ReadingFault = ""
    """Why the page gives no text; empty if it does, or if it is blank."""


@dataclass(frozen=True)
class Facts:
    """The facts that decide how the pages of a document are read."""

    n_pages: int
    body_size: float
    """The size of most of the text."""
    heading_sizes: list[float]
    """Sizes of headings, the largest first."""
    is_bold: bool
    """Whether most of the text is bold."""
    is_mono: bool
    """Whether most of the text is in a font of one width."""
    heads: RunningHeads
    vocabulary: set[str]
    has_spaces_at_line_ends: bool
    """Whether the file has the spaces at the ends of lines of Korean text.

    Their absence then says that the line ends within a word.
    """
    korean: KoreanWords | None
    """Tells which lines end within a word of Korean; None if none do, or if spaces tell
    it."""


@dataclass
class Survey:
    """Counts what is on the pages of a document."""

    n_pages: int
    heads: RunningHeads = field(default_factory=RunningHeads)
    vocabulary: set[str] = field(default_factory=set)
    pages_by_fault: dict[ReadingFault, list[int]] = field(default_factory=dict)
    """Numbers of the pages that give no text, from 1."""
    _sizes: Counter[float] = field(default_factory=Counter)
    _bold: Counter[bool] = field(default_factory=Counter)
    _mono: Counter[bool] = field(default_factory=Counter)
    _spaces: Counter[bool] = field(default_factory=Counter)
    _particles: Counter[bool] = field(default_factory=Counter)
    """Lines of Korean by whether they begin with a particle."""

    def add(self, page: PageLines) -> None:
        """Count what is on a page."""
        if page.fault:
            self.pages_by_fault.setdefault(page.fault, []).append(page.number + 1)
        for line in page.lines:
            n = len(line.characters)
            self._sizes[line.size] += n
            self._bold[line.bold] += n
            self._mono[line.mono] += n
        self._learn(page.lines)
        self._count_spaces(page.lines)
        self.heads.add(page.number, page.lines, page.height)

    def _count_spaces(self, lines: list[Line]) -> None:
        """Count the lines of Korean that end with a space, and those that do not."""
        for line in lines:
            if line_joining.HANGUL.match(line.words[0].text):
                text = line_text.text(line)
                self._particles[korean.begins_with_particle(text)] += 1
        for line, after in pairwise(lines):
            last, first = line.words[-1].text[-1:], after.words[0].text[:1]
            if line_joining.HANGUL.match(last) and line_joining.HANGUL.match(first):
                is_spaced = line_text.is_spaced(line, after)
                if is_spaced is not None:
                    self._spaces[is_spaced] += 1

    def _learn(self, lines: list[Line]) -> None:
        """Keep the words of a page, without those that a line end may divide."""
        if len(self.vocabulary) > MOST_WORDS:
            return
        for line in lines:
            words = line_text.text(line).split()
            end = words[-1][-1:]
            is_divided = end in line_joining.HYPHENS or line_joining.HANGUL.match(end)
            inner = words[1 : -1 if is_divided else None]
            self.vocabulary.update(line_joining.words(" ".join(inner)))

    def facts(self) -> Facts:
        """Return the facts about the document.

        Raises:
            InputError: No page has text.
        """
        if not self._sizes:
            raise InputError(
                "has no text, only pictures of pages or fonts without Unicode; let a "
                "program for text recognition (OCR) read it first."
            )
        body_size = self._sizes.most_common(1)[0][0]
        sizes: list[float] = []
        for size in sorted(self._sizes, reverse=True):
            if size >= LARGER * body_size and (not sizes or sizes[-1] > 1.06 * size):
                sizes.append(size)
        has_spaces = self._spaces[True] > LEAST_SPACED * self._spaces.total()
        is_divided = not has_spaces and korean.divides_words(self._particles)
        return Facts(
            n_pages=self.n_pages,
            body_size=body_size,
            heading_sizes=sizes[-MOST_LEVELS:],
            is_bold=self._bold[True] > self._bold[False],
            is_mono=self._mono[True] > self._mono[False],
            heads=self.heads,
            vocabulary=self.vocabulary,
            has_spaces_at_line_ends=has_spaces,
            korean=KoreanWords(self.vocabulary) if is_divided else None,
        )


def split_usable(words: list[Word]) -> tuple[list[Word], list[tuple[str, str]]]:
    """Return the words that can be read, and the exclusions of a page.

    If most of a page has no meaning, the rest says nothing either.
    """
    if not any([word.left_out for word in words]):
        return words, []
    n_broken = sum(len(w.text) for w in words if w.left_out == glyphs.NO_UNICODE)
    n = sum(len(word.text) for word in words)
    if n_broken > (1 - USABLE) * n:
        text = " ".join(word.text for word in words)
        return [], [(text, glyphs.NO_UNICODE)]
    usable = [word for word in words if not word.left_out]
    others = (word for word in words if word.left_out)
    left_out = [
        (" ".join(word.text for word in group), why)
        for why, group in groupby(others, key=lambda word: word.left_out)
    ]
    return usable, left_out


def why_without_text(content: PageContent, usable: list[Word]) -> ReadingFault:
    """Return why a page gives no text; empty if it does or if it is blank."""
    if usable or content.turned_words or content.is_blank:
        return ""
    return "no Unicode" if content.words else "pictures"


def notes(survey: Survey) -> Iterator[str]:
    """Yield a sentence on each kind of pages that give no text."""
    for fault, pages in survey.pages_by_fault.items():
        yield _SENTENCES[fault].format(*named_pages(pages, survey.n_pages))


def named_pages(pages: list[int], n_pages: int) -> tuple[str, str, str]:
    """Return pages in words, such as "pages 2 to 5 and 7 of 9", and two verbs."""
    spans: list[list[int]] = []
    for page in pages:
        if spans and spans[-1][-1] == page - 1:
            spans[-1].append(page)
        else:
            spans.append([page])
    names = [
        f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans
    ]
    text = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    if len(pages) == 1:
        return f"page {text} of {n_pages}", "has", "is"
    return f"pages {text} of {n_pages}", "have", "are"
