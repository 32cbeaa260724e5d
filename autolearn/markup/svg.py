"""SVG elements of charts; their colours are those of their classes in CSS.

Places and sizes are in units of the picture, which scales to its space.
"""

from collections.abc import Iterable

from autolearn.markup.elements import Html, tag, text

Point = tuple[float, float]
"""To the right and down, from the upper left corner."""


def picture(
    content: Html, width: float, height: float, description: str, classes: str = ""
) -> Html:
    """Return a chart, which a screen reader reads as its description."""
    return tag(
        "svg",
        tag("title", text(description)) + content,
        classes,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=description,
    )


def line(start: Point, end: Point, classes: str) -> Html:
    """Return a straight line."""
    (x1, y1), (x2, y2) = (map(_number, point) for point in (start, end))
    return tag("line", "", classes, x1=x1, y1=y1, x2=x2, y2=y2)


def polyline(points: Iterable[Point], classes: str = "") -> Html:
    """Return a line through points."""
    places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return tag("polyline", "", classes, points=places, fill="none")


def circle(centre: Point, radius: float, classes: str = "") -> Html:
    """Return a disc."""
    x, y = map(_number, centre)
    return tag("circle", "", classes, cx=x, cy=y, r=radius)


def rectangle(corner: Point, width: float, height: float, classes: str) -> Html:
    """Return a rectangle from its upper left corner."""
    x, y = map(_number, corner)
    return tag("rect", "", classes, x=x, y=y, width=_number(width), height=height)


def word(
    content: str, place: Point, anchor: str = "middle", **attributes: object
) -> Html:
    """Return a text in a line; ``anchor``: where in the text its place is."""
    x, y = map(_number, place)
    return tag(
        "text",
        text(content),
        "al-plot-word",
        x=x,
        y=y,
        text_anchor=anchor,
        **attributes,
    )


def _number(value: float) -> str:
    return f"{value:.1f}"
