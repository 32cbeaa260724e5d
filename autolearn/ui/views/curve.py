"""Curves of numbers over steps, drawn as pictures that stand for themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from autolearn.records import Metric
from autolearn.ui import html
from autolearn.ui.html import Html

MOST_POINTS = 300
"""Points that a curve has at most; more are drawn together as their mean."""
_WIDTH, _HEIGHT = 460, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 40


@dataclass(frozen=True)
class _Frame:
    """Where numbers lie in the picture."""

    first: float
    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        wide = max(1e-12, self.last - self.first)
        return _LEFT + (step - self.first) / wide * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        tall = max(1e-12, self.high - self.low)
        return _TOP + (self.high - value) / tall * (_HEIGHT - _TOP - _BOTTOM)


def draw(title: str, unit: str, numbers: Sequence[Metric]) -> Html:
    """Return a curve with its axes, its last value, and words for who cannot see it."""
    points = thinned(numbers)
    if not points:
        return Html("")
    begin, end = points[0], points[-1]
    told = (
        f"{title}: {_short(begin.value)} at step {begin.step}, "
        f"{_short(end.value)} at step {end.step}"
    )
    caption = html.tag("strong", html.text(title)) + html.text(
        f" {_short(end.value)} {unit}"
    )
    svg = html.tag(
        "svg",
        html.tag("title", html.text(told)) + _axes(points, unit) + _line(points),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=told,
    )
    return html.tag("figure", html.tag("figcaption", caption) + svg, "al-plot")


def thinned(numbers: Sequence[Metric], most: int = MOST_POINTS) -> list[Metric]:
    """Return so many points at most, each the mean of its neighbours."""
    size = max(1, ceil(len(numbers) / most))
    parts = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return [
        Metric(part[-1].step, part[-1].name, sum(m.value for m in part) / len(part))
        for part in parts
    ]


def _frame(points: Sequence[Metric]) -> _Frame:
    values = [point.value for point in points]
    low, high = min(0.0, *values), max(values)
    return _Frame(points[0].step, points[-1].step, low, high if high > low else low + 1)


def _line(points: Sequence[Metric]) -> Html:
    frame = _frame(points)
    places = [f"{frame.x(p.step):.1f},{frame.y(p.value):.1f}" for p in points]
    last_x, last_y = places[-1].split(",")
    dot = html.tag("circle", "", "al-plot-dot", cx=last_x, cy=last_y, r=3)
    line = html.tag(
        "polyline", "", "al-plot-line", points=" ".join(places), fill="none"
    )
    return line + dot


def _axes(points: Sequence[Metric], unit: str) -> Html:
    frame = _frame(points)
    parts: list[Html] = []
    for share in (0.0, 0.5, 1.0):
        value = frame.low + share * (frame.high - frame.low)
        y = f"{frame.y(value):.1f}"
        parts.append(
            html.tag(
                "line", "", "al-plot-rule", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y
            )
        )
        parts.append(_word(_short(value), _LEFT - 6, frame.y(value) + 4, "end"))
    for step in sorted({points[0].step, _middle(points), points[-1].step}):
        parts.append(_word(f"{step:,}", frame.x(step), _HEIGHT - _BOTTOM + 16))
    parts.append(_word("step", (_LEFT + _WIDTH) / 2, _HEIGHT - 6))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    turned = f"rotate(-90 11 {middle})"
    parts.append(_word(unit, 11, middle, transform=turned))
    return html.join(parts)


def _middle(points: Sequence[Metric]) -> int:
    return round((points[0].step + points[-1].step) / 2)


def _word(
    word: str, x: float, y: float, anchor: str = "middle", **attributes: object
) -> Html:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text_anchor": anchor}
    return html.tag("text", html.text(word), "al-plot-word", **place, **attributes)


def _short(value: float) -> str:
    """Return a number in three figures."""
    return "0" if value == 0 else f"{value:.3g}"
