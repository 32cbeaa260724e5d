"""Make one preformatted element of the code of a page, however its lines are marked."""

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers.left_out import LeftOut

_LINES = ["div", "li", "p", "tr"]


def write_out(soup: BeautifulSoup, left_out: LeftOut) -> None:
    """Write the line ends of code, and listings of LaTeXML, as preformatted text."""
    for listing in soup("div", class_="ltx_listing"):
        for number in listing(class_="ltx_tag_listingline"):
            mark = left_out.add(number.get_text(), "line numbers")
            listing.insert_before(NavigableString(mark))
            number.decompose()
        for string in list(listing.find_all(string=True)):
            string.replace_with(string.replace("\n", "").replace("\u00a0", " "))
        listing.name = "pre"
    for code in soup("pre"):
        for line_break in code("br"):
            line_break.replace_with(NavigableString("\n"))
        for line in code(_LINES):
            if not line.get_text().endswith("\n") and _has_text_after(line, code):
                line.append("\n")


def _has_text_after(line: Tag, code: Tag) -> bool:
    """Return whether a line is followed by more of the same code on the same line."""
    for element in line.next_elements:
        if isinstance(element, NavigableString) and line not in element.parents:
            is_inside = any(parent is code for parent in element.parents)
            return is_inside and element[:1] != "\n"
    return False
