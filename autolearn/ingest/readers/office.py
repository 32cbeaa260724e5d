"""Convert Word documents to Markdown, by way of HTML."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element
from xml.parsers.expat import ExpatError

import mammoth

from autolearn.core.errors import InputError
from autolearn.ingest.readers import (
    archives,
    charts,
    markup,
    packages,
    web_archive,
    word_code,
)
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.pieces import Piece, Source
from autolearn.ingest.readers.word_lists import WordLists
from autolearn.ingest.readers.word_parts import (
    Preparation,
    Styles,
    text_of,
)

_BODY = "word/document.xml"
_WITH_TEXT = ("footnotes", "endnotes")
_OUTSIDE = {
    "header": "head of the page",
    "footer": "foot of the page",
    "comments": "comment",
    "diagramData": "text in a drawing",
}
"""Parts that are not in the text, and why they are left out."""
_EMBEDDED = "aFChunk"
"""The kind of a document in another format that is a part of the text."""
_STYLE_MAP = f"""
p.{word_code.STYLE} => pre:separator('\\n')
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => h2:fresh
"""


def read(path: Path) -> Source:
    """Return a document with its headings, lists, tables, formulas and footnotes.

    Comments, deleted and hidden text, page headers and pictures are left out.

    Raises:
        InputError: It is damaged, protected, too large, or not a Word document.
    """
    packages.refuse_protected(path)
    with archives.open_zip(path) as archive:
        body = packages.main_part(archive, _BODY)
        if body not in archive.namelist():
            raise InputError("is not a Word document; save it again as .docx.")
        markup.check_size(archive.getinfo(body).file_size)
    return Source(_pieces(path, body))


def _pieces(path: Path, body: str) -> Iterator[Piece]:
    left_out = LeftOut()
    try:
        with archives.open_zip(path) as archive:
            parts = _parts(archive, body)
            new_body = _prepare(archive, body, parts, left_out)
            outside = list(_outside(archive, parts))
            chart_pages = [
                charts.page(packages.xml(archive, name))
                for name, kind in parts.items()
                if kind == "chart"
            ]
        html = mammoth.convert_to_html(
            new_body, convert_image=_description, style_map=_STYLE_MAP
        ).value
    except (ExpatError, KeyError, ValueError, OSError) as error:
        raise InputError("is damaged; save it again as .docx.") from error
    except RecursionError:
        raise InputError(markup.TOO_DEEP) from None
    soup = markup.parse(html)
    for chart in chart_pages:
        soup.append(markup.parse(chart))
    yield from markup.pieces(soup, left_out=left_out)
    with archives.open_zip(path) as archive:
        for name in [name for name, kind in parts.items() if kind == _EMBEDDED]:
            yield from _embedded(archive, name)
    yield from outside


def _embedded(archive: zipfile.ZipFile, name: str) -> Iterator[Piece]:
    """Yield a document in another format, which Word shows as a part of the text."""
    markup.check_size(archive.getinfo(name).file_size)
    data, suffix = archive.read(name), posixpath.splitext(name)[1].lower()
    if suffix in (".mht", ".mhtml"):
        pages = web_archive.pages(data)[:1]
    elif suffix in (".htm", ".html", ".xhtml"):
        pages = [markup.parse(data)]
    else:
        yield Piece(name, left_out="document in another format", share=1.0)
        return
    for page in pages:
        yield from markup.pieces(page)


def _parts(archive: zipfile.ZipFile, body: str) -> dict[str, str]:
    """Return the kinds of the parts that the text is related to, by their names."""
    names = set(archive.namelist())
    relations = packages.relations(archive, body).values()
    return {part.target: part.kind for part in relations if part.target in names}


def _root(archive: zipfile.ZipFile, parts: dict[str, str], kind: str) -> Element | None:
    """Return the first part of a kind; None if there is none."""
    name = next((name for name, own in parts.items() if own == kind), None)
    return packages.xml(archive, name) if name else None


def _prepare(
    archive: zipfile.ZipFile, body: str, parts: dict[str, str], left_out: LeftOut
) -> io.BytesIO:
    """Return a document that mammoth can read."""
    styles, lists = (_root(archive, parts, kind) for kind in ("styles", "numbering"))
    preparation = Preparation(
        left_out,
        Styles.of(styles),
        WordLists.of(lists, styles) if lists is not None else WordLists(),
    )
    texts = {body, *(name for name, kind in parts.items() if kind in _WITH_TEXT)}
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w") as copy:
        for name in archive.namelist():
            if name in texts:
                root = packages.xml(archive, name)
                copy.writestr(name, preparation.prepare(root))
            elif name.endswith((".xml", ".rels")):
                copy.writestr(name, archive.read(name))
    document.seek(0)
    return document


def _outside(archive: zipfile.ZipFile, parts: dict[str, str]) -> Iterator[Piece]:
    for name, kind in parts.items():
        if kind in _OUTSIDE and (text := text_of(packages.xml(archive, name))):
            yield Piece(text, left_out=_OUTSIDE[kind], share=1.0)


def _description(image: Any) -> list[Any]:
    """Return the description of a picture instead of the picture."""
    text = image.alt_text or ""
    return [mammoth.html.element("img", {"alt": text})] if text else []
