"""Convert Word documents to Markdown, by way of HTML."""

from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth

from autolearn.core.errors import InputError
from autolearn.ingest.readers import archives, markup
from autolearn.ingest.readers.pieces import Piece, Source

_BODY = "word/document.xml"


def read(path: Path) -> Source:
    """Return a document with its headings, lists, tables and footnotes.

    Comments, deleted text, page headers and pictures are left out.

    Raises:
        InputError: It is damaged, protected, too large, or not a Word document.
    """
    with path.open("rb") as file:
        if file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            raise InputError("is protected by a password; save it without one.")
    with archives.opened(path) as archive:
        if _BODY not in archive.namelist():
            raise InputError("is no Word document; save it again as .docx.")
        markup.check_size(archive.getinfo(_BODY).file_size)
    return Source(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    try:
        with path.open("rb") as file:
            html = mammoth.convert_to_html(file, convert_image=_no_image).value
    except (ExpatError, KeyError, ValueError) as error:
        raise InputError("is damaged; save it again as .docx.") from error
    except RecursionError:
        raise InputError(
            "is nested too deeply to be parsed; save it as .txt."
        ) from None
    yield from markup.pieces(markup.parse(html))


def _no_image(image: object) -> list[object]:
    return []
