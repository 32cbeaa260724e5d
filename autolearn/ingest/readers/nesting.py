"""Parse pages with the nesting that HTML means, down to a limited depth.

HTML closes a paragraph, a list item or a cell where the next one begins. The parser of
the standard library does not, so that each would be within the one before.
"""

from typing import Any

from bs4 import BeautifulSoup

DEEPEST = 400
"""Most elements within each other. What converts a page calls itself for each."""
MOST_OPEN = 50
"""Open elements that are searched for one that has to be closed."""

_PARAGRAPH = [
    "body", "div", "td", "th", "li", "dd", "blockquote", "section", "article",
    "aside", "main", "figure", "table", "caption", "header", "footer", "form",
    "details", "object", "button",
]  # fmt: skip
_BLOCKS = [
    "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "hr", "div",
    "blockquote",
]  # fmt: skip
_CLOSES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "p": (("p",), _PARAGRAPH),
    "li": (("li",), ["ul", "ol", "menu"]),
    "dt": (("dt", "dd"), ["dl"]),
    "dd": (("dt", "dd"), ["dl"]),
    "td": (("td", "th"), ["table", "tr"]),
    "th": (("td", "th"), ["table", "tr"]),
    "tr": (("tr",), ["table"]),
    "thead": (("thead", "tbody", "tfoot"), ["table"]),
    "tbody": (("thead", "tbody", "tfoot"), ["table"]),
    "tfoot": (("thead", "tbody", "tfoot"), ["table"]),
    "option": (("option",), ["select"]),
    **dict.fromkeys(_BLOCKS, (("p",), _PARAGRAPH)),
}
"""The elements that an element closes, and those outside of which it closes nothing."""


class Soup(BeautifulSoup):
    """A page in which elements close those that they cannot be in."""

    def handle_starttag(self, name: str, *args: Any, **options: Any) -> Any:
        """Open an element.

        Raises:
            RecursionError: It is nested too deeply.
        """
        closed_tags, limits = _CLOSES.get(name, ((), []))
        for tag in self.tagStack[: -MOST_OPEN - 1 : -1] if closed_tags else []:
            if tag.name in limits:
                break
            if tag.name in closed_tags:
                self.handle_endtag(tag.name)
                break
        if len(self.tagStack) > DEEPEST:
            raise RecursionError
        return super().handle_starttag(name, *args, **options)
