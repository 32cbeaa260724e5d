"""Write the blocks of all pages as one text.

A paragraph may continue in the next column or on the next page. What is between, such
as a footnote or a table, is written after it.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from autolearn.ingest.readers.pdf import (
    columns,
    korean,
    layout,
    line_joining,
    line_text,
    misread_pages,
    survey,
)
from autolearn.ingest.readers.pdf.blocks import Block
from autolearn.ingest.readers.pdf.layout import TypedText
from autolearn.ingest.readers.pdf.misread_pages import Doubt
from autolearn.ingest.readers.pdf.shapes import Line, PageTable
from autolearn.ingest.readers.pdf.survey import Facts, PageLines

HYPHEN = "hyphen at the end of a line"
REPEATED_HEAD = "repeated head of a table"
MOST_HELD = 60
"""Blocks that are kept back until a paragraph ends."""


PartOnPage = tuple[int, TypedText]
"""The number of a page from 1, and a part of its text."""


class Flow:
    """Writes pages one after the other."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._open: Block | None = None
        self._open_parts: list[TypedText] = []
        """The paragraph that may continue."""
        self._waiting_blocks: list[tuple[int, Block]] = []
        """What is written after it, and the page that each is on."""
        self._number = self._first_page = 0
        """The page that is being read, and the one that the paragraph begins on."""
        self._table: PageTable | None = None
        """The last table, as long as nothing follows it."""
        self._doubts: dict[Doubt, list[int]] = {}
        """The pages that may have been read wrongly."""

    def page(self, page: PageLines) -> Iterator[PartOnPage]:
        """Yield the text of a page, as far as it is complete, and its exclusions."""
        self._number = page.number + 1
        parts = layout.on_page(page, self._facts)
        for doubt in parts.doubts:
            self._doubts.setdefault(doubt, []).append(self._number)
        yield from ((self._number, part) for part in parts.left_out)
        for block in parts.blocks:
            yield from self._add(block)

    def rest(self) -> Iterator[PartOnPage]:
        """Yield the blocks that were kept back."""
        yield from self._close()

    def notes(self) -> Iterator[str]:
        """Yield a sentence on each kind of pages that may have been read wrongly."""
        for doubt, pages in self._doubts.items():
            page_numbers = survey.named_pages(pages, self._facts.n_pages)
            yield misread_pages.SENTENCES[doubt].format(*page_numbers)

    def _add(self, block: Block) -> Iterator[PartOnPage]:
        if self._is_held(block):
            self._waiting_blocks.append((self._number, block))
            if len(self._waiting_blocks) > MOST_HELD:
                yield from self._close()
        elif block.kind in ("text", "item") and self._continues(block):
            self._open_parts += self._continued(block)
            self._open = block
        else:
            yield from self._close(before_item=block.kind == "item")
            if block.kind in ("text", "item"):
                self._open, self._first_page = block, self._number
                self._open_parts = self._paragraph(block.lines)
            else:
                yield from ((self._number, part) for part in self._block(block))

    def _is_held(self, block: Block) -> bool:
        """Return whether a block interrupts a paragraph and is written after it."""
        if self._open is None or self._is_ended():
            return False
        may_have_labels = not self._facts.is_mono  # typed pages have no figures
        is_label = block.kind == "text" and self._open.is_full and block.is_label
        is_beside_text = block.kind in ("note", "aside", "table")
        return is_beside_text or (may_have_labels and is_label)

    def _is_ended(self) -> bool:
        return columns.is_sentence_end(self._open_text())

    def _open_text(self) -> str:
        """Return the end of the open paragraph."""
        return _text(self._open_parts[-3:])

    def _continues(self, block: Block) -> bool:
        """Return whether a block is the rest of the open paragraph."""
        if self._open is None or block.kind == "item" or self._is_ended():
            return False
        if not (block.begins_column or self._waiting_blocks) or not _are_alike(
            self._open, block
        ):
            return False
        is_divided = self._open_text().endswith(tuple(line_joining.HYPHENS))
        is_low = line_text.text(block.lines[0])[:1].islower()
        is_text = len(self._open.lines) > 1  # and no label in a figure
        has_table = any(waiting.table for _, waiting in self._waiting_blocks)
        is_full = self._open.is_full and (is_text or is_low or not has_table)
        return is_full or is_divided or (is_low and is_text)

    def _continued(self, block: Block) -> list[TypedText]:
        parts = self._paragraph(block.lines)
        before = self._open.lines[-1] if self._open else block.lines[0]
        is_spaced = self._is_spaced(before, block.lines[0])
        return [*self._joint(self._open_parts, parts[0][0], is_spaced), *parts]

    def _close(self, *, before_item: bool = False) -> Iterator[PartOnPage]:
        """Yield the open paragraph and the blocks that were kept back for it."""
        if self._open is not None:
            is_list = (
                before_item and self._open.kind == "item" and not self._waiting_blocks
            )
            end = "\n" if is_list else "\n\n"
            for part in [*self._open_parts, (end, "")]:
                yield self._first_page, part
            self._open, self._open_parts, self._table = None, [], None
        waiting_blocks, self._waiting_blocks = self._waiting_blocks, []
        for number, block in waiting_blocks:
            yield from ((number, part) for part in self._block(block))

    def _block(self, block: Block) -> Iterator[TypedText]:
        """Yield a block that cannot continue."""
        if block.table is not None:
            yield from self._rows(block.table)
            return
        self._table = None
        if block.kind == "code":
            yield from self._code(block.lines)
            return
        if block.kind == "heading":
            yield "#" * block.level + " ", ""
        yield from self._paragraph(block.lines)
        yield "\n\n", ""

    def _paragraph(self, lines: list[Line]) -> list[TypedText]:
        """Return the lines of a paragraph, joined."""
        parts: list[TypedText] = []
        for i, line in enumerate(lines):
            text = line_text.text(line)
            if parts:
                parts += self._joint(parts, text, self._is_spaced(lines[i - 1], line))
            parts.append((text, ""))
        return parts

    def _is_spaced(self, line: Line, after: Line) -> bool | None:
        """Return whether a space divides two lines; None if unknown."""
        if self._facts.has_spaces_at_line_ends:
            return line_text.is_spaced(line, after)
        before, text = line_text.text(line), line_text.text(after)
        if self._facts.korean is not None:
            return not self._facts.korean.are_one(before, text)
        return False if korean.begins_with_particle(text) else None

    def _joint(
        self, parts: list[TypedText], after: str, is_spaced: bool | None
    ) -> list[TypedText]:
        """Return the parts between two lines; a dropped hyphen leaves ``parts``."""
        before = _text(parts[-3:])
        is_divided, space = line_joining.joint(
            before, after, self._facts.vocabulary, is_spaced=is_spaced
        )
        if not is_divided:
            return [(space, "")] if space else []
        text, _ = parts[-1]
        parts[-1] = (text[:-1], "")
        return [(text[-1], HYPHEN)]

    def _code(self, lines: list[Line]) -> Iterator[TypedText]:
        """Yield a listing with its indentation and blank lines."""
        left = min(line.x0 for line in lines)
        n = sum(len(line.characters) for line in lines)
        width = sum(w.x1 - w.x0 for line in lines for w in line.words) / n
        pitches = sorted(b.base - a.base for a, b in pairwise(lines))
        pitch = pitches[len(pitches) // 4] if pitches else 1.0
        text, before = "```\n", lines[0]
        for line in lines:
            n_blank = round((line.base - before.base) / pitch) - 1 if pitch > 0 else 0
            text += "\n" * min(2, max(0, n_blank))
            text += line_text.columns(line, left, width) + "\n"
            before = line
        yield text + "```\n\n", ""

    def _rows(self, table: PageTable) -> Iterator[TypedText]:
        """Yield a Markdown table, or more rows of the table before."""
        for title in table.titles:
            yield from [*self._paragraph(title), ("\n\n", "")]
        rows = [[self._cell(cell) for cell in row] for row in table.rows]
        before, self._table = self._table, table
        continues = before is not None and len(before.rows[0]) == len(rows[0])
        if table.has_head:
            head, *rows = rows
            if before and continues and head == list(map(self._cell, before.rows[0])):
                yield _row(head), REPEATED_HEAD
                self._table = before
            else:
                yield from _head(head)
        elif not continues:
            yield from _head([""] * len(rows[0]))
        yield "".join(_row(row) for row in rows), ""

    def _cell(self, lines: list[Line]) -> str:
        return _text(self._paragraph(lines)).replace("|", "\\|")


def _text(parts: Iterable[TypedText]) -> str:
    """Return the text of parts, without what is left out."""
    return "".join(text for text, why in parts if not why)


def _are_alike(a: Block, b: Block) -> bool:
    """Return whether two paragraphs have type of one size and weight."""
    last, first = a.lines[-1], b.lines[0]
    is_close = abs(last.size - first.size) <= columns.SAME_SIZE * max(
        last.size, first.size
    )
    return is_close and last.bold == first.bold


def _head(cells: list[str]) -> Iterator[TypedText]:
    yield "\n" + _row(cells) + "|" + " --- |" * len(cells) + "\n", ""


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"
