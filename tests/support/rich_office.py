"""Office documents: Word, OpenDocument, PowerPoint and Excel."""

from pathlib import Path
from xml.sax.saxutils import escape

from tests.support import files
from tests.support.rich_content import Content

M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
ODF_NAMES = ("office", "text", "table", "style", "draw", "presentation")
ODF_STYLES = (
    '<style:style style:name="up"><style:text-properties '
    'style:text-position="super 58%"/></style:style>'
    '<style:style style:name="off"><style:text-properties text:display="none"/>'
    "</style:style>"
)
"""Styles of raised and of hidden text."""


def write_docx(path: Path, content: Content) -> None:
    def run(text: str, properties: str = "") -> str:
        text = f'<w:t xml:space="preserve">{text}</w:t>'
        return f"<w:r><w:rPr>{properties}</w:rPr>{text}</w:r>"

    def cell(text: object, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{run(str(text))}</w:p></w:tc>"

    x, value = content.formula
    text = run(f"{content.before} {content.base}")
    text += run(str(content.power), '<w:vertAlign w:val="superscript"/>')
    text += run(f" {content.after}") + run(content.hidden, "<w:vanish/>")
    text += '<w:r><w:footnoteReference w:id="2"/></w:r>'
    signs = "".join(f"<m:r><m:t>{sign}</m:t></m:r>" for sign in (x, "=", value))
    lines = "".join(f"<w:p>{run(line)}</w:p>" for line in content.code)
    rows = f"<w:tr>{''.join(map(cell, content.header))}</w:tr>"
    for i, (year, n) in enumerate(content.rows):
        merge = '<w:vMerge w:val="restart"/>' if i == 0 else "<w:vMerge/>"
        first = cell(content.region if i == 0 else "", merge)
        rows += f"<w:tr>{first}{cell(year)}{cell(n)}</w:tr>"
    files.docx_of(
        path,
        f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>{run(content.heading)}</w:p>'
        f"<w:p>{text}</w:p><w:p><m:oMath>{signs}</m:oMath></w:p>{lines}"
        f"<w:p>{run('After.')}</w:p><w:tbl>{rows}</w:tbl>",
        notes=f'<w:footnote w:id="2"><w:p>{run(content.note)}</w:p></w:footnote>',
    )


def write_odt(path: Path, content: Content) -> None:
    body = f"<office:text>{_odt_text(content)}{_odt_table(content)}</office:text>"
    odf_of(path, body, ODF_STYLES)


def _odt_text(content: Content) -> str:
    """Return all before the table: heading, paragraph with a note, formula, code."""
    x, value = content.formula
    math = (
        '<draw:frame><draw:object><math xmlns="http://www.w3.org/1998/Math/MathML">'
        f"<mi>{x}</mi><mo>=</mo><mn>{value}</mn></math></draw:object></draw:frame>"
    )
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        f"<text:p>{content.note}</text:p></text:note-body></text:note>"
    )
    lines = "".join(
        f'<text:p text:style-name="Preformatted_20_Text">{line.replace("    ", spaces)}'
        "</text:p>"
        for line in content.code
        for spaces in ['<text:s text:c="4"/>']
    )
    return (
        f'<text:h text:outline-level="1">{content.heading}</text:h><text:p>'
        f'{content.before} {content.base}<text:span text:style-name="up">'
        f"{content.power}"
        f'</text:span> {content.after}<text:span text:style-name="off">{content.hidden}'
        f"</text:span>{note}</text:p><text:p>{math}</text:p>{lines}"
    )


def _odt_table(content: Content) -> str:
    def cell(text: object, spans: str = "") -> str:
        return f"<table:table-cell{spans}><text:p>{text}</text:p></table:table-cell>"

    rows = f"<table:table-row>{''.join(map(cell, content.header))}</table:table-row>"
    for i, (year, n) in enumerate(content.rows):
        spans = ' table:number-rows-spanned="9"'
        first = "<table:covered-table-cell/>" if i else cell(content.region, spans)
        rows += f"<table:table-row>{first}{cell(year)}{cell(n)}</table:table-row>"
    return f"<table:table>{rows}</table:table>"


