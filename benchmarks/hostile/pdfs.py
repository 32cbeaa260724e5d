"""Hostile PDFs."""

import zlib
from collections.abc import Callable, Mapping

K, M = 1000, 1_000_000
_PAGE = (
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources 5 0 R>>"
)
_FONT = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_RESOURCES = "<</Font<</F 6 0 R>>/XObject<</X 7 0 R/Y 8 0 R>>>>"


def pdf(objects: dict[int, str | bytes], trailer: str = "/Root 1 0 R") -> bytes:
    """Return a file of these objects, by their numbers."""
    data, places = b"%PDF-1.7\n", {}
    for number, content in objects.items():
        places[number] = len(data)
        body = content.encode("latin-1") if isinstance(content, str) else content
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(data), max(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        kind = b"n" if number in places else b"f"
        data += b"%010d 00000 %s \n" % (places.get(number, 0), kind)
    data += f"trailer<</Size {size}{trailer}>>\nstartxref\n{start}\n%%EOF".encode()
    return data


def stream(content: bytes, entries: str = "", *, packed: bool = False) -> bytes:
    """Return a stream object."""
    if packed:
        content, entries = zlib.compress(content, 9), entries + "/Filter/FlateDecode"
    head = f"<</Length {len(content)}{entries}>>stream\n".encode()
    return head + content + b"\nendstream"


def page(
    content: bytes,
    *,
    packed: bool = False,
    more: Mapping[str, str | bytes] | None = None,
    **changes: str | bytes,
) -> bytes:
    """Return a file with one page; ``o3`` replaces object 3, and so on."""
    changes |= more or {}
    objects: dict[int, str | bytes] = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: _PAGE,
        4: stream(content, packed=packed),
        5: _RESOURCES,
        6: _FONT,
    }
    return pdf(objects | {int(name[1:]): text for name, text in changes.items()})


def form(content: bytes, resources: str = "5 0 R") -> bytes:
    """Return a form that a page can draw."""
    entries = f"/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources {resources}"
    return stream(content, entries)


def _forms(n: int, draws: int) -> bytes:
    """Return a page whose form draws the next form several times, and so on."""
    changes: dict[str, str | bytes] = {
        f"o{10 + i}": form(b"/X Do " * draws, f"<</XObject<</X {11 + i} 0 R>>>>")
        for i in range(n)
    }
    changes[f"o{10 + n}"] = form(b"BT /F 9 Tf (deep) Tj ET")
    return page(b"/X Do", more=changes | {"o5": "<</XObject<</X 10 0 R>>>>"})


TEXT = b"BT /F 9 Tf 9 TL 50 700 Td " + b"(a b) Tj T* " * 300 * K + b"ET"
ALL: dict[str, Callable[[], bytes]] = {
    "form-draws-itself.pdf": lambda: page(b"/X Do", o7=form(b"/X Do /X Do")),
    "forms-draw-each-other.pdf": lambda: page(
        b"/X Do", o7=form(b"/Y Do /Y Do"), o8=form(b"/X Do /X Do")
    ),
    "doubling-forms.pdf": lambda: _forms(30, 2),
    "many-forms.pdf": lambda: page(b"/X Do " * M, o7=form(b"BT /F 9 Tf (a) Tj ET")),
    "content-bomb.pdf": lambda: page(b" " * 900 * M, packed=True),
    "text.pdf": lambda: page(TEXT),
    "one-line.pdf": lambda: page(b"BT /F 9 Tf (" + b"a " * M + b") Tj ET"),
    "states.pdf": lambda: page(b"q " * M),
    "arrays.pdf": lambda: page(b"[" * M),
    "rules.pdf": lambda: page(b"0 0 m 600 800 l S " * 200 * K),
    "boxes.pdf": lambda: page(b"1 1 500 500 re f " * 200 * K + b"BT /F 9 Tf (a) Tj ET"),
    "kids-loop.pdf": lambda: page(b"", o2="<</Type/Pages/Kids[2 0 R]/Count 9>>"),
    "count.pdf": lambda: page(b"", o2="<</Type/Pages/Kids[3 0 R]/Count 999999999>>"),
    "many-pages.pdf": lambda: page(
        b"BT /F 9 Tf (a) Tj ET",
        o2="<</Type/Pages/Kids[" + "3 0 R " * 20 * K + "]/Count 20000>>",
    ),
    "content-loop.pdf": lambda: page(b"", o4="[4 0 R 4 0 R]"),
    "parent-loop.pdf": lambda: page(
        b"", o3="<</Type/Page/Parent 3 0 R/Contents 4 0 R>>"
    ),
    "media-box.pdf": lambda: page(
        b"BT /F 9 Tf (a) Tj ET",
        o3=_PAGE.replace("0 0 600 800", "-1e38 -1e38 1e38 1e38"),
    ),
    "font-size.pdf": lambda: page(b"BT /F 1e30 Tf (a b) Tj /F 0 Tf (c) Tj ET"),
    "field-loop.pdf": lambda: page(
        b"",
        o1="<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[9 0 R]>>>>",
        o9="<</FT/Tx/T(a)/Kids[9 0 R]/Parent 9 0 R/V(x)>>",
    ),
    "deep-object.pdf": lambda: page(b"", o5="<</A" * 300 * K),
    "xref-loop.pdf": lambda: pdf(
        {1: "<</Type/Catalog/Pages 2 0 R>>", 2: "<</Type/Pages/Kids[]/Count 0>>"},
        "/Root 1 0 R/Prev 9",
    ),
    "no-pdf.pdf": lambda: b"%PDF-1.7\n" + b"obj" * M,
}
