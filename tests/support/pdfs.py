"""PDFs drawn line by line, for tests of what their geometry means."""

from collections.abc import Sequence
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

TOP, LEFT, RIGHT = 780, 72, 520
BODY, BOLD, CODE = "Times-Roman", "Times-Bold", "Courier"
SENTENCES = (
    "The quarry of Tarn was opened in the spring by two brothers from the coast.",
    "Each block was cut by hand and carried to the ferry on a cart with six wheels.",
    "Nobody knows who paid for the road that leads from the upper pit to the lake.",
    "In winter the men repaired their tools and sold lamps at the market of Oden.",
)
PARAGRAPH = " ".join(SENTENCES)


class Sheet:
    """A canvas with a height that falls as lines are drawn."""

    def __init__(self, path: Path) -> None:
        self.canvas = Canvas(str(path), pagesize=(595, 842), invariant=True)
        self.y: float = TOP

    def line(
        self,
        text: str,
        x: float = LEFT,
        *,
        font: str = BODY,
        size: float = 11,
        skip: float = 14,
    ) -> None:
        """Draw a line below the one before."""
        self.y -= skip
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, self.y, text)

    def paragraph(self, text: str, x: float = LEFT, right: float = RIGHT) -> None:
        """Draw a text in lines, ragged on the right, after a gap."""
        for n, line in enumerate(wrapped(text, right - x)):
            self.line(line, x, skip=14 if n else 22)

    def raised(self, parts: Sequence[str], x: float = LEFT) -> None:
        """Draw a line whose second, fourth and further parts are raised."""
        self.y -= 14
        for n, part in enumerate(parts):
            size = 7 if n % 2 else 11
            self.canvas.setFont(BODY, size)
            self.canvas.drawString(x, self.y + (4 if n % 2 else 0), part)
            x += pdfmetrics.stringWidth(part, BODY, size)

    def next(self) -> None:
        """Begin a page."""
        self.canvas.showPage()
        self.y = TOP

    def save(self) -> None:
        """Write the file."""
        self.canvas.save()


def wrapped(text: str, width: float, font: str = BODY, size: float = 11) -> list[str]:
    """Return the lines of a text in a width in points."""
    lines = [""]
    for word in text.split():
        line = f"{lines[-1]} {word}".strip()
        if pdfmetrics.stringWidth(line, font, size) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = line
    return lines


def asian_font(name: str) -> str:
    """Return a font that every reader of PDFs has, such as ``STSong-Light``."""
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name


def without_unicode(path: Path, readable: str) -> None:
    """Write a page of text, and one in a font that names no letters."""
    glyphs = " ".join(f"/g{n}" for n in range(1, 32))
    secret = "".join(f"\\{n:03o}" for n in range(14, 32))
    fonts = (
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Odd /Encoding "
        f"<< /Type /Encoding /Differences [1 {glyphs}] >> >>",
    )
    pages = [
        f"BT /F0 12 Tf 72 700 Td ({readable}) Tj ET",
        f"BT /F1 12 Tf 72 700 Td ({secret}) Tj ET",
    ]
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [5 0 R 7 0 R] /Count 2 >>",
        *fonts,
    ]
    for n, content in enumerate(pages):
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            f"<< /Font << /F0 3 0 R /F1 4 0 R >> >> /Contents {6 + 2 * n} 0 R >>",
            _stream(content),
        ]
    _write(path, objects)


def with_raised_glyphs(path: Path, before: str, raised: str, after: str) -> None:
    """Write a line with digits that a font draws raised, at the size of the text."""
    digits = sorted(set(raised))
    glyph = "500 0 50 350 450 700 d1 50 350 400 350 re f"
    drawn = " ".join(f"/d{digit} 8 0 R" for digit in digits)
    codes = "\n".join(f"<{ord(x):02x}> <{ord(x):04x}>" for x in digits)
    to_unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(digits)} beginbfchar\n{codes}\nendbfchar\nendcmap end end"
    )
    differences = " ".join(f"{ord(digit)} /d{digit}" for digit in digits)
    content = (
        f"BT /F1 12 Tf 72 700 Td ({before}) Tj /F2 12 Tf ({raised}) Tj "
        f"/F1 12 Tf ({after}) Tj ET"
    )
    _write(
        path,
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            "<< /Font << /F1 5 0 R /F2 6 0 R >> >> /Contents 4 0 R >>",
            _stream(content),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 1000] /FontMatrix "
            f"[0.001 0 0 0.001 0 0] /CharProcs << {drawn} >> /Encoding << /Type "
            f"/Encoding /Differences [{differences}] >> /FirstChar 48 /LastChar 57 "
            f"/Widths [{'500 ' * 10}] /ToUnicode 7 0 R >>",
            _stream(to_unicode),
            _stream(glyph),
        ],
    )


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _write(path: Path, objects: Sequence[str]) -> None:
    data = "%PDF-1.4\n"
    offsets = []
    for n, text in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{n} 0 obj\n{text}\nendobj\n"
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    data += "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    data += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n"
    path.write_bytes(f"{data}startxref\n{start}\n%%EOF".encode("latin-1"))
