"""The same number of several runs over their steps, as lines in one picture."""

from collections.abc import Mapping, Sequence

from autolearn.records import Metric
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views.curve import thinned

WIDTH, HEIGHT, EDGE = 640, 240, 44


def draw(title: str, series: Mapping[str, Sequence[Metric]]) -> Html:
    """Return one line for each name, all on the same axes; a note where there is none.

    The first line is solid, the others are dashed, so colour is not needed.
    """
    lines = {name: thinned(points) for name, points in series.items() if points}
    if not lines:
        return html.note(f"{title}: there are no numbers yet.")
    every = [metric for points in lines.values() for metric in points]
    last = max(1, *(metric.step for metric in every))
    top = max(metric.value for metric in every) or 1.0
    drawn = html.join(
        _line(points, last, top, number)
        for number, points in enumerate(lines.values(), 1)
    )
    picture = html.tag(
        "svg",
        _axes(last, top) + drawn,
        "al-overlay",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}: {', '.join(lines)}",
    )
    caption = html.tag("figcaption", html.text(title) + _legend(list(lines)))
    return html.tag("figure", caption + picture, "al-figure")


def _line(points: Sequence[Metric], last: int, top: float, number: int) -> Html:
    places = " ".join(
        f"{_across(one.step, last):.1f},{_up(one.value, top):.1f}" for one in points
    )
    return html.tag("polyline", "", f"al-line al-line-{number}", points=places)


def _across(step: int, last: int) -> float:
    return EDGE + (WIDTH - EDGE - 10) * step / last


def _up(value: float, top: float) -> float:
    return HEIGHT - 24 - (HEIGHT - 34) * max(0.0, value) / top


def _axes(last: int, top: float) -> Html:
    floor = HEIGHT - 24
    frame = html.tag(
        "path", "", "al-axis", d=f"M{EDGE} 10 V{floor} H{WIDTH - 10}", fill="none"
    )
    return html.join(
        [
            frame,
            _label(EDGE - 6, 18, "end", f"{top:.3g}"),
            _label(EDGE - 6, floor, "end", "0"),
            _label(WIDTH - 10, HEIGHT - 6, "end", f"step {last}"),
        ]
    )


def _label(x: int, y: int, anchor: str, shown: str) -> Html:
    return html.tag("text", html.text(shown), "al-tick", x=x, y=y, text_anchor=anchor)


def _legend(names: Sequence[str]) -> Html:
    entries = (
        html.tag("span", html.text(name), f"al-key al-line-{number}")
        for number, name in enumerate(names, 1)
    )
    return html.join(entries)
