"""Parts of a page that are not its text, such as navigation."""

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers import page_styles
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.superscripts import BLOCKS

MOST_OF_PAGE = 0.5
"""Share of the text of a page from which an element is a wrapper of the page."""
FEWEST_LANGUAGES = 3
"""Links to the same page in other languages that make a list of languages."""
FEWEST_JUMPS = 3
"""Links to places of a page that make its table of contents."""
MOST_LINKED = 0.8
"""Share of such a list that is links."""

_ELEMENTS = {
    "nav": "navigation",
    "footer": "foot of the page",
    "aside": "beside the text",
    "form": "form",
    "button": "form",
    "select": "form",
    "svg": "text in a drawing",
    "noscript": "for browsers without scripts",
    "template": "template of a script",
}
_ROLES = {
    "navigation": "navigation",
    "banner": "head of the page",
    "contentinfo": "foot of the page",
    "search": "form",
    "complementary": "beside the text",
    "doc-toc": "table of contents",
    "toc": "table of contents",
    "doc-pagebreak": "page number",
    "pagebreak": "page number",
    "doc-backlink": "link back",
}
_CLASSES = {
    "mw-editsection": "navigation",
    "mw-jump-link": "navigation",
    "navbox": "navigation",
    "navbar": "navigation",
    "vertical-navbox": "navigation",
    "catlinks": "navigation",
    "mw-portlet-lang": "list of languages",
    "interlanguage-link": "list of languages",
    "mw-cite-backlink": "link back",
    "headerlink": "navigation",
    "linenos": "line numbers",
    "lineno": "line numbers",
    "linenumber": "line numbers",
}
_WRAPPERS = ("form", "hidden", "beside the text", "navigation", "foot of the page")
"""Reasons that do not hold for what is most of a page, unless it is links."""
_NOTES = re.compile(
    r"\b(?:doc-)?(?:foot|end|rear)?notes?\b|\bdoc-(?:tip|example|pullquote)\b"
)
_NOTE_CLASSES = re.compile(r"\b(?:foot|end|rear|side|margin)-?notes?\b")
_BACK = frozenset("↑↩^⏎⤴")
_SELF_LINKS = ("¶", "#", "§", "🔗")
"""Links of headings to themselves."""
_IN_TABLE = ("tr", "td", "th", "tbody", "thead", "tfoot", "colgroup", "col", "caption")


def take_out(soup: BeautifulSoup, left_out: LeftOut, *, is_book: bool) -> None:
    """Replace what is not part of the text by marks.

    Args:
        soup: The page.
        left_out: Where to keep what is removed.
        is_book: Whether it is part of a book, in which asides are text.
    """
    _take_out_languages(soup, left_out)
    _take_out_jumps(soup, left_out)
    _take_out_pictures(soup, left_out)
    n_page = len(soup.get_text())
    reasons = [(tag, _reason(tag, is_book=is_book)) for tag in soup.find_all(True)]
    for tag, reason in reasons:
        if not reason or not any(parent is soup for parent in tag.parents):
            continue  # text, or removed together with an enclosing element
        text = tag.get_text(" ", strip=True)
        if reason == "page number":
            text = text or str(tag.get("title") or tag.get("aria-label") or "")
        if reason in _WRAPPERS and _is_wrapper(tag, n_page):
            continue
        _replace(tag, left_out.add(text, reason))


def _reason(tag: Tag, *, is_book: bool) -> str:
    """Return why an element is left out; empty if it is not."""
    # The note that a mark opens is hidden until then.
    is_hidden = tag.has_attr("hidden") or page_styles.is_hidden(tag)
    if tag.get("aria-hidden") == "true" or (is_hidden and not _is_note(tag)):
        return "hidden"
    for role in f"{tag.get('role', '')} {tag.get('epub:type', '')}".split():
        is_number = role == "doc-backlink" and _is_mark(tag)
        if role in _ROLES and not is_number:
            return _ROLES[role]
    if reason := next(filter(None, map(_CLASSES.get, tag.get("class") or [])), ""):
        return reason
    if str(tag.get("id", "")).startswith("p-lang"):
        return "list of languages"
    if tag.name == "a" and set(tag.get_text()) & _BACK and len(tag.get_text()) <= 2:
        return "link back"
    if tag.name == "a" and tag.get_text(strip=True) in _SELF_LINKS:
        return "navigation" if _leads_within(tag) else ""
    if tag.name == "aside" and (is_book or _is_note(tag)):
        return ""
    return _ELEMENTS.get(tag.name, "")


