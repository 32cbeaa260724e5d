"""Charts of Word and PowerPoint as tables of the values that they show."""

from html import escape
from xml.etree.ElementTree import Element

from autolearn.ingest.readers.packages import child, tag, value
from autolearn.ingest.readers.pages import element, table

MOST_POINTS = 1000
"""Most points of a series that are read."""


def page(root: Element) -> str:
    """Return a chart as HTML: its titles, and a table with a column for each series."""
    titles = [_text(part) for part in root.iter() if tag(part) == "title"]
    series = [part for part in root.iter() if tag(part) == "ser"]
    names = [" ".join(_points(child(part, "tx")).values()) for part in series]
    labels: dict[int, str] = {}
    for part in series:
        labels |= _points(child(part, "cat")) or _points(child(part, "xVal"))
    columns = [
        _points(child(part, "val")) or _points(child(part, "yVal")) for part in series
    ]
    places = sorted(set(labels).union(*columns))
    rows = [
        [escape(labels.get(i, "")), *(escape(column.get(i, "")) for column in columns)]
        for i in places
    ]
    above = "".join(element("p", escape(title)) for title in titles if title)
    header = ["", *map(escape, names)]
    return above + (table([header, *rows]) if rows else "")


def _points(data: Element | None) -> dict[int, str]:
    """Return the values of a series by their index."""
    points: dict[int, str] = {}
    for part in data.iter() if data is not None else ():
        if tag(part) == "pt" and value(part, "idx").isdecimal():
            place = int(value(part, "idx"))
            inner = child(part, "v")
            if place < MOST_POINTS and inner is not None:
                points[place] = inner.text or ""
    return points


def _text(part: Element) -> str:
    return "".join(inner.text or "" for inner in part.iter() if tag(inner) == "t")
