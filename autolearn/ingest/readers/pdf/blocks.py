"""Tell paragraphs, headings, notes, code and tables from one another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from autolearn.ingest.readers.pdf import columns, line_text, reading_order
from autolearn.ingest.readers.pdf.columns import TextColumn, is_sentence_end
from autolearn.ingest.readers.pdf.shapes import Box, Line, PageTable
from autolearn.ingest.readers.pdf.survey import LARGER, Facts

Kind = Literal["text", "item", "heading", "code", "table", "note", "aside"]

SMALLER, TINY = 0.93, 0.8
"""Sizes of notes and labels, in sizes of the text."""
LONGEST_HEADING, LONGEST_BOLD = 200, 120
"""Characters of a heading that is larger than the text, and of a bold one."""
LABEL = 6
"""Words of a label in a figure."""
LONGEST_SENTENCE = 60
"""Characters of a sentence over several lines that can be a heading."""

_NOTE = re.compile(r"(?:\[?\(?\d{1,3}[\])]*[.)]?|[*\u2020\u2021\u00a7\u00b6]+)\s*\S")
_CAPITALS = re.compile(
    r"(?:(?:[IVX]+|\d+(?:\.\d+)*|[A-Z])\.?\s+)(?=.{0,9}[^\W\d_]{4})[^a-z.!?:;]{4,60}"
    r"|ABSTRACT|INTRODUCTION|REFERENCES|CONCLUSIONS?|ACKNOWLEDGE?MENTS?|BIBLIOGRAPHY|APPENDIX"
)
"""A numbered heading in capitals, or one that many papers have."""
_CAPTION = re.compile(
    r"[\[<\u3008\u300a]?\s*"
    r"(?:figure|fig\.|table|tab\.|abb(?:ildung|\.)|tabelle|scheme|plate|listing|box|chart|"
    r"graphique|figura|tabla|图|圖|表|図|표|그림)\s*[\dA-ZIVX]+",
    re.IGNORECASE,
)


@dataclass
class Block:
    """A part of a page that is written as one."""

    kind: Kind
    lines: list[Line] = field(default_factory=list)
    table: PageTable | None = None
    level: int = 0
    """Level of a heading, 1..6."""
    begins_column: bool = False
    """Whether it is the first of a column, so that it may continue a paragraph."""
    is_full: bool = False
    """Whether its last line reaches the right edge of the column."""

    @property
    def is_label(self) -> bool:
        """Whether it is so short that it may belong to a figure."""
        text = line_text.text(self.lines[0])
        return (
            len(self.lines) == 1
            and len(self.lines[0].words) <= LABEL
            and not self.is_full
            and not is_sentence_end(text)
            and not text[:1].islower()
        )


def of_items(items: Sequence[Box], facts: Facts) -> list[Block]:
    """Return the blocks that lines and tables in reading order make."""
    items = [
        part
        for item in items
        for part in (
            item.items if isinstance(item, reading_order.ColumnPart) else [item]
        )
    ]
    blocks: list[Block] = []
    for column in columns.columns(items):
        parts = [
            _block(run, column, facts)
            for run in columns.paragraphs(column, is_mono=facts.is_mono)
        ]
        parts[0].begins_column = True
        _mark_notes(parts, facts)
        blocks += parts
    return blocks


def _block(run: list[Box], column: TextColumn, facts: Facts) -> Block:
    if isinstance(run[0], PageTable):
        return Block("table", table=run[0])
    lines = [item for item in run if isinstance(item, Line)]
    kind, level = _kind(lines, facts)
    return Block(kind, lines, level=level, is_full=columns.is_full(lines[-1], column))


def _kind(lines: list[Line], facts: Facts) -> tuple[Kind, int]:
    text = " ".join(map(line_text.text, lines))
    if lines[0].mono and (not facts.is_mono or columns.is_code(lines)):
        return "code", 0
    if _CAPTION.match(text):
        return "aside", 0
    if level := _level(lines, text, facts):
        return "heading", level
    largest = max(line.size for line in lines) / facts.body_size
    is_label = len(lines) == 1 and largest <= SMALLER and not is_sentence_end(text)
    if is_label or largest < TINY:
        return "aside", 0
    return ("item" if columns.ITEM.match(text) else "text"), 0


def _level(lines: list[Line], text: str, facts: Facts) -> int:
    """Return the level of a heading; 0 if lines are none."""
    size = lines[0].size
    if not any(map(str.isalpha, text)) or len(text) > LONGEST_HEADING:
        return 0
    is_sentence = is_sentence_end(text) and not text.endswith("?")
    if is_sentence and len(lines) > 1 and len(text) > LONGEST_SENTENCE:
        return 0
    if size >= LARGER * facts.body_size and not text.endswith((":", ";", ",")):
        levels = [n for n, s in enumerate(facts.heading_sizes, 1) if size >= 0.97 * s]
        return min(levels, default=len(facts.heading_sizes) or 1)
    is_bold = (
        not facts.is_bold
        and all(line.bold for line in lines)
        and size >= SMALLER * facts.body_size
        and len(lines) <= 2
        and len(text) <= LONGEST_BOLD
        and not is_sentence
        and not text[:1].islower()
    )
    is_heading = is_bold or (len(lines) == 1 and _CAPITALS.fullmatch(text) is not None)
    return min(6, len(facts.heading_sizes) + 1) if is_heading else 0


def _mark_notes(blocks: Sequence[Block], facts: Facts) -> None:
    """Mark footnotes: small text below the text of a column, beginning with a mark."""
    start = len(blocks)
    while start and _is_small(blocks[start - 1], facts):
        start -= 1
    while 0 < start < len(blocks) and not _is_note(blocks[start]):
        start += 1
    for block in blocks[start:] if start else ():
        block.kind = "note"


def _is_small(block: Block, facts: Facts) -> bool:
    return block.kind in ("text", "item", "aside") and (
        max(line.size for line in block.lines) <= SMALLER * facts.body_size
    )


def _is_note(block: Block) -> bool:
    return _NOTE.match(line_text.text(block.lines[0])) is not None
