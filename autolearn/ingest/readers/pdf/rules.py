"""Find the ruling lines of a page: thin rectangles and strokes along an axis."""

import ctypes
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from autolearn.ingest.readers.pdf.drawn_boxes import (
    LARGEST,
    SMALLEST,
    UNEQUAL,
    Shape,
)
from autolearn.ingest.readers.pdf.shapes import Area, Point, RulingLine, between

MOST_PATHS = 3000
"""Paths on a page; a page with more is a drawing, whose lines rule no table."""
MOST_SEGMENTS = 400
"""Segments of a path; one with more is a drawing or a letter."""
THIN, SHORTEST = 3.0, 6.0
"""Largest width and smallest length of a ruling line, in points."""
LIGHT, DARK = 240, 90
"""Smallest value of each colour in a box that counts as empty, and largest one in a
spot that counts as a tick, 0 to 255."""
_DEEPEST = 3
"""Levels of nested forms that are read."""

Matrix = tuple[float, float, float, float, float, float]
Edge = tuple[Point, Point, tuple[Point, Point] | None]
"""Start and end of a segment, and two corners of the filled area that it bounds."""
_SAME: Matrix = (1, 0, 0, 1, 0, 0)
LEAST_STRAIGHT, LEAST_SIDES = 0.4, 3
"""Share of a side of a rectangle with round corners that is straight, and how many
sides are so; the last one may be closed without a line."""


def drawn(
    page: pdfium.PdfPage, to_page: Callable[[float, float], Point]
) -> tuple[list[RulingLine], list[Shape]]:
    """Return the ruling lines and the small shapes of a page.

    There are none if the page holds a drawing.

    Args:
        page: A page.
        to_page: Turns a point of the file into a point of the page as seen.
    """
    paths = list(islice(_page_paths(page), MOST_PATHS + 1))
    if len(paths) > MOST_PATHS:
        return [], []
    rules: list[RulingLine] = []
    shapes: list[Shape] = []
    for path, matrix in paths:
        corners = _corners(path, matrix)
        if corners is not None:
            places = [to_page(*corner) for corner in corners]
            if shape := _shape(path, *places):
                shapes.append(shape)
            if max(_distances(*places)) < SHORTEST and _keeps_axes(matrix):
                continue  # a dot or a letter
        for start, end, area in _edges(path, matrix):
            if _may_rule(start, end) and (
                rule := _rule(to_page(*start), to_page(*end))
            ):
                filled = _area(to_page(*area[0]), to_page(*area[1])) if area else None
                rules.append(rule._replace(area=filled))
    return rules, shapes


def _corners(path: Any, matrix: Matrix) -> tuple[Point, Point] | None:
    """Return two corners of the box around a path; None if it has none."""
    edges = [ctypes.c_float() for _ in range(4)]
    if not pdfium_c.FPDFPageObj_GetBounds(path, *edges):
        return None
    left, bottom, right, top = (edge.value for edge in edges)
    return _transformed(matrix, (left, bottom)), _transformed(matrix, (right, top))


def _distances(a: Point, b: Point) -> Point:
    """Return how far apart two points are along each axis."""
    return abs(a[0] - b[0]), abs(a[1] - b[1])


def _keeps_axes(m: Matrix) -> bool:
    return m[1] == m[2] == 0 or m[0] == m[3] == 0


def _shape(path: Any, corner: Point, other: Point) -> Shape | None:
    """Return the area of a small path; None if it is larger than a check box."""
    width, height = _distances(corner, other)
    if max(width, height) > LARGEST:
        return None
    is_filled, is_drawn = _draw_mode(path)
    colours = _colours(path) if is_filled else [255]
    is_light, is_dark = min(colours) >= LIGHT, max(colours) <= DARK
    if is_light and not is_drawn:
        return None  # nothing to be seen
    is_even = min(width, height) >= max(SMALLEST, (1 - UNEQUAL) * max(width, height))
    is_square = is_even and (
        _is_rectangle(path)
        if pdfium_c.FPDFPath_CountSegments(path) in (4, 5)
        else _is_rounded(path)
    )
    return Shape(
        *between(corner, other),
        is_square=is_square and is_drawn and is_light,
        is_coloured=not (is_light or is_dark),
        is_filled_square=is_square and is_filled and not is_light,
        is_stroke=is_drawn and not is_filled,
    )


def _colours(path: Any) -> list[int]:
    """Return the red, green and blue with which a path is filled, 0 to 255."""
    colours = [ctypes.c_uint() for _ in range(4)]
    pdfium_c.FPDFPageObj_GetFillColor(path, *colours)
    return [colour.value for colour in colours[:3]]


