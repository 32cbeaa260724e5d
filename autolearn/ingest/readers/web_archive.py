"""Read pages that a browser saved as one file (MHTML)."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.ingest.readers import decoding, markup, page_styles
from autolearn.ingest.readers.pieces import Piece, Source

_PAGES = ("text/html", "application/xhtml+xml")


def read(path: Path) -> Source:
    """Return the page of an archive; pages of its frames are left out.

    Raises:
        InputError: It is too large, or has no page.
    """
    markup.check_size(path.stat().st_size)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    pages = [part for part in message.walk() if part.get_content_type() in _PAGES]
    if not pages:
        raise InputError("has no page; save the page as .html.")
    sheets = {
        place: _text(part)
        for part in message.walk()
        if part.get_content_type() == "text/css"
        and (place := part["Content-Location"] or "")
    }
    return Source(_pieces(pages, sheets))


def _pieces(pages: list[EmailMessage], sheets: dict[str, str]) -> Iterator[Piece]:
    for n, page in enumerate(pages):
        soup = markup.parse(_content(page))
        share = (n + 1) / len(pages)
        if n == 0:
            page_styles.embed(soup, lambda href: sheets.get(href, ""))
            yield from markup.pieces(soup, share=share)
        elif text := soup.get_text(" ", strip=True):
            yield Piece(text, left_out="frame of the page", share=share)


def _text(sheet: EmailMessage) -> str:
    content = _content(sheet)
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def _content(page: EmailMessage) -> bytes | str:
    data = page.get_payload(decode=True)
    content = data if isinstance(data, bytes) else b""
    encoding = decoding.declared(page.get_content_charset() or "")
    try:
        return content.decode(encoding) if encoding else content
    except UnicodeDecodeError:
        return content
