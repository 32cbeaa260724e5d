"""Documents of many formats that say the same, with what is easily lost.

Each has a heading, a power, hidden text, a note, a formula, code and a table in which a
cell covers all rows.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support import files

M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
KINDS = ("html", "mhtml", "epub", "docx", "odt", "pptx", "rtf", "rst", "tex", "ipynb")


@dataclass(frozen=True)
class Content:
    """What a document says. Every value is a number or a word of its own."""

    heading: str = "Orvelle"
    before: str = "The mass is 7"
    base: int = 10
    power: int = 23
    after: str = "tons in all."
    hidden: str = "Secretly"
    note: str = "Measured twice."
    formula: tuple[str, int] = ("k", 4217)
    code: tuple[str, str] = ("for x in y:", "    run(x)")
    header: tuple[str, str, str] = ("Region", "Year", "Tonnes")
    region: str = "North"
    rows: list[tuple[int, int]] = field(
        default_factory=lambda: [(2020, 310), (2021, 290)]
    )

    @property
    def visible(self) -> list[str]:
        """What has to be in the text, in every format."""
        x, value = self.formula
        return [
            self.heading,
            f"{self.before} {self.base}^{self.power} {self.after}",
            self.note,
            f"{x} = {value}",
            "\n".join(self.code),
            "| " + " | ".join(self.header) + " |",
            *(f"| {self.region} | {year} | {n} |" for year, n in self.rows),
        ]


def write(path: Path, content: Content) -> None:
    """Write a document as what the name of the file ends in."""
    WRITERS[path.suffix[1:]](path, content)


def html(content: Content) -> str:
    x, value = content.formula
    math = f"<math><mi>{x}</mi><mo>=</mo><mn>{value}</mn></math>"
    first = f"<td rowspan={len(content.rows)}>{content.region}</td>"
    rows = "".join(
        f"<tr>{first if i == 0 else ''}<td>{year}</td><td>{n}</td></tr>"
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"<th>{name}</th>" for name in content.header)
    code = "\n".join(content.code)
    return (
        f"<html><body><h1>{content.heading}</h1><p>{content.before} {content.base}"
        f"<sup>{content.power}</sup> {content.after}<span hidden>{content.hidden}"
        f"</span></p><p>{math}</p><pre>{code}</pre><table><tr>{names}</tr>{rows}"
        f"</table><aside role='doc-footnote'>{content.note}</aside></body></html>"
    )


def _html(path: Path, content: Content) -> None:
    path.write_text(html(content), encoding="utf-8")


def _mhtml(path: Path, content: Content) -> None:
    path.write_text(
        "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n"
        f"Content-Type: text/html; charset=utf-8\n\n{html(content)}\n--b--\n",
        encoding="utf-8",
    )


def _epub(path: Path, content: Content) -> None:
    files.epub_of(path, [html(content)])


def _docx(path: Path, content: Content) -> None:
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


def _odt(path: Path, content: Content) -> None:
    x, value = content.formula
    names = " ".join(
        f'xmlns:{name}="{ODF}:{name}:1.0"'
        for name in ("office", "text", "table", "style", "draw")
    )
    style = (
        '<style:style style:name="up"><style:text-properties style:text-position='
        '"super 58%"/></style:style><style:style style:name="off">'
        "<style:text-properties "
        'text:display="none"/></style:style>'
    )
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

    def cell(text: object, spans: str = "") -> str:
        return f"<table:table-cell{spans}><text:p>{text}</text:p></table:table-cell>"

    rows = f"<table:table-row>{''.join(map(cell, content.header))}</table:table-row>"
    for i, (year, n) in enumerate(content.rows):
        spans = ' table:number-rows-spanned="9"'
        first = "<table:covered-table-cell/>" if i else cell(content.region, spans)
        rows += f"<table:table-row>{first}{cell(year)}{cell(n)}</table:table-row>"
    body = (
        f'<text:h text:outline-level="1">{content.heading}</text:h><text:p>'
        f'{content.before} {content.base}<text:span text:style-name="up">'
        f"{content.power}"
        f'</text:span> {content.after}<text:span text:style-name="off">{content.hidden}'
        f"</text:span>{note}</text:p><text:p>{math}</text:p>{lines}"
        f"<table:table>{rows}</table:table>"
    )
    document = (
        f"<office:document-content {names}><office:automatic-styles>{style}"
        f"</office:automatic-styles><office:body><office:text>{body}</office:text>"
        "</office:body></office:document-content>"
    )
    files.zip_of(path, {"content.xml": document.encode()})


def _pptx(path: Path, content: Content) -> None:
    def run(text: object, more: str = "") -> str:
        return f"<a:r><a:rPr{more}/><a:t>{text}</a:t></a:r>"

    def shape(paragraphs: str, kind: str = "") -> str:
        place = (
            f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
            if kind
            else ""
        )
        return f"<p:sp>{place}<p:txBody>{paragraphs}</p:txBody></p:sp>"

    def cell(text: object, spans: str = "") -> str:
        body = f"<a:txBody><a:p>{run(text)}</a:p></a:txBody>"
        return f"<a:tc{spans}>{body}</a:tc>"

    x, value = content.formula
    signs = "".join(f"<m:r><m:t>{sign}</m:t></m:r>" for sign in (x, "=", value))
    text = run(f"{content.before} {content.base}") + run(
        content.power, ' baseline="30000"'
    )
    text += run(f" {content.after}")
    rows = f"<a:tr>{''.join(map(cell, content.header))}</a:tr>"
    for i, (year, n) in enumerate(content.rows):
        first = cell("", ' vMerge="1"') if i else cell(content.region, ' rowSpan="9"')
        rows += f"<a:tr>{first}{cell(year)}{cell(n)}</a:tr>"
    table = (
        "<p:graphicFrame><a:graphic><a:graphicData><a:tbl>"
        f"{rows}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )
    code = "<a:br/>".join(map(run, content.code))
    body = shape(f"<a:p>{run(content.heading)}</a:p>", "title") + shape(
        f"<a:p>{text}</a:p>"
    )
    body += shape(f"<a:p><m:oMath>{signs}</m:oMath></a:p>") + shape(
        f"<a:p>{code}</a:p>"
    )
    pptx_of(
        path,
        [
            (body + table, content.note),
            (shape(f"<a:p>{run(content.hidden)}</a:p>"), ""),
        ],
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


def _rtf(path: Path, content: Content) -> None:
    x, value = content.formula
    rows = (
        r"\trowd\cellx1\cellx2\cellx3 "
        + "".join(rf"\intbl {name}\cell " for name in content.header)
        + r"\row "
    )
    for i, (year, n) in enumerate(content.rows):
        layout = (
            r"\trowd" + (r"\clvmrg" if i else r"\clvmgf") + r"\cellx1\cellx2\cellx3 "
        )
        first = "" if i else content.region
        rows += rf"{layout}\intbl {first}\cell {year}\cell {n}\cell\row "
    code = r"\line ".join(content.code)
    path.write_text(
        r"{\rtf1\ansi\ansicpg1252{\stylesheet{\s1 heading 1;}}"
        rf"{{\pard\s1 {content.heading}\par}}\pard {content.before} {content.base}"
        rf"{{\super {content.power}}} {content.after}{{\v {content.hidden}}}"
        rf"{{\footnote {content.note}}}\par {x} = {value}\par {code}\par {rows}"
        r"\pard End.\par}",
        encoding="latin-1",
    )


def _rst(path: Path, content: Content) -> None:
    x, value = content.formula
    code = "\n".join(f"   {text}" for text in content.code)
    line = "+---------+---------+---------+"
    rows = "\n".join(
        f"| {content.region if i == 0 else '':8}| {year:8}| {n:8}|\n"
        + (line if i == len(content.rows) - 1 else f"|{' ' * 9}+{'-' * 9}+{'-' * 9}+")
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"| {name:8}" for name in content.header)
    path.write_text(
        f"{content.heading}\n{'=' * 20}\n\n{content.before} {content.base}\\ "
        f":sup:`{content.power}` {content.after} [#]_\n\n.. {content.hidden}\n\n"
        f":math:`{x} = {value}`\n\n::\n\n{code}\n\n{line}\n{names}|\n"
        f"{line.replace('-', '=')}\n{rows}\n\n.. [#] {content.note}\n",
        encoding="utf-8",
    )


def _tex(path: Path, content: Content) -> None:
    x, value = content.formula
    first = rf"\multirow{{{len(content.rows)}}}{{*}}{{{content.region}}}"
    rows = "".join(
        rf"{first if i == 0 else ''} & {year} & {n} \\ "
        for i, (year, n) in enumerate(content.rows)
    )
    code = "\n".join(content.code)
    path.write_text(
        rf"""\documentclass{{article}}\usepackage{{multirow}}
