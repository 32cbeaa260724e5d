"""Hostile packages: Word, PowerPoint, Excel, OpenDocument, EPUB."""

import io
import zipfile
from collections.abc import Callable

K, M = 1000, 1_000_000
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
ODF = "urn:oasis:names:tc:opendocument:xmlns"
_ODF_NAMES = " ".join(
    f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "text", "table", "style")
)
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_R = "http://schemas.openxmlformats.org/package/2006/relationships"
_BOMB = "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
)
DOCTYPE = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{_BOMB}]>'
"""A billion laughs."""

Parts = dict[str, str | bytes]


def packed(parts: Parts) -> bytes:
    """Return a zip file of these parts."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return data.getvalue()


def _relations(*entries: tuple[str, str]) -> str:
    rows = "".join(
        f'<Relationship Id="r{i}" Type="{_R}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(entries)
    )
    return f'<Relationships xmlns="{_PACKAGE_R}">{rows}</Relationships>'


def docx(body: str, styles: str = "", prefix: str = "", **more: str) -> bytes:
    """Return a Word document with this body."""
    document = f"{prefix}<w:document {W}><w:body>{body}</w:body></w:document>"
    parts: Parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": _relations(("officeDocument", "word/document.xml")),
        "word/document.xml": document,
        "word/_rels/document.xml.rels": _relations(("styles", "styles.xml")),
        "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
    }
    return packed(parts | {f"word/{name}.xml": text for name, text in more.items()})


def xlsx(sheet: str, shared: str = "", n_sheets: int = 1) -> bytes:
    """Return a spreadsheet with this content of its sheets."""
    sheets = "".join(
        f'<sheet name="S{i}" sheetId="{i + 1}" r:id="r0"/>' for i in range(n_sheets)
    )
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook {S} xmlns:r="{_R}"><sheets>{sheets}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": _relations(
                ("worksheet", "worksheets/sheet1.xml"),
                ("sharedStrings", "sharedStrings.xml"),
            ),
            "xl/worksheets/sheet1.xml": f"<worksheet {S}>{sheet}</worksheet>",
            "xl/sharedStrings.xml": f"<sst {S}>{shared}</sst>",
        }
    )


def odf(kind: str, body: str, prefix: str = "") -> bytes:
    """Return an OpenDocument file with this body."""
    content = (
        f"{prefix}<office:document-content {_ODF_NAMES}><office:body><office:{kind}>"
        f"{body}</office:{kind}></office:body></office:document-content>"
    )
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": content,
        }
    )


def epub(chapter: str, n_times: int = 1, more: Parts | None = None) -> bytes:
    """Return a book that has a chapter so many times."""
    references = '<itemref idref="c"/>' * n_times
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": "<container><rootfiles>"
            '<rootfile full-path="a.opf"/></rootfiles></container>',
            "a.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
            '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>'
            f"</manifest><spine>{references}</spine></package>",
            "c.xhtml": chapter,
            **(more or {}),
        }
    )


def pptx(shapes: str) -> bytes:
    """Return slides with these shapes."""
    names = (
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        f'xmlns:r="{_R}"'
    )
    return packed(
        {
            "_rels/.rels": _relations(("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>"
            '<p:sldId r:id="r0"/>'
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": _relations(
                ("slide", "slides/slide1.xml")
            ),
            "ppt/slides/slide1.xml": f"<p:sld {names}><p:cSld><p:spTree>{shapes}"
            "</p:spTree></p:cSld></p:sld>",
        }
    )


def _text(words: str) -> str:
    return f"<w:r><w:t>{words}</w:t></w:r>"


def _cell(reference: str) -> str:
    row = "".join(sign for sign in reference if sign.isdigit())
    return f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>'


DOCX: dict[str, Callable[[], bytes]] = {
    "paragraphs.docx": lambda: docx("<w:p/>" * 900 * K),
    "runs.docx": lambda: docx("<w:p>" + _text("a") * 500 * K + "</w:p>"),
    "one-run.docx": lambda: docx(f"<w:p>{_text('a b ' * 7 * M)}</w:p>"),
    "hidden-runs.docx": lambda: docx(
        "<w:p>"
        + "<w:r><w:rPr><w:vanish/></w:rPr><w:t>a</w:t></w:r>" * 100 * K
        + "</w:p>"
    ),
    "styles.docx": lambda: docx(
        "<w:p/>", '<w:style w:styleId="a"><w:name w:val="b"/></w:style>' * 1500 * K
    ),
    "deep.docx": lambda: docx("<w:sdt><w:sdtContent>" * 100 * K),
    "deep-closed.docx": lambda: docx(
        "<w:tbl><w:tr><w:tc>" * 5 * K + "</w:tc></w:tr></w:tbl>" * 5 * K
    ),
    "rows.docx": lambda: docx(
        "<w:tbl>" + "<w:tr><w:tc><w:p/></w:tc></w:tr>" * 200 * K + "</w:tbl>"
    ),
    "span.docx": lambda: docx(
        '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr>'
        f"<w:p>{_text('x')}</w:p></w:tc></w:tr></w:tbl>"
    ),
    "entities.docx": lambda: docx(f"<w:p>{_text('&j;')}</w:p>", prefix=DOCTYPE),
    "quadratic.docx": lambda: docx(
        f"<w:p>{_text('&a;' * 100 * K)}</w:p>",
        prefix=f'<!DOCTYPE x [<!ENTITY a "{"a" * 50 * K}">]>',
    ),
    "zip-bomb.docx": lambda: packed({"word/document.xml": b" " * 500 * M}),
    "members.docx": lambda: packed({f"word/{i}.xml": "" for i in range(100 * K)}),
    "no-zip.docx": lambda: b"PK\3\4" + b"\xff" * M,
    "numbering.docx": lambda: docx(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val='999999'/><w:numId w:val='1'/></w:numPr>"
        "</w:pPr>" + _text("a") + "</w:p>"
    ),
    "numbered.docx": lambda: docx(
        "<w:p/>",
        numbering=f"<w:numbering {W}>"
        + "<w:abstractNum w:abstractNumId='1'/>" * M
        + "</w:numbering>",
    ),
}
XLSX: dict[str, Callable[[], bytes]] = {
    "far-cell.xlsx": lambda: xlsx(
        '<dimension ref="A1:XFD1048576"/><sheetData>'
        + _cell("A1")
        + _cell("XFD1048576")
        + "</sheetData>"
    ),
    "dimension.xlsx": lambda: xlsx(
        f'<dimension ref="A1:XFD1048576"/><sheetData>{_cell("A1")}</sheetData>'
    ),
    "beyond.xlsx": lambda: xlsx(f"<sheetData>{_cell('ZZZZZZ99999999999')}</sheetData>"),
    "shared.xlsx": lambda: xlsx(
        f"<sheetData>{_cell('A1')}</sheetData>", "<si><t>a</t></si>" * 5 * M
    ),
    "merged.xlsx": lambda: xlsx(
        f"<sheetData>{_cell('A1')}</sheetData><mergeCells>"
        + '<mergeCell ref="A1:XFD1048576"/>' * 300 * K
        + "</mergeCells>"
    ),
    "sheets.xlsx": lambda: xlsx(
        f"<sheetData>{_cell('A1')}</sheetData>", n_sheets=20 * K
    ),
    "rows.xlsx": lambda: xlsx(
        "<sheetData>"
        + "".join(map(_cell, (f"A{i}" for i in range(1, 500 * K))))
        + "</sheetData>"
    ),
    "zip-bomb.xlsx": lambda: packed({"xl/workbook.xml": b" " * 900 * M}),
    "no-book.xls": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * M,
}
ODFS: dict[str, Callable[[], bytes]] = {
    "columns.ods": lambda: odf(
        "spreadsheet",
        "<table:table><table:table-row>"
        '<table:table-cell table:number-columns-repeated="999999999">'
        "<text:p>x</text:p></table:table-cell></table:table-row></table:table>",
    ),
    "rows.ods": lambda: odf(
        "spreadsheet",
        '<table:table><table:table-row table:number-rows-repeated="999999999">'
        "<table:table-cell>"
        "<text:p>x</text:p></table:table-cell></table:table-row></table:table>",
    ),
    "spaces.odt": lambda: odf(
        "text", '<text:p>a<text:s text:c="999999999"/>b</text:p>'
    ),
    "many-spaces.odt": lambda: odf(
        "text", "<text:p>" + '<text:s text:c="99999"/>' * 10 * K + "</text:p>"
    ),
    "deep.odt": lambda: odf("text", "<text:section>" * 200 * K),
    "deep-spans.odt": lambda: odf(
        "text",
        "<text:p>"
        + "<text:span>" * 20 * K
        + "a"
        + "</text:span>" * 20 * K
        + "</text:p>",
    ),
    "entities.odt": lambda: odf("text", "<text:p>&j;</text:p>", DOCTYPE),
    "paragraphs.odt": lambda: odf("text", "<text:p>a</text:p>" * 800 * K),
    "zip-bomb.odp": lambda: packed({"content.xml": b" " * 900 * M}),
}
OTHERS: dict[str, Callable[[], bytes]] = {
    "spine.epub": lambda: epub("<p>" + "a b " * 20 * K, 20 * K),
    "entities.epub": lambda: epub(f"{DOCTYPE}<html><p>&j;</p></html>"),
    "less-than.epub": lambda: epub("<" * 300 * K),
    "deep.epub": lambda: epub("<div>" * 500 * K),
    "members.epub": lambda: epub(
        "<p>a", more={f"{i}.xhtml": "" for i in range(50 * K)}
    ),
    "zip-bomb.epub": lambda: epub(" " * 600 * M),
    "groups.pptx": lambda: pptx("<p:grpSp>" * 100 * K),
    "shapes.pptx": lambda: pptx(
        "<p:sp><p:txBody><a:p><a:r><a:t>a</a:t></a:r></a:p></p:txBody></p:sp>" * 100 * K
    ),
    "line.pptx": lambda: pptx(
        f"<p:sp><p:txBody><a:p><a:r><a:t>{'a' * 20 * M}</a:t></a:r></a:p></p:txBody>"
        "</p:sp>"
    ),
}
ALL: dict[str, Callable[[], bytes]] = {**DOCX, **XLSX, **ODFS, **OTHERS}
