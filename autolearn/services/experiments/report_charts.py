"""The charts of experiment reports, as SVG."""

from collections.abc import Mapping, Sequence

from autolearn.evaluation.arm_statistics import ShareInterval
from autolearn.markup import svg
from autolearn.markup.elements import Html, join

_WIDTH, _LABEL, _RIGHT = 720, 210, 60
_ROW, _TOP = 30, 24
_HEIGHT, _LEFT = 260, 44
_TICKS = (0, 0.25, 0.5, 0.75, 1)


def intervals(rows: Sequence[tuple[str, ShareInterval]]) -> Html:
    """Return shares with their intervals, one below the other, on a scale of 0..1."""
    height = _TOP + _ROW * len(rows) + 24
    parts = [_vertical(tick, height) for tick in _TICKS]
    for i, (title, share) in enumerate(rows):
        y = _TOP + _ROW * i + _ROW / 2
        parts += [
            svg.word(title, (_LABEL - 12, y + 4), "end"),
            svg.line((_x(share.low), y), (_x(share.high), y), "al-interval"),
            svg.circle((_x(share.value), y), 5, "al-dot"),
            svg.word(f"{100 * share.value:.0f} %", (_WIDTH - 4, y + 4), "end"),
        ]
    return _figure(parts, height, "Shares of right answers with 95 % intervals")


def curves(lines: Mapping[str, Sequence[tuple[int, ShareInterval]]]) -> Html:
    """Return a line for each name: shares over rounds, with their intervals."""
    last = max((x for points in lines.values() for x, _ in points), default=0)
    parts = [_horizontal(tick) for tick in _TICKS]
    parts += [
        svg.word(f"round {number}", (_round_x(number, last), _HEIGHT - 8))
        for number in range(last + 1)
    ]
    for i, (name, points) in enumerate(lines.items()):
        parts += _curve(i, points, last)
        if points:
            y = _y(points[-1][1].value) + 4 + 14 * i
            place = _round_x(last, last) + 24, min(y, _HEIGHT - 30)
            parts.append(svg.word(name, place))
    return _figure(parts, _HEIGHT, "Shares of right answers over rounds")


def _curve(
    i: int, points: Sequence[tuple[int, ShareInterval]], last: int
) -> list[Html]:
    """Return a line with its intervals; those of one round do not hide each other."""
    classes = f"al-curve-{i + 1}"
    places = [(_round_x(number, last) + 4 * i, share) for number, share in points]
    path = svg.polyline(
        ((x, _y(share.value)) for x, share in places), f"al-curve {classes}"
    )
    return [
        path,
        *(svg.line((x, _y(s.low)), (x, _y(s.high)), classes) for x, s in places),
    ]


def _round_x(number: int, last: int) -> float:
    width = _WIDTH - _LEFT - 160
    return _LEFT + 10 + width * number / max(1, last)


def _x(share: float) -> float:
    return _LABEL + (_WIDTH - _LABEL - _RIGHT) * share


def _y(share: float) -> float:
    return 12 + (_HEIGHT - 44) * (1 - share)


def _vertical(tick: float, height: int) -> Html:
    x = _x(tick)
    line = svg.line((x, _TOP - 8), (x, height - 20), "al-grid")
    return line + svg.word(f"{100 * tick:.0f}", (x, height - 6))


def _horizontal(tick: float) -> Html:
    y = _y(tick)
    line = svg.line((_LEFT, y), (_WIDTH - 150, y), "al-grid")
    return line + svg.word(f"{100 * tick:.0f}", (_LEFT - 6, y + 4), "end")


def _figure(parts: Sequence[Html], height: int, description: str) -> Html:
    return svg.picture(join(parts), _WIDTH, height, description, "al-figure")
