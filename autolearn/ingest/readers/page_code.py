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
            if not line.get_text().endswith("\n") and _goes_on(line, code):
                line.append("\n")


def _goes_on(line: Tag, code: Tag) -> bool:
    """Return whether more of the same code follows without a line end."""
    after = line.next_sibling
    for parent in line.parents:
        if after is not None or parent is code:
            break
        after = parent.next_sibling
    return after is not None and after.get_text()[:1] != "\n"
