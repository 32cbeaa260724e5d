"""Files of every kind that can be read, made from the same text."""

import csv
import io
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import pdfencrypt
from reportlab.pdfgen.canvas import Canvas

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
WPS = "http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
LINE, LINES_A_PAGE = 60, 30


KINDS = ("txt", "md", "html", "docx", "epub", "pdf", "jsonl", "csv")


def write(path: Path, paragraphs: list[str], head: str = "") -> None:
    """Write the same text as what the name of the file ends in."""
    kind = path.suffix[1:]
    if kind == "jsonl":
        rows = "\n".join(json.dumps({"text": text}) for text in paragraphs)
        path.write_text(rows, encoding="utf-8")
    elif kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in paragraphs)])
    elif kind == "epub":
        epub(path, [paragraphs[:3], paragraphs[3:]])
    elif kind == "pdf":
        pdf(path, paragraphs, head)
    elif kind == "docx":
        docx(path, paragraphs, head)
    elif kind == "html":
        html(path, paragraphs, head)
    else:
        path.write_text("\n\n".join(paragraphs), encoding="utf-8")


def lines(text: str) -> list[str]:
    """Return a paragraph broken into lines, long words at hyphens."""
    rows, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > LINE and line:
            rows.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*rows, line]


def pdf(path: Path, paragraphs: list[str], head: str = "", password: str = "") -> None:
    """Write pages with a running head, numbers, and paragraphs that go across them."""
    lock = pdfencrypt.StandardEncryption(password) if password else None
    canvas = Canvas(str(path), encrypt=lock, invariant=True)
    every = [
        (line, n == 0) for text in paragraphs for n, line in enumerate(lines(text))
    ]
    for page in range(0, max(1, len(every)), LINES_A_PAGE):
        if head:
            canvas.drawString(72, 810, head)
            canvas.drawString(300, 30, str(page // LINES_A_PAGE + 1))
        height = 780
        for line, is_first in every[page : page + LINES_A_PAGE]:
            height -= 22 if is_first else 14
            canvas.drawString(72, height, line)
        canvas.showPage()
    canvas.save()


def pictures_only(path: Path) -> None:
    """Write a PDF as a scanner does."""
    canvas = Canvas(str(path), invariant=True)
    canvas.rect(50, 50, 400, 600, fill=1)
    canvas.showPage()
    canvas.save()


def docx(path: Path, paragraphs: list[str], heading: str = "") -> None:
    """Write a Word document with a heading and paragraphs."""
    body = f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>{_run(heading)}</w:p>'
    body = body if heading else ""
    docx_of(path, body + "".join(f"<w:p>{_run(text)}</w:p>" for text in paragraphs))


def docx_of(
    path: Path,
    body: str,
    *,
    main: str = "word/document.xml",
    notes: str = "",
    more: dict[str, str] | None = None,
) -> None:
    """Write a Word document with a body, notes and further parts of its package."""
    names = f'xmlns:w="{W}" xmlns:m="{M}" xmlns:wps="{WPS}" xmlns:mc="{MC}"'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    folder, _, name = main.rpartition("/")
    kinds = {"styles.xml": "styles", "footnotes.xml": "footnotes"}
    kinds |= {part: part.rstrip("0123456789.xml") for part in more or {}}
    links = "".join(
        f'<Relationship Id="r{i}" Type="{kind}/{link}" Target="{part}"/>'
        for i, (part, link) in enumerate(kinds.items())
    )
    styles = (
        '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
        "</w:style>"
    )
    members = {
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="a" '
        f'Type="{kind}/officeDocument" Target="{main}"/></Relationships>',
        f"{folder}/_rels/{name}.rels": f'<Relationships xmlns="{relations}">{links}'
        "</Relationships>",
        f"{folder}/styles.xml": f"<w:styles {names}>{styles}</w:styles>",
        f"{folder}/footnotes.xml": f"<w:footnotes {names}>{notes}</w:footnotes>",
        main: f"<w:document {names}><w:body>{body}</w:body></w:document>",
        **{
            f"{folder}/{part}": f"<w:part {names}>{text}</w:part>"
            for part, text in (more or {}).items()
        },
    }
    zip_of(path, {part: text.encode() for part, text in members.items()})


def _run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def epub(
    path: Path,
    chapters: list[list[str]],
    *,
    href: str = "text/{n}.xhtml",
    more: dict[str, str] | None = None,
) -> None:
    """Write an e-book with a table of contents and a chapter for each list."""
    epub_of(path, list(map(_page, chapters)), href=href, more=more)


def epub_of(
    path: Path,
    chapters: list[str],
    *,
    href: str = "text/{n}.xhtml",
    more: dict[str, str] | None = None,
) -> None:
    """Write an e-book with a table of contents and chapters that are pages."""
    names = [href.format(n=n) for n in range(len(chapters))]
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "OEBPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
            '<item id="nav" href="nav.xhtml" properties="nav" '
            f'media-type="application/xhtml+xml"/>{items}</manifest>'
            f'<spine><itemref idref="nav"/>{spine}</spine></package>',
        )
        archive.writestr("OEBPS/nav.xhtml", _page(["Contents of the book"]))
        for name, chapter in zip(names, chapters, strict=True):
            archive.writestr(f"OEBPS/{name}", chapter)
        for name, text in (more or {}).items():
            archive.writestr(name, text)


def html(path: Path, paragraphs: list[str], heading: str = "") -> None:
    """Write a page with navigation and a foot."""
    path.write_text(_page(paragraphs, heading, around=True), encoding="utf-8")


def _page(paragraphs: list[str], heading: str = "", *, around: bool = False) -> str:
    body = f"<h1>{escape(heading)}</h1>" if heading else ""
    body += "".join(f"<p>{escape(text)}</p>\n" for text in paragraphs)
    if around:
        body = f"<nav><a href='/'>Home</a> News</nav>{body}<footer>© Avel</footer>"
    head = "<head><title>t</title><style>p {}</style><script>run()</script></head>"
    return f"<!DOCTYPE html><html>{head}<body>{body}</body></html>"


def zip_of(path: Path, members: dict[str, bytes]) -> None:
    """Write an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())
