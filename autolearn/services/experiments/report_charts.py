"""The figures of experiment reports, as SVG; colours come from CSS variables."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from autolearn.evaluation.arm_statistics import ShareInterval

_WIDTH, _LABEL, _RIGHT = 720, 210, 60
_ROW, _TOP = 30, 24
_HEIGHT, _LEFT = 260, 44
_TICKS = (0, 0.25, 0.5, 0.75, 1)


def intervals(rows: Sequence[tuple[str, ShareInterval]]) -> Markup:
    """Return shares with their intervals, one below the other, on a scale of 0..1."""
    height = _TOP + _ROW * len(rows) + 24
    parts = [_vertical(tick, height) for tick in _TICKS]
    for i, (title, share) in enumerate(rows):
        y = _TOP + _ROW * i + _ROW / 2
        parts.append(
            _text(_LABEL - 12, y + 4, title, anchor="end")
            + _line(_x(share.low), y, _x(share.high), y, "al-interval")
            + Markup('<circle class="al-dot" cx="{}" cy="{}" r="5"/>').format(
                _x(share.value), y
            )
            + _text(_WIDTH - 4, y + 4, f"{100 * share.value:.0f} %", anchor="end")
        )
    return _svg(height, "Shares of right answers with 95 % intervals", parts)


def curves(lines: Mapping[str, Sequence[tuple[int, ShareInterval]]]) -> Markup:
    """Return a line for each name: shares over rounds, with their intervals."""
    last = max((x for points in lines.values() for x, _ in points), default=0)

    def at(number: int) -> float:
        width = _WIDTH - _LEFT - 160
        return _LEFT + 10 + width * number / max(1, last)

    parts = [_horizontal(tick) for tick in _TICKS]
    parts += [
        _text(at(number), _HEIGHT - 8, f"round {number}") for number in range(last + 1)
    ]
    for i, (name, points) in enumerate(lines.items()):
        shift = 4 * i  # intervals of one round do not hide each other
        path = " ".join(f"{at(x) + shift:.1f},{_y(s.value):.1f}" for x, s in points)
        form = Markup('<polyline class="al-curve al-curve-{}" points="{}"/>')
        parts.append(form.format(i + 1, path))
        for x, share in points:
            place = at(x) + shift
            parts.append(
                _line(place, _y(share.low), place, _y(share.high), f"al-curve-{i + 1}")
            )
        if points:
            y = _y(points[-1][1].value) + 4 + 14 * i
            parts.append(_text(at(last) + 24, min(y, _HEIGHT - 30), name))
    return _svg(_HEIGHT, "Shares of right answers over rounds", parts)


def _x(share: float) -> float:
    return round(_LABEL + (_WIDTH - _LABEL - _RIGHT) * share, 1)


def _y(share: float) -> float:
    return round(12 + (_HEIGHT - 44) * (1 - share), 1)


def _vertical(tick: float, height: int) -> Markup:
    x = _x(tick)
    line = _line(x, _TOP - 8, x, height - 20, "al-grid")
    return line + _text(x, height - 6, f"{100 * tick:.0f}")


def _horizontal(tick: float) -> Markup:
    y = _y(tick)
    line = _line(_LEFT, y, _WIDTH - 150, y, "al-grid")
    return line + _text(_LEFT - 6, y + 4, f"{100 * tick:.0f}", anchor="end")


def _line(x1: float, y1: float, x2: float, y2: float, classes: str) -> Markup:
    form = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
    return form.format(classes, x1, y1, x2, y2)


def _text(x: float, y: float, words: str, anchor: str = "middle") -> Markup:
    form = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
    return form.format(round(x, 1), round(y, 1), anchor, words)


def _svg(height: int, title: str, parts: Sequence[Markup]) -> Markup:
    form = Markup(
        '<svg class="al-figure" viewBox="0 0 {} {}" role="img" aria-label="{}">'
    )
    head = form.format(_WIDTH, height, escape(title))
    return head + Markup("").join(parts) + Markup("</svg>")
