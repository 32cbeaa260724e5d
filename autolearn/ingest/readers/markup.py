"""Convert HTML to Markdown with its headings, lists, tables, formulas and code."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PageElement, PreformattedString

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import (
    decoding,
    formulas,
    list_labels,
    nesting,
    page_boxes,
    page_code,
    page_notes,
    page_parts,
    page_styles,
    superscripts,
    tables,
)
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.markdown import Converter
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Piece, Source

_INVISIBLE_TAGS = ["script", "style", "head"]
"""Elements that no person reads."""
_BLOCKS = [
    "address", "aside", "center", "details", "dialog", "fieldset", "figure", "footer",
    "form", "header", "hgroup", "legend", "main", "nav", "optgroup", "summary",
]  # fmt: skip
"""Elements that begin on a new line without further meaning."""
_SPACE = re.compile(r"[ \t\n\r\f]+")
TOO_DEEP = "is nested too deeply to be parsed; save its text as .txt."


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return a page as Markdown, without navigation and the like.

    Raises:
        InputError: It is not text, too large to be parsed, or nested too deeply.
    """
    check_size(path.stat().st_size)
    file_decoding = decoding.recognise(path, choices.encoding)
    text = path.read_bytes().decode(file_decoding.encoding, file_decoding.errors)
    return file_decoding.source(pieces(parse(text)))


def check_size(n_bytes: int) -> None:
    """Check that a document is small enough to be parsed as a whole.

    Raises:
        InputError: It is too large.
    """
    if n_bytes > LARGEST_PARSED:
        raise InputError(
            f"has {n_bytes / 2**20:.0f} MB to be parsed at once; the limit is "
            f"{LARGEST_PARSED / 2**20:.0f} MB, so split it or save its text as .txt."
        )


def parse(data: bytes | str) -> BeautifulSoup:
    """Return a parsed page; its encoding is declared or detected.

    Raises:
        InputError: It is nested too deeply.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # EPUB is XHTML
            return nesting.Soup(data, "html.parser")
    except RecursionError:
        raise InputError(TOO_DEEP) from None


def pieces(
    soup: BeautifulSoup,
    *,
    starts_passage: bool = False,
    share: float = 1.0,
    is_book: bool = False,
    left_out: LeftOut | None = None,
) -> Iterator[Piece]:
    """Yield a page as Markdown, with left-out parts at their places.

    Args:
        soup: The page. It is changed.
        starts_passage: Whether a passage must begin with it.
        share: The share of the file that has been read with it.
        is_book: Whether it is part of a book, in which asides are text.
        left_out: What has been left out before, with marks in the page.

    Raises:
        InputError: It is nested too deeply.
    """
    left_out = left_out or LeftOut()
    try:
        _simplify(soup, left_out, is_book=is_book)
        text = Converter().convert_soup(soup)
    except RecursionError:
        raise InputError(TOO_DEEP) from None
    yield from left_out.pieces(text, starts_passage=starts_passage, share=share)


def _simplify(soup: BeautifulSoup, left_out: LeftOut, *, is_book: bool) -> None:
    """Reduce a page to text, headings, lists, tables of values and code."""
    page_styles.write_out(soup)
    formulas.write_out(soup, left_out)
    title = None if is_book else soup.find("title")
    name = left_out.add(title.get_text() if title else "", "title of the page")
    for tag in soup(_INVISIBLE_TAGS):
        tag.decompose()
    for comment in soup.find_all(string=lambda s: isinstance(s, PreformattedString)):
        comment.extract()
    page_parts.take_out(soup, left_out, is_book=is_book)
    page_notes.move(soup)
    page_boxes.write_out(soup)
    _write_pronunciations(soup)
    superscripts.write_out(soup)
    list_labels.write_out(soup)
    page_code.write_out(soup, left_out)
    for block in soup(_BLOCKS):
        block.name = "div"  # else what they hold would be joined without a space
    tables.unfold(soup)
    _flow(soup)
    if name:
        soup.insert(0, NavigableString(name))


def _write_pronunciations(soup: BeautifulSoup) -> None:
    """Put pronunciations in brackets, which browsers show above their text."""
    for ruby in soup("ruby"):
        for text in ruby("rt") if not ruby.find("rp") else []:
            text.insert(0, "(")
            text.append(")")


def _flow(soup: BeautifulSoup) -> None:
    """Collapse white space in running text, whose line breaks have no meaning."""
    for string in list(soup.find_all(string=True)):
        if isinstance(string, NavigableString) and not _is_preformatted(string):
            text = _SPACE.sub(" ", string)
            if text != string:
                string.replace_with(NavigableString(text))


def _is_preformatted(element: PageElement) -> bool:
    return any(parent.name in ("pre", "textarea") for parent in element.parents)