\begin{{document}}\section{{{content.heading}}}
{content.before} {content.base}\textsuperscript{{{content.power}}}
{content.after}\footnote{{{content.note}}}
\unknowncommand{{{content.hidden}}}

${x} = {value}$

\begin{{verbatim}}
{code}
\end{{verbatim}}

\begin{{tabular}}{{lll}} {" & ".join(content.header)} \\ \hline {rows} \end{{tabular}}
\end{{document}}
""",
        encoding="utf-8",
    )


def _ipynb(path: Path, content: Content) -> None:
    x, value = content.formula
    first = f"<td rowspan={len(content.rows)}>{content.region}</td>"
    rows = "".join(
        f"<tr>{first if i == 0 else ''}<td>{year}</td><td>{n}</td></tr>"
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"<th>{name}</th>" for name in content.header)
    text = (
        f"# {content.heading}\n\n{content.before} {content.base}^{content.power} "
        f"{content.after}\n\n${x} = {value}$\n\n{content.note}"
    )
    cells = [
        {"cell_type": "markdown", "source": text.splitlines(keepends=True)},
        {
            "cell_type": "code",
            "source": "\n".join(content.code),
            "outputs": [
                {
                    "output_type": "display_data",
                    "data": {"text/html": f"<table><tr>{names}</tr>{rows}</table>"},
                },
                {"output_type": "error", "traceback": [content.hidden]},
            ],
        },
    ]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")


WRITERS = {
    "html": _html,
    "mhtml": _mhtml,
    "epub": _epub,
    "docx": _docx,
    "odt": _odt,
    "pptx": _pptx,
    "rtf": _rtf,
    "rst": _rst,
    "tex": _tex,
    "ipynb": _ipynb,
}


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


PLAIN = ("odt", "pptx", "rtf", "rst", "tex", "ipynb", "mhtml", "xlsx")


def write_plain(path: Path, paragraphs: list[str]) -> None:
    """Write paragraphs as what the name of the file ends in."""
    kind, text = path.suffix[1:], "\n\n".join(paragraphs)
    lines = [escape(line) for line in paragraphs]
    if kind == "odt":
        body = "".join(f"<text:p>{line}</text:p>" for line in lines)
        names = "".join(
            f' xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "text")
        )
        root = f"<office:body{names}><office:text>{body}</office:text></office:body>"
        files.zip_of(path, {"content.xml": f"<x>{root}</x>".encode()})
    elif kind == "pptx":
        body = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
        pptx_of(path, [(f"<p:sp><p:txBody>{body}</p:txBody></p:sp>", "")])
    elif kind == "rtf":
        body = "".join(rf"\pard {line}\par " for line in paragraphs)
        path.write_text(rf"{{\rtf1\ansi {body}}}", encoding="latin-1")
    elif kind == "rst":
        # Else "A. " would begin a list, whose numbers pandoc writes.
        path.write_text(
            "\n\n".join(f"\\ {line}" for line in paragraphs), encoding="utf-8"
        )
    elif kind == "ipynb":
        cells = [{"cell_type": "markdown", "source": line} for line in paragraphs]
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    elif kind == "mhtml":
        body = "".join(f"<p>{line}</p>" for line in lines)
        head = "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
        path.write_text(f"{head}<body>{body}</body>", encoding="utf-8")
    elif kind == "xlsx":
        xlsx_of(path, [[line] for line in paragraphs])
    else:
        path.write_text(text, encoding="utf-8")
