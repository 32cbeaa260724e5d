"""Convert HTML to Markdown with its headings, lists, tables and code."""

import re
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PageElement, PreformattedString, Tag
from markdownify import MarkdownConverter

from autolearn.core.errors import InputError
from autolearn.ingest.readers.pieces import LARGEST_PARSED, Piece, Source

_UNSEEN = ["script", "style", "template", "noscript", "svg", "math", "head"]
"""Elements that no person reads. Formulas and drawings have no text of their own."""
_ASIDE = {
    "nav": "navigation",
    "footer": "foot of the page",
    "aside": "beside the text",
    "form": "form",
    "button": "form",
    "select": "form",
}
_ROLES = {
    "navigation": "navigation",
    "banner": "head of the page",
    "contentinfo": "foot of the page",
    "search": "form",
    "complementary": "beside the text",
    "doc-toc": "table of contents",
}
_SPACE = re.compile(r"[ \t\n\r\f]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def read(path: Path) -> Source:
    """Return a page as Markdown, without navigation and the like.

    Raises:
        InputError: It is too large to be parsed, or nested too deeply.
    """
    check_size(path.stat().st_size)
    soup = parse(path.read_bytes())
    return Source(pieces(soup))


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
    """Return a parsed page; its encoding is declared or detected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # EPUB is XHTML
        return BeautifulSoup(data, "html.parser")


def pieces(
    soup: BeautifulSoup, *, opens: bool = False, share: float = 1.0
) -> Iterator[Piece]:
    """Yield a page as Markdown, with left-out parts at their places.

    Raises:
        InputError: It is nested too deeply.
    """
    mark = secrets.token_hex(12)
    try:
        left_out = _take_out(soup, mark)
        _flow(soup)
        text = str(_converter().convert_soup(soup))
    except RecursionError:
        raise InputError(
            "is nested too deeply to be parsed; save its text as .txt."
        ) from None
    for i, part in enumerate(re.split(f"{mark}-([0-9]+)-", text)):
        if i % 2:
            removed_text, reason = left_out[int(part)]
            yield Piece(removed_text, left_out=reason, share=share)
        elif markdown := _BLANK_LINES.sub("\n\n", part).strip("\n"):
            yield Piece(f"{markdown}\n\n", opens=opens, share=share)
            opens = False


def _converter() -> MarkdownConverter:
    return MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        strip=["a", "img"],
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )


def _take_out(soup: BeautifulSoup, mark: str) -> list[tuple[str, str]]:
    """Replace what is not part of the text by marks; return the removed texts."""
    for tag in soup(_UNSEEN):
        tag.decompose()
    for comment in soup.find_all(string=lambda s: isinstance(s, PreformattedString)):
        comment.extract()
    left_out: list[tuple[str, str]] = []
    for tag in soup.find_all(lambda tag: bool(_reason(tag))):
        if not any(parent is soup for parent in tag.parents):
            continue  # removed together with an enclosing element
        left_out.append((tag.get_text(" ", strip=True), _reason(tag)))
        placeholder = soup.new_tag("p")
        placeholder.string = f"{mark}-{len(left_out) - 1}-"
        tag.replace_with(placeholder)
    return left_out


def _reason(tag: Tag) -> str:
    """Return why an element is left out; empty if it is not."""
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return "hidden"
    role = tag.get("role") or tag.get("epub:type")
    return _ROLES.get(str(role), "") or _ASIDE.get(tag.name, "")


def _flow(soup: BeautifulSoup) -> None:
    """Collapse white space in running text, whose line breaks have no meaning."""
    for string in list(soup.find_all(string=True)):
        if isinstance(string, NavigableString) and not _is_preformatted(string):
            string.replace_with(NavigableString(_SPACE.sub(" ", string)))


def _is_preformatted(element: PageElement) -> bool:
    return any(parent.name in ("pre", "textarea") for parent in element.parents)
