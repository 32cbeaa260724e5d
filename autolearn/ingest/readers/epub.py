"""Read e-books: their chapters in reading order, as Markdown."""

import posixpath
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from autolearn.core.errors import InputError
from autolearn.ingest.readers import archives, markup, page_styles
from autolearn.ingest.readers.pieces import Piece, Source

_NAMES = {
    "box": "urn:oasis:names:tc:opendocument:xmlns:container",
    "opf": "http://www.idpf.org/2007/opf",
    "enc": "http://www.w3.org/2001/04/xmlenc#",
}
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Methods that obscure fonts; they do not protect text."""
_CONTENTS, _OUTSIDE = "table of contents", "outside the reading order"
_CHAPTERS = ("application/xhtml+xml", "text/html")


def read(path: Path) -> Source:
    """Return a book chapter by chapter, without its table of contents.

    Raises:
        InputError: The file is damaged, copy-protected, or not an e-book.
    """
    with archives.open_zip(path) as archive:
        _refuse_protected(archive)
        chapters = _chapters(archive)
    return Source(_pieces(path, chapters))


def _pieces(path: Path, chapters: list[tuple[str, str]]) -> Iterator[Piece]:
    with archives.open_zip(path) as archive:
        for n, (name, reason) in enumerate(chapters, 1):
            markup.check_size(archive.getinfo(name).file_size)
            soup = markup.parse(archive.read(name))
            page_styles.embed(soup, partial(_sheet, archive, posixpath.dirname(name)))
            share = n / len(chapters)
            if reason:
                text = soup.get_text(" ", strip=True)
                yield Piece(text, left_out=reason, share=share)
            else:
                yield from markup.pieces(
                    soup, starts_passage=True, share=share, is_book=True
                )


def _sheet(archive: zipfile.ZipFile, folder: str, href: str) -> str:
    """Return a style sheet of the book; empty if it is not in it."""
    name = posixpath.normpath(posixpath.join(folder, unquote(href)))
    if name not in archive.namelist():
        return ""
    markup.check_size(archive.getinfo(name).file_size)
    return archive.read(name).decode("utf-8", "replace")


def _refuse_protected(archive: zipfile.ZipFile) -> None:
    name = "META-INF/encryption.xml"
    if name not in archive.namelist():
        return
    methods = _xml(archive, name).iterfind(".//enc:EncryptionMethod", _NAMES)
    if any(method.get("Algorithm") not in _FONTS for method in methods):
        raise InputError(
            "is protected against copying (DRM); use a copy without protection."
        )


def _chapters(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the chapters in order, and why each is left out; empty if it is not."""
    box = _xml(archive, "META-INF/container.xml")
    root = box.find(".//box:rootfile", _NAMES)
    place = root.get("full-path", "") if root is not None else ""
    book = _xml(archive, place)
    folder = posixpath.dirname(place)
    items = {
        item.get("id"): (
            posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "")))),
            _CONTENTS if "nav" in item.get("properties", "").split() else "",
        )
        for item in book.iterfind("opf:manifest/opf:item", _NAMES)
        if item.get("media-type") in _CHAPTERS
    }
    order = [ref.get("idref") for ref in book.iterfind("opf:spine/opf:itemref", _NAMES)]
    chapters = [items.pop(name) for name in order if name in items]
    if not chapters:
        raise InputError("names no chapters; convert it to .epub again.")
    present = set(archive.namelist())
    rest = [item for item in items.values() if item[0] in present]
    return [*chapters, *((name, reason or _OUTSIDE) for name, reason in rest)]


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Return a parsed XML member. External entities are not resolved."""
    try:
        return ElementTree.fromstring(archive.read(name))
    except ElementTree.ParseError as error:
        raise InputError("is damaged; convert it to .epub again.") from error
