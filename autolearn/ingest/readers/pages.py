"""Build a page from the parts of a document in another format."""

from collections.abc import Iterable, Sequence
from html import escape


def element(name: str, content: str, **attributes: str | int) -> str:
    """Return an element around a content that is HTML already."""
    text = "".join(
        f' {key}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{text}>{content}</{name}>"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a table of rows of cells that are HTML already, the first with names."""
    lines = (
        "".join(element("td" if i else "th", cell) for cell in row)
        for i, row in enumerate(rows)
    )
    return table_of(lines)


def table_of(lines: Iterable[str]) -> str:
    """Return a table of rows, each of whose cells is an element already."""
    return element("table", "".join(element("tr", line) for line in lines))
