"""Charts of Word and PowerPoint as tables of the values that they show."""

from html import escape
from xml.etree.ElementTree import Element

from autolearn.ingest.readers.packages import child, tag, value
from autolearn.ingest.readers.pages import element, table

MOST_POINTS = 1000
"""Most points of a series that are read."""


def page(root: Element) -> str:
    """Return a chart as HTML: its titles, and a table with a column for each series.

    A column with the labels is before them. If they differ from series to series, as in
    a scatter chart, each series has its own.
    """
    titles = [_text(part) for part in root.iter() if tag(part) == "title"]
    series = [part for part in root.iter() if tag(part) == "ser"]
    labels = [_labels(part) for part in series]
    shared: dict[int, str] = {}
    for points in labels:
        shared |= points
    are_shared = all(points.items() <= shared.items() for points in labels)
    columns = [("", shared)] if are_shared else []
    for part, points in zip(series, labels, strict=True):
        columns += [] if are_shared else [("", points)]
        name = " ".join(_points(child(part, "tx")).values())
        values = _points(child(part, "val")) or _points(child(part, "yVal"))
        columns.append((name, values))
    places = sorted({place for _, points in columns for place in points})
    header = [escape(name) for name, _ in columns]
    rows = [[escape(points.get(i, "")) for _, points in columns] for i in places]
    above = "".join(element("p", escape(title)) for title in titles if title)
    return above + (table([header, *rows]) if rows else "")


def _labels(series: Element) -> dict[int, str]:
    """Return the labels of a series by the index of their values.

    Labels of several levels, such as quarters within years, are joined: "2023 / Q1".
    """
    categories = child(series, "cat")
    parts = categories.iter() if categories is not None else ()
    levels = [_points(part) for part in parts if tag(part) == "lvl"]
    if not levels:
        return _points(categories) or _points(child(series, "xVal"))
    inner, *outer = levels
    labels = dict(inner)
    for level in outer:
        # An outer label is given once, at the first of its inner ones.
        label = ""
        for i in sorted(inner):
            label = level.get(i, label)
            labels[i] = f"{label} / {labels[i]}" if label else labels[i]
    return labels


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
