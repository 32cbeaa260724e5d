"""Numbers over steps, drawn as lines: one run, or the same number of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from autolearn.core.records import Metric
from autolearn.markup import svg
from autolearn.ui import html
from autolearn.ui.html import Html

MOST_POINTS = 300
"""Points that a line has at most; more are drawn together as their mean."""
_WIDTH, _HEIGHT = 460, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 40


@dataclass(frozen=True)
class _PlotFrame:
    """The positions of numbers in the picture."""

    first: int
    last: int
    low: float
    high: float

    @classmethod
    def around(cls, points: Sequence[Metric]) -> "_PlotFrame":
        steps, values = [p.step for p in points], [p.value for p in points]
        low, high = min(0.0, *values), max(values)
        return cls(min(steps), max(steps), low, high if high > low else low + 1)

    def x(self, step: float) -> float:
        wide = max(1e-12, self.last - self.first)
        return _LEFT + (step - self.first) / wide * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        tall = max(1e-12, self.high - self.low)
        return _TOP + (self.high - value) / tall * (_HEIGHT - _TOP - _BOTTOM)

    def place(self, point: Metric) -> svg.Point:
        return self.x(point.step), self.y(point.value)


def draw(
    title: str,
    unit: str,
    series: Mapping[str, Sequence[Metric]],
    *,
    smoothing: int = 1,
    axis: str = "step",
) -> Html:
    """Return one line a name on the same axes, each with its last value.

    ``smoothing``: the points over which a line is averaged; the points themselves are
    drawn faintly behind it. ``axis``: what is counted from left to right.

    Nothing if there are no numbers. The first line is solid, the second dashed, so
    that colour is not needed.
    """
    lines = {name: thinned(numbers) for name, numbers in series.items() if numbers}
    if not lines:
        return Html("")
    frame = _PlotFrame.around([point for points in lines.values() for point in points])
    description = "; ".join(
        f"{title} {_description(name, p)}" for name, p in lines.items()
    )
    curves = html.join(
        _line(frame, points, n, smoothing) for n, points in enumerate(lines.values(), 1)
    )
    figure = svg.picture(
        _axes(frame, unit, axis) + curves, _WIDTH, _HEIGHT, description
    )
    caption = html.tag("strong", html.text(title)) + _legend(lines, unit, smoothing)
    return html.tag("figure", html.tag("figcaption", caption) + figure, "al-plot")


def thinned(numbers: Sequence[Metric]) -> list[Metric]:
    """Return at most ``MOST_POINTS`` points, each the mean of its neighbours."""
    size = max(1, ceil(len(numbers) / MOST_POINTS))
    parts = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return [
        Metric(part[-1].step, part[-1].name, sum(m.value for m in part) / len(part))
        for part in parts
    ]


def _description(name: str, points: Sequence[Metric]) -> str:
    begin, end = points[0], points[-1]
    return (
        f"{name}: {_short(begin.value)} at step {begin.step}, "
        f"{_short(end.value)} at step {end.step}"
    )


def _legend(lines: Mapping[str, Sequence[Metric]], unit: str, smoothing: int) -> Html:
    """Return the last value of each line, with its name if there are several."""
    return html.join(
        html.tag(
            "span",
            html.text(f"{name} {_end(points, unit, smoothing)}".strip()),
            f"al-key al-line-{n}" if len(lines) > 1 else "al-key",
        )
        for n, (name, points) in enumerate(lines.items(), 1)
    )


def _end(points: Sequence[Metric], unit: str, smoothing: int) -> str:
    """Return the value at which a line ends, and which of two lines it is."""
    if not _is_smoothed(points, smoothing):
        return f"{_short(points[-1].value)} {unit}"
    value = _short(smoothed(points, smoothing)[-1].value)
    return f"{value} {unit} (thick line: smoothed; thin: not smoothed)"


def _is_smoothed(points: Sequence[Metric], smoothing: int) -> bool:
    """Return whether there are points enough for an average of so many."""
    return smoothing > 1 and len(points) > 2 * smoothing


def smoothed(points: Sequence[Metric], n_points: int) -> list[Metric]:
    """Return the exponential moving average over about ``n_points`` points."""
    weight, mean, total = 1 - 1 / max(1, n_points), 0.0, 0.0
    averages = []
    for point in points:
        # Without the correction by the total, the beginning would be drawn to 0.
        mean = weight * mean + (1 - weight) * point.value
        total = weight * total + (1 - weight)
        averages.append(Metric(point.step, point.name, mean / total))
    return averages


def _line(
    frame: _PlotFrame, points: Sequence[Metric], number: int, smoothing: int
) -> Html:
    behind = Html("")
    if _is_smoothed(points, smoothing):
        behind = svg.polyline(map(frame.place, points), "al-plot-raw")
        points = smoothed(points, smoothing)
    line = svg.polyline(map(frame.place, points))
    dot = svg.circle(frame.place(points[-1]), 3)
    return html.tag("g", behind + line + dot, f"al-plot-line al-line-{number}")


def _axes(frame: _PlotFrame, unit: str, axis: str) -> Html:
    parts: list[Html] = []
    for share in (0.0, 0.5, 1.0):
        value = frame.low + share * (frame.high - frame.low)
        y = frame.y(value)
        parts.append(svg.line((_LEFT, y), (_WIDTH - _RIGHT, y), "al-plot-rule"))
        parts.append(svg.word(_short(value), (_LEFT - 6, y + 4), "end"))
    for step in sorted({frame.first, (frame.first + frame.last) // 2, frame.last}):
        parts.append(svg.word(f"{step:,}", (frame.x(step), _HEIGHT - _BOTTOM + 16)))
    parts.append(svg.word(axis, ((_LEFT + _WIDTH) / 2, _HEIGHT - 6)))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    turn = f"rotate(-90 11 {middle})"
    parts.append(svg.word(unit, (11, middle), transform=turn))
    return html.join(parts)


def _short(value: float) -> str:
    """Return a number in three figures; a small one in two, or it would be too wide."""
    if value and abs(value) < 0.001:
        return f"{value:.1e}".replace("e-0", "e-")
    figures = 3 if abs(value) >= 0.01 else 2
    return "0" if value == 0 else f"{value:.{figures}g}"