def _is_rectangle(path: Any) -> bool:
    """Return whether a path has one outline, with corners at two places each."""
    outlines = list(_outlines(path))
    return len(outlines) == 1 and all(
        len({round(value) for value in values}) == 2
        for values in zip(*outlines[0], strict=True)
    )


def _is_rounded(path: Any) -> bool:
    """Return whether a path is a rectangle with round corners.

    Each of its sides is straight for a part, unlike those of a circle.
    """
    outlines = list(_outlines(path))
    points = [point for outline in outlines for point in outline]
    straight = set()
    for axis in (0, 1) if points else ():
        low, high = (pick(point[axis] for point in points) for pick in (min, max))
        for a, b in (pair for outline in outlines for pair in pairwise(outline)):
            is_long = abs(a[1 - axis] - b[1 - axis]) > LEAST_STRAIGHT * (high - low)
            for edge in (low, high):
                if is_long and max(abs(a[axis] - edge), abs(b[axis] - edge)) < 0.1:
                    straight.add((axis, edge))
    return len(straight) >= LEAST_SIDES


def _page_paths(page: pdfium.PdfPage) -> Iterator[tuple[Any, Matrix]]:
    objects = (
        pdfium_c.FPDFPage_GetObject(page.raw, i)
        for i in range(pdfium_c.FPDFPage_CountObjects(page.raw))
    )
    yield from _paths(objects, _SAME, 0)


def _paths(
    objects: Iterator[Any], matrix: Matrix, depth: int
) -> Iterator[tuple[Any, Matrix]]:
    """Yield the painted paths, and the matrix of the form that each is in."""
    for item in objects:
        kind = pdfium_c.FPDFPageObj_GetType(item)
        if kind == pdfium_c.FPDF_PAGEOBJ_PATH and any(_draw_mode(item)):
            yield item, matrix
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            n = pdfium_c.FPDFFormObj_CountObjects(item)
            inner = (pdfium_c.FPDFFormObj_GetObject(item, i) for i in range(n))
            yield from _paths(inner, _product(_matrix(item), matrix), depth + 1)


def _draw_mode(path: Any) -> tuple[bool, bool]:
    """Return whether a path is filled, and whether its outline is drawn."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDFPath_GetDrawMode(path, fill, stroke)
    return bool(fill.value), bool(stroke.value)


def _matrix(item: Any) -> Matrix:
    m = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFPageObj_GetMatrix(item, m)
    return m.a, m.b, m.c, m.d, m.e, m.f


def _product(m: Matrix, n: Matrix) -> Matrix:
    """Return the matrix that does what ``m`` does, then ``n``."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def _edges(path: Any, matrix: Matrix) -> Iterator[Edge]:
    """Yield the straight segments of a path; a thin rectangle is one segment."""
    matrix = _product(_matrix(path), matrix)
    is_drawn = _draw_mode(path)[1]
    for points in _outlines(path):
        places = [_transformed(matrix, point) for point in points]
        xs, ys = [x for x, _ in places], [y for _, y in places]
        left, right, low, high = min(xs), max(xs), min(ys), max(ys)
        if len(places) > 2 and high - low <= THIN:
            yield (left, (low + high) / 2), (right, (low + high) / 2), None
        elif len(places) > 2 and right - left <= THIN:
            yield ((left + right) / 2, low), ((left + right) / 2, high), None
        else:
            area = None if is_drawn else ((left, low), (right, high))
            yield from ((start, end, area) for start, end in pairwise(places))


def _outlines(path: Any) -> Iterator[list[Point]]:
    """Yield the corners of each closed or open line of a path, without curves."""
    n = pdfium_c.FPDFPath_CountSegments(path)
    if not 0 < n <= MOST_SEGMENTS:
        return
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[Point] = []
    for i in range(n):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, i)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind != pdfium_c.FPDF_SEGMENT_LINETO and points:
            yield points
            points = []
        points.append((x.value, y.value))
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            points.append(points[0])
    if points:
        yield points


def _transformed(m: Matrix, point: Point) -> Point:
    x, y = point
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def _may_rule(start: Point, end: Point) -> bool:
    """Return whether a segment is long and along an axis, on a page turned or not."""
    width, height = _distances(start, end)
    return min(width, height) <= 1.01 and max(width, height) >= SHORTEST - 0.01


def _rule(start: Point, end: Point) -> RulingLine | None:
    width, height = _distances(start, end)
    if min(width, height) > 1 or max(width, height) < SHORTEST:
        return None
    return RulingLine(*between(start, end))


def _area(corner: Point, other: Point) -> Area:
    return Area(*between(corner, other))
