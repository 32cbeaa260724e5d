"""Presentations, sheets, Markdown and PDFs that say what ``rich_files`` say."""

from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from tests.support import rich_office
from tests.support.rich_content import Content

KINDS = ("odp", "ods", "xlsx", "md", "pdf")


def write(path: Path, content: Content) -> None:
    """Write a document as what the name of the file ends in."""
    WRITERS[path.suffix[1:]](path, content)


def _paragraphs(content: Content) -> list[str]:
    x, value = content.formula
    return [
        f'{content.before} {content.base}<text:span text:style-name="up">'
        f"{content.power}</text:span> {content.after}"
        f'<text:span text:style-name="off">{content.hidden}</text:span>',
        f"{x} = {value}",
        *[line.strip() for line in content.code],
    ]


def _cell(text: object, spans: str = "") -> str:
    return f"<table:table-cell{spans}><text:p>{text}</text:p></table:table-cell>"


def _table(content: Content) -> str:
    rows = f"<table:table-row>{''.join(map(_cell, content.header))}</table:table-row>"
    for i, (year, n) in enumerate(content.rows):
        spans = f' table:number-rows-spanned="{len(content.rows)}"'
        first = "<table:covered-table-cell/>" if i else _cell(content.region, spans)
        rows += f"<table:table-row>{first}{_cell(year)}{_cell(n)}</table:table-row>"
    return f"<table:table>{rows}</table:table>"


def _odp(path: Path, content: Content) -> None:
    def frame(inner: str, kind: str = "") -> str:
        kind = f' presentation:class="{kind}"' if kind else ""
        return f"<draw:frame{kind}>{inner}</draw:frame>"

    def box(*paragraphs: str) -> str:
        lines = "".join(f"<text:p>{text}</text:p>" for text in paragraphs)
        return f"<draw:text-box>{lines}</draw:text-box>"

    notes = f"<presentation:notes>{frame(box(content.note))}</presentation:notes>"
    frames = [
        frame(box(content.heading), "title"),
        frame(box(*_paragraphs(content))),
        frame(_table(content)),
    ]
    page = f"<draw:page>{''.join(frames)}{notes}</draw:page>"
    body = f"<office:presentation>{page}</office:presentation>"
    rich_office.odf_of(path, body, rich_office.ODF_STYLES)


def _ods(path: Path, content: Content) -> None:
    note = f"<office:annotation><text:p>{content.note}</text:p></office:annotation>"
    texts = [f"{content.heading}", *_paragraphs(content)]
    rows = "".join(
        f"<table:table-row>{_cell(text)}</table:table-row>" for text in texts
    )
    rows = rows.replace("<text:p>", f"{note}<text:p>", 1)
    sheet = f'<table:table table:name="t">{rows}</table:table>'
    sheet += _table(content).replace("<table:table>", '<table:table table:name="u">')
    body = f"<office:spreadsheet>{sheet}</office:spreadsheet>"
    rich_office.odf_of(path, body, rich_office.ODF_STYLES)


def _xlsx(path: Path, content: Content) -> None:
    x, value = content.formula
    texts = [
        content.heading,
        f"{content.before} {content.base}^{content.power} {content.after}",
        f"{content.hidden} {content.note} {x} = {value} {' '.join(content.code)}",
    ]
    rows: list[list[object]] = [[text] for text in texts]
    rows += [list(content.header)]
    rows += [[content.region, year, n] for year, n in content.rows]
    rich_office.xlsx_of(path, rows)


def _md(path: Path, content: Content) -> None:
    x, value = content.formula
    rows = "\n".join(f"| {content.region} | {year} | {n} |" for year, n in content.rows)
    path.write_text(
        f"# {content.heading}\n\n{content.before} {content.base}^{content.power} "
        f"{content.after}<!-- {content.hidden} -->[^1]\n\n${x} = {value}$\n\n```\n"
        + "\n".join(content.code)
        + f"\n```\n\n| {' | '.join(content.header)} |\n| --- | --- | --- |\n{rows}\n\n"
        f"[^1]: {content.note}\n",
        encoding="utf-8",
    )


def _pdf(path: Path, content: Content) -> None:
    """Draw a page; what is hidden stands beyond its edge."""
    canvas = Canvas(str(path), pagesize=(595, 842), invariant=True)
    x, value = content.formula

    def line(text: str, y: float, left: float = 72, size: float = 11) -> float:
        canvas.setFont("Times-Roman", size)
        canvas.drawString(left, y, text)
        width: float = pdfmetrics.stringWidth(text, "Times-Roman", size)
        return left + width

    line(content.heading, 780, size=18)
    end = line(f"{content.before} {content.base}", 740)
    end = line(str(content.power), 744, end, 7)
    line(f" {content.after}", 740, end)
    line(content.hidden, 740, 900)
    line(f"{x} = {value}", 720)
    for n, code in enumerate(content.code):
        canvas.setFont("Courier", 10)
        canvas.drawString(72, 690 - 12 * n, code)
    xs = [72, 172, 272, 372]
    cells: list[list[object]] = [list(content.header)]
    cells += [[content.region, *row] for row in content.rows]
    ys = [640 - 20 * n for n in range(len(cells) + 1)]
    for n, y in enumerate(ys):
        canvas.line(172 if 1 < n < len(ys) - 1 else 72, y, 372, y)
    for place in xs:
        canvas.line(place, ys[0], place, ys[-1])
    for n, row in enumerate(cells):
        for text, place in zip(row, xs, strict=False):
            if n < 2 or place > 72:
                line(str(text), ys[n] - 14, place + 4)
    line(content.note, 60, size=8)
    canvas.save()


WRITERS = {"odp": _odp, "ods": _ods, "xlsx": _xlsx, "md": _md, "pdf": _pdf}
