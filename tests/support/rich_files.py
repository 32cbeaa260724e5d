"""Documents of many formats that say the same, by the extension of their names."""

import json
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support import rich_markup, rich_office
from tests.support.rich_content import Content

KINDS = ("html", "mhtml", "epub", "docx", "odt", "pptx", "rtf", "rst", "tex", "ipynb")
PLAIN = ("odt", "pptx", "rtf", "rst", "tex", "ipynb", "mhtml", "xlsx")
WRITERS = {
    "html": rich_markup.write_html,
    "mhtml": rich_markup.write_mhtml,
    "epub": rich_markup.write_epub,
    "docx": rich_office.write_docx,
    "odt": rich_office.write_odt,
    "pptx": rich_office.write_pptx,
    "rtf": rich_markup.write_rtf,
    "rst": rich_markup.write_rst,
    "tex": rich_markup.write_tex,
    "ipynb": rich_markup.write_ipynb,
}


def write(path: Path, content: Content) -> None:
    """Write a document as what the name of the file ends in."""
    WRITERS[path.suffix[1:]](path, content)


def write_plain(path: Path, paragraphs: list[str]) -> None:
    """Write paragraphs as what the name of the file ends in."""
    kind, text = path.suffix[1:], "\n\n".join(paragraphs)
    lines = [escape(line) for line in paragraphs]
    if kind == "odt":
        body = "".join(f"<text:p>{line}</text:p>" for line in lines)
        rich_office.odf_of(path, f"<office:text>{body}</office:text>")
    elif kind == "pptx":
        body = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
        rich_office.pptx_of(path, [(f"<p:sp><p:txBody>{body}</p:txBody></p:sp>", "")])
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
        rich_office.xlsx_of(path, [[line] for line in paragraphs])
    else:
        path.write_text(text, encoding="utf-8")
