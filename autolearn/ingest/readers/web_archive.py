"""Read pages that a browser saved as one file (MHTML)."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from bs4 import BeautifulSoup

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
    all_pages = pages(path.read_bytes())
    if not all_pages:
        raise InputError("has no page; save the page as .html.")
    return Source(_pieces(all_pages))


def pages(data: bytes) -> list[BeautifulSoup]:
    """Return the pages of an archive, the main one first, with their style sheets.

    Raises:
        InputError: One is nested too deeply.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = list(message.walk())
    sheets = {
        place: _text(part)
        for part in parts
        if part.get_content_type() == "text/css"
        and (place := part["Content-Location"] or "")
    }
    page_parts = [part for part in parts if part.get_content_type() in _PAGES]
    all_pages = [markup.parse(_content(part)) for part in page_parts]
    for page in all_pages:
        page_styles.embed(page, lambda href: sheets.get(href, ""))
    return all_pages


def _pieces(all_pages: list[BeautifulSoup]) -> Iterator[Piece]:
    for n, soup in enumerate(all_pages):
        share = (n + 1) / len(all_pages)
        if n == 0:
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