def odf_of(path: Path, body: str, styles: str = "") -> None:
    """Write an OpenDocument from its body and its automatic styles."""
    names = "".join(f' xmlns:{name}="{ODF}:{name}:1.0"' for name in ODF_NAMES)
    document = (
        f'<office:document-content{names} xmlns:loext="urn:org:loext">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    files.zip_of(path, {"content.xml": document.encode()})


def write_pptx(path: Path, content: Content) -> None:
    def shape(paragraphs: str, kind: str = "") -> str:
        place = (
            f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
            if kind
            else ""
        )
        return f"<p:sp>{place}<p:txBody>{paragraphs}</p:txBody></p:sp>"

    x, value = content.formula
    signs = "".join(f"<m:r><m:t>{sign}</m:t></m:r>" for sign in (x, "=", value))
    before = _slide_run(f"{content.before} {content.base}")
    power = _slide_run(content.power, ' baseline="30000"')
    code = "<a:br/>".join(map(_slide_run, content.code))
    body = (
        shape(f"<a:p>{_slide_run(content.heading)}</a:p>", "title")
        + shape(f"<a:p>{before}{power}{_slide_run(f' {content.after}')}</a:p>")
        + shape(f"<a:p><m:oMath>{signs}</m:oMath></a:p>")
        + shape(f"<a:p>{code}</a:p>")
        + _slide_table(content)
    )
    hidden = shape(f"<a:p>{_slide_run(content.hidden)}</a:p>")
    pptx_of(path, [(body, content.note), (hidden, "")])


def _slide_run(text: object, more: str = "") -> str:
    return f"<a:r><a:rPr{more}/><a:t>{text}</a:t></a:r>"


def _slide_table(content: Content) -> str:
    def cell(text: object, spans: str = "") -> str:
        body = f"<a:txBody><a:p>{_slide_run(text)}</a:p></a:txBody>"
        return f"<a:tc{spans}>{body}</a:tc>"

    rows = f"<a:tr>{''.join(map(cell, content.header))}</a:tr>"
    for i, (year, n) in enumerate(content.rows):
        first = cell("", ' vMerge="1"') if i else cell(content.region, ' rowSpan="9"')
        rows += f"<a:tr>{first}{cell(year)}{cell(n)}</a:tr>"
    return (
        "<p:graphicFrame><a:graphic><a:graphicData><a:tbl>"
        f"{rows}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


def pptx_of(path: Path, slides: list[tuple[str, str]]) -> None:
    """Write slides from shapes and notes; all but the first are hidden."""
    names = f'xmlns:p="{P}" xmlns:a="{A}" xmlns:r="{R}" xmlns:m="{M}"'

    def relations(*targets: tuple[str, str]) -> str:
        items = "".join(
            f'<Relationship Id="r{i}" Type="{R}/{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(targets)
        )
        return f'<Relationships xmlns="{RELATIONS}">{items}</Relationships>'

    ids = "".join(f'<p:sldId id="{n}" r:id="r{n}"/>' for n in range(len(slides)))
    members = {
        "_rels/.rels": relations(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>{ids}"
        "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            *(("slide", f"slides/slide{n}.xml") for n in range(len(slides)))
        ),
    }
    for n, (shapes, note) in enumerate(slides):
        show = ' show="0"' if n else ""
        tree = "<p:cSld><p:spTree>{}</p:spTree></p:cSld>"
        members[f"ppt/slides/slide{n}.xml"] = (
            f"<p:sld {names}{show}>{tree.format(shapes)}</p:sld>"
        )
        if note:
            line = f"<a:p><a:r><a:t>{note}</a:t></a:r></a:p>"
            text = f"<p:sp><p:txBody>{line}</p:txBody></p:sp>"
            members[f"ppt/notes{n}.xml"] = (
                f"<p:notes {names}>{tree.format(text)}</p:notes>"
            )
            members[f"ppt/slides/_rels/slide{n}.xml.rels"] = relations(
                ("notesSlide", f"../notes{n}.xml")
            )
    files.zip_of(path, {name: text.encode() for name, text in members.items()})


def xlsx_of(path: Path, rows: list[list[object]]) -> None:
    """Write a workbook with a sheet and a comment."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(i: int, n: int, value: object) -> str:
        place = f"{'ABC'[n]}{i + 1}"
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    lines = "".join(
        f'<row r="{i + 1}">{"".join(cell(i, n, v) for n, v in enumerate(row))}</row>'
        for i, row in enumerate(rows)
    )
    link = '<Relationship Id="r" Type="{}/{}" Target="{}"/>'
    link = f'<Relationships xmlns="{RELATIONS}">{link}</Relationships>'
    members = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/'
        '2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="'
        f'{kinds}.sheet.main+xml"/></Types>',
        "_rels/.rels": link.format(R, "officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": link.format(
            R, "worksheet", "worksheets/sheet1.xml"
        ),
        "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{R}"><sheets>'
        '<sheet name="Trees" sheetId="1" r:id="r"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}"><sheetData>{lines}'
        "</sheetData></worksheet>",
        "xl/comments1.xml": "<comments><text><t>Count again.</t></text></comments>",
    }
    files.zip_of(path, {name: text.encode() for name, text in members.items()})
