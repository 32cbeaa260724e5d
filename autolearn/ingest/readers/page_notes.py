"""Move notes that a page has within a sentence to the end of its paragraph."""

import re

from bs4 import BeautifulSoup
from bs4.element import Tag

_NOTE = re.compile(r"^(?:ltx_role_(?:foot|end)note|(?:side|margin)-?note)$")
"""Classes of notes in the pages of LaTeXML, Tufte CSS and pandoc."""
_LATEXML_MARKS = ("ltx_note_mark", "ltx_tag_note")
_SWITCH = re.compile(r"margin-?toggle")
_INLINE = ("span", "small")


def move(soup: BeautifulSoup) -> None:
    """Place notes after their paragraph, with their marks on both sides."""
    for switch in soup("input", class_=_SWITCH):
        switch.decompose()
    notes = [
        note
        for note in soup(_INLINE, class_=_NOTE)
        if not note.find_parent(class_=_NOTE)
    ]
    for number, note in enumerate(notes, 1):
        mark = _take_mark(note) or str(number)
        reference = soup.new_tag("a", attrs={"role": "doc-noteref"})
        reference.string = mark
        note.insert_before(reference)
        note.insert(0, f"[{mark}] ")
    ends: dict[int, Tag] = {}
    for note in [*notes, *soup("aside")]:
        paragraph = note.find_parent("p")
        if paragraph is not None:
            ends.get(id(paragraph), paragraph).insert_after(note.extract())
            ends[id(paragraph)] = note
        elif note.name in _INLINE:
            soup.append(note.extract())
    for note in notes:
        note.name = "div"


def _take_mark(note: Tag) -> str:
    """Remove the marks that a note repeats, and return the first."""
    marks = note(class_=_LATEXML_MARKS)
    texts = [mark.extract().get_text(strip=True) for mark in marks]
    return next(filter(None, texts), "")
