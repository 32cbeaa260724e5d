"""Places on a page as it is seen, whatever its turn and its edges in the file."""

import math

import pypdfium2 as pdfium

from autolearn.ingest.readers.pdf.shapes import Point

_QUARTER = 90


class View:
    """How places in a file become places on the page as it is seen."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self.turn: int = page.get_rotation()
        """The turn of the page in degrees."""
        media, crop = page.get_mediabox(), page.get_cropbox()
        self._box = (
            *map(max, media[:2], crop[:2]),
            *map(min, media[2:], crop[2:]),
        )
        self.left: float = self._box[0]
        """The left edge of the page in the file."""

    def place(self, x: float, y: float) -> Point:
        """Return a point as seen, from the top left corner."""
        left, bottom, right, top = self._box
        if self.turn == 0:
            return x - left, top - y
        if self.turn == 90:
            return y - bottom, x - left
        return (right - x, y - bottom) if self.turn == 180 else (top - y, right - x)

    def direction(self, x: float, y: float) -> int:
        """Return the direction of a vector as seen, in quarter turns of degrees."""
        angle = math.degrees(math.atan2(y, x)) - self.turn
        quarters: int = round(angle / _QUARTER)
        return quarters * _QUARTER % 360
