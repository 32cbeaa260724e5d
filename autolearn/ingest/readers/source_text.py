"""Convert reStructuredText and LaTeX to Markdown, by way of HTML that pandoc writes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest.readers import (
    decoding,
    latex_repair,
    latex_source,
    markup,
    pandoc,
)
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.pieces import Piece, Source

_FORMATS = {".rst": "rst", ".tex": "latex"}
_EXCLUSIONS = {
    "SkippedContent": "command that is not known",
    "CouldNotLoadIncludeFile": "other file that is named in the text",
    "BlockNotRendered": "command that is not known",
    "InlineNotRendered": "command that is not known",
}
"""Messages of pandoc about what it did not convert, and the reason that is shown."""
_WITHOUT_TEXT = re.compile(
    r"\\(?:(?:begin|end|[hv]space|[hv]skip|color|footnotemark|bibitem|\w*style|class"
    r"|\w*cite\w*)\*?\s*(?:\[[^\]]*\]\s*)*(?:\{[^{}]*\})?\s*"
    r"|(?:PassOptionsToPackage|setlength|addtolength|set\w+|renew\w*|def\w*|let)\b.*"
    r"|\w+\*?\s*)",
    re.DOTALL,
)
"""Commands without text, and citations, which are written in the text."""
_PACKAGES = (".sty", ".cls", ".bst")
"""Files that say how a text looks."""


def read(path: Path, choices: ReadingChoices) -> Source:
    """Return a document with its headings, lists, tables, formulas and notes.

    Other files that it names are not read. Commands that are not known are left out,
    and so is what cannot be read of malformed LaTeX.

    Raises:
        InputError: It is too large, or cannot be parsed.
    """
    markup.check_size(path.stat().st_size)
    file_decoding = decoding.recognise(path, choices.encoding)
    text = path.read_bytes().decode(file_decoding.encoding, file_decoding.errors)
    return file_decoding.source(_pieces(text, _FORMATS[path.suffix.lower()]))


def _pieces(text: str, source: str) -> Iterator[Piece]:
    text = re.sub(r"\r\n?", "\n", text)
    left_out, note = LeftOut(), ""
    messages: list[dict[str, Any]] = []

    def convert(text: str) -> bytes:
        nonlocal messages
        prepared = latex_source.prepared(text) if source == "latex" else text
        data = prepared.encode("utf-8", "replace")
        html, messages = pandoc.convert(data, source, "html")
        return html

    try:
        html = convert(text)
    except InputError:
        if source != "latex":
            raise
        html, note = latex_repair.convert_malformed(text, convert, left_out)
    soup = markup.parse(html)
    for title in soup("title"):
        title.decompose()  # is at the beginning as well
    for citation in soup.select("span.citation[data-cites]"):
        if not citation.get_text(strip=True):
            citation.string = f"[{', '.join(str(citation['data-cites']).split())}]"
    if note:
        yield Piece("", note=note)
    yield from markup.pieces(soup, left_out=left_out)
    for message in messages:
        content = _content(message)
        if content and not _WITHOUT_TEXT.fullmatch(content):
            yield Piece(content, left_out=_EXCLUSIONS[message["type"]], share=1.0)


def _content(message: dict[str, Any]) -> str:
    """Return the part that a message says was not converted; empty if none."""
    if message.get("type") not in _EXCLUSIONS:
        return ""
    content = message.get("contents", message.get("path", ""))
    if str(content).endswith(_PACKAGES):
        return ""
    if isinstance(content, dict):
        content = content.get("c", ["", ""])[-1]
    return str(content).strip()