def _is_mark(tag: Tag) -> bool:
    """Return whether a link back is the mark of its note."""
    text = tag.get_text(strip=True)
    return len(text) <= 3 and text.isalnum()


def _is_wrapper(tag: Tag, n_page: int) -> bool:
    """Return whether an element holds most of a page, and is not a list of links.

    Args:
        tag: The element.
        n_page: Characters of the page.
    """
    n = len(tag.get_text())
    n_linked = sum(len(link.get_text()) for link in tag("a"))
    return n > MOST_OF_PAGE * n_page and n_linked < MOST_OF_PAGE * n


def _is_note(tag: Tag) -> bool:
    kind = f"{tag.get('role', '')} {tag.get('epub:type', '')}"
    classes = " ".join(tag.get("class") or [])
    return bool(_NOTES.search(kind) or _NOTE_CLASSES.search(classes))


def _take_out(tag: Tag, left_out: LeftOut, reason: str) -> None:
    """Leave an element out, with a mark at its place."""
    _replace(tag, left_out.add(tag.get_text(" ", strip=True), reason))


def _replace(tag: Tag, mark: str) -> None:
    """Put a mark where an element was; before the table if it was a part of one."""
    table = tag.find_parent("table") if tag.name in _IN_TABLE else None
    if mark and table is None:
        is_block = tag.name in BLOCKS
        tag.replace_with(_paragraph(mark) if is_block else NavigableString(mark))
        return
    if mark and table is not None:
        table.insert_before(_paragraph(mark))
    tag.decompose()


def _paragraph(text: str) -> Tag:
    paragraph = Tag(name="p")
    paragraph.string = text
    return paragraph


def _take_out_languages(soup: BeautifulSoup, left_out: LeftOut) -> None:
    """Leave out lists of links to the same page in other languages."""
    lists: dict[int, tuple[Tag, list[Tag]]] = {}
    for link in soup("a", hreflang=True):
        if items := link.find_parent(["ul", "ol", "p", "div"]):
            lists.setdefault(id(items), (items, []))[1].append(link)
    for items, links in lists.values():
        n_linked = sum(len(link.get_text(strip=True)) for link in links)
        n_all = len("".join(items.get_text().split()))
        if len(links) >= FEWEST_LANGUAGES and n_linked > MOST_LINKED * n_all:
            _take_out(items, left_out, "list of languages")


def _take_out_jumps(soup: BeautifulSoup, left_out: LeftOut) -> None:
    """Leave out links that only lead to places on the page itself.

    These are lists of links, and the link before all text that skips the navigation.
    """
    first = next(
        (t for t in (soup.body or soup).find_all(string=True) if t.strip()), None
    )
    jump = first.find_parent("a") if first else None
    if jump and _leads_within(jump):
        _take_out(jump, left_out, "navigation")
    for items in soup(["ul", "ol"]):
        links = [link for link in items("a") if _leads_within(link)]
        n_linked = sum(len(link.get_text(strip=True)) for link in links)
        is_all = n_linked == len("".join(items.stripped_strings)) > 0
        if (
            len(links) >= FEWEST_JUMPS
            and is_all
            and not items.find_parent(["ul", "ol"])
        ):
            _take_out(items, left_out, "table of contents")


def _leads_within(link: Tag) -> bool:
    return str(link.get("href", "")).startswith("#")


def _take_out_pictures(soup: BeautifulSoup, left_out: LeftOut) -> None:
    """Leave out the descriptions of pictures; signs drawn as pictures are text."""
    for image in soup("img"):
        text = str(image.get("alt") or "")
        is_sign = 0 < len(text) <= 4 and not any(map(str.isalnum, text))
        mark = text if is_sign else left_out.add(text, "description of a picture")
        image.replace_with(NavigableString(mark))
