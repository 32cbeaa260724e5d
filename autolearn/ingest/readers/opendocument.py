"""Convert OpenDocument texts and presentations to Markdown, by way of HTML."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from autolearn.core.errors import InputError
from autolearn.ingest.readers import (
    archives,
    list_labels,
    markup,
    packages,
    sheet_tables,
    symbol_fonts,
)
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.opendocument_cells import (
    grid,
    n_repeated,
    plain_text,
    rows,
)
from autolearn.ingest.readers.opendocument_lists import OpenLists
from autolearn.ingest.readers.opendocument_styles import OpenStyles
from autolearn.ingest.readers.packages import child, children, tag, value
from autolearn.ingest.readers.pages import element, table_of
from autolearn.ingest.readers.pieces import Piece, Source

_CONTENT = "content.xml"
_BLOCKS = ("numbered-paragraph", "notes")
"""Elements that begin on a new line without further meaning."""
_LEFT_OUT = {
    "annotation": "comment",
    "tracked-changes": "deleted in a tracked change",
    "hidden-text": "hidden",
    "hidden-paragraph": "hidden",
    "header": "head of the page",
    "footer": "foot of the page",
    "date-time": "foot of the page",
    "page-number": "page number",
    "title": "description of a picture",
    "desc": "description of a picture",
    "ruby-text": "pronunciation",
}
_INVISIBLE_TAGS = frozenset((
    "forms", "sequence-decls", "variable-decls", "user-field-decls", "scripts",
    "script", "binary-data", "font-face-decls", "automatic-styles",
    "event-listeners", "header-decl", "footer-decl", "date-time-decl",
    "alphabetical-index-auto-mark-file", "table-of-content-source",
    "illustration-index-source", "bibliography-source",
))  # fmt: skip
_WITH_TEXT = frozenset((
    "p", "h", "span", "a", "ruby-base", "meta", "meta-field", "content-control",
))  # fmt: skip
_INDEX = frozenset(("table-of-content", "illustration-index", "table-index"))
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.S)
_HEADING_STYLES = {"Title": "h1", "Subtitle": "h2"}


def read(path: Path) -> Source:
    """Return a text or a presentation with its headings, lists, tables and notes.

    Comments, deleted and hidden text are left out.

    Raises:
        InputError: It is damaged, encrypted, too large, or no OpenDocument file.
    """
    with archives.open_zip(path) as archive:
        names = archive.namelist()
        if _CONTENT not in names:
            raise InputError("is not an OpenDocument file; save it again.")
        if "META-INF/manifest.xml" in names:
            manifest = packages.xml(archive, "META-INF/manifest.xml")
            if any(tag(part) == "encryption-data" for part in manifest.iter()):
                raise InputError("is encrypted; save it without a password.")
    return Source(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    left_out = LeftOut()
    with archives.open_zip(path) as archive:
        content = packages.xml(archive, _CONTENT)
        styles = [content]
        if "styles.xml" in archive.namelist():
            styles.append(packages.xml(archive, "styles.xml"))
        writer = _Writer(archive, left_out, OpenStyles.of(styles))
        try:
            body = child(content, "body")
            html = writer.page(body) if body is not None else ""
        except RecursionError:
            raise InputError(markup.TOO_DEEP) from None
        heads = [plain_text(part) for root in styles[1:] for part in _heads(root)]
    yield from markup.pieces(markup.parse(html), left_out=left_out)
    for text in dict.fromkeys(filter(None, heads)):
        yield Piece(text, left_out="head or foot of the page", share=1.0)


def _heads(root: Element) -> Iterator[Element]:
    """Yield the heads and feet of all kinds of pages."""
    for style in root.iter():
        if tag(style) == "master-page":
            yield from (
                part for part in style if tag(part).startswith(("header", "footer"))
            )


class _Writer:
    """Writes the content of a document as HTML."""

    def __init__(
        self, archive: zipfile.ZipFile, left_out: LeftOut, styles: OpenStyles
    ) -> None:
        self._archive, self._left_out, self._styles = archive, left_out, styles
        self._notes: list[str] = []
        self._lists = OpenLists(styles.levels)

    def page(self, body: Element) -> str:
        """Return the whole text, with its notes at the end."""
        html = self._children(body).replace("</pre><pre>", "\n")
        return html + "".join(self._notes)

    def _children(self, parent: Element, *, without: str = "") -> str:
        parts = [escape(parent.text or "")] if _has_text(parent) else []
        for part in parent:
            parts.append(self._write(part) if tag(part) != without else "")
            if _has_text(parent):
                parts.append(escape(part.tail or ""))
        return "".join(parts)

    def _write(self, part: Element) -> str:
        name = tag(part)
        if name in _INVISIBLE_TAGS:
            return ""
        if name in _LEFT_OUT:
            return self._left_out.add(plain_text(part), _LEFT_OUT[name])
        if name in _INDEX:
            return self._exclusion(part, "table of contents")
        method = getattr(self, f"_write_{name.replace('-', '_')}", None)
        if method is not None:
            return str(method(part))
        html = self._children(part)
        return element("div", html) if name in _BLOCKS else html

    def _exclusion(self, part: Element, reason: str) -> str:
        """Return a paragraph with nothing but a mark."""
        return element("p", self._left_out.add(plain_text(part), reason))

    def _write_h(self, part: Element) -> str:
        level = value(part, "outline-level")
        label = self._lists.heading(part)
        level = level if level in ("1", "2", "3", "4", "5", "6") else "6"
        return element(f"h{level}", label + self._children(part))

    def _write_p(self, part: Element) -> str:
        style = value(part, "style-name")
        html = self._children(part)
        if self._styles.has(self._styles.hidden_styles, style):
            return self._exclusion(part, "hidden")
        for title, heading in _HEADING_STYLES.items():
            if self._styles.has({title}, style) and html.strip():
                return element(heading, html)
        if "Preformatted" in style or self._styles.has(self._styles.code, style):
            return element("pre", html)
        return element("p", html)

    def _write_span(self, part: Element) -> str:
        style = value(part, "style-name")
        if self._styles.has(self._styles.hidden_styles, style):
            return self._left_out.add(plain_text(part), "hidden")
        if self._styles.has(self._styles.symbols, style):
            part.text = symbol_fonts.symbol(part.text or "")
            for inner in part:
                inner.tail = symbol_fonts.symbol(inner.tail or "")
        html = self._children(part)
        if self._styles.has(self._styles.struck, style):
            html = element("s", html)
        if self._styles.has(self._styles.above, style):
            return element("sup", html)
        if self._styles.has(self._styles.below, style):
            return element("sub", html)
        return html

    def _write_s(self, part: Element) -> str:
        return " " * n_repeated(part, "c")

    def _write_tab(self, part: Element) -> str:
        return "\t"

    def _write_line_break(self, part: Element) -> str:
        return "<br/>"

    def _write_note(self, part: Element) -> str:
        mark = plain_text(child(part, "note-citation"))
        body = child(part, "note-body")
        if body is not None:
            html = self._children(body)
            self._notes.append(
                element("div", f"<p>[{escape(mark)}] {html[3:]}")
                if html.startswith("<p>")
                else f"<p>[{escape(mark)}]</p>{html}"
            )
        return f"[{escape(mark)}]"

    def _write_page(self, part: Element) -> str:
        """Return a slide."""
        if self._styles.has(self._styles.hidden_slides, value(part, "style-name")):
            return self._exclusion(part, "hidden slide")
        return element("section", self._children(part))

    def _write_frame(self, part: Element) -> str:
        """Return a text box, a table or a formula that is in a frame."""
        kinds = [tag(piece) for piece in part]
        if "object" in kinds:
            return self._children(part)
        if value(part, "class") in ("page-number", "date-time", "footer", "header"):
            return self._exclusion(part, "foot of the page")
        html = self._children(part)
        if value(part, "class") == "title" and plain_text(part):
            return element("h2", escape(plain_text(part)))
        return element("div", html)

    def _write_object(self, part: Element) -> str:
        """Return an embedded formula as MathML."""
        inside = child(part, "math")
        if inside is not None:
            return _mathml(inside)
        name = posixpath.normpath(value(part, "href")) + "/" + _CONTENT
        if name not in self._archive.namelist():
            return ""
        root = packages.xml(self._archive, name)
        if tag(root) == "math":
            return _mathml(root)
        table = next((inner for inner in root.iter() if tag(inner) == "table"), None)
        if table is not None:
            return self._write_table(table)  # the values of a chart
        return self._left_out.add(plain_text(root), "text in a drawing")

    def _write_list(self, part: Element) -> str:
        is_numbered = self._lists.begin(part)
        html = self._children(part)
        self._lists.end()
        return element("ol" if is_numbered else "ul", html)

    def _write_list_item(self, part: Element) -> str:
        label = self._lists.label(value(part, "start-value"))
        html = self._children(part)
        place = re.match(r"(?:<(?:p|h\d)>)?", html)
        n = place.end() if place else 0
        return element("li", html[:n] + label + html[n:])

    def _write_list_header(self, part: Element) -> str:
        return element("li", list_labels.mark("") + self._children(part))

    def _write_drop_down(self, part: Element) -> str:
        """Return the entry that is chosen, which stands after the others."""
        return escape("".join(entry.tail or "" for entry in part))

    def _write_content_control(self, part: Element) -> str:
        """Return what is typed or chosen, without the entries to choose from."""
        return self._children(part, without="list-item")

    def _write_section(self, part: Element) -> str:
        if value(part, "display") == "none":
            return self._exclusion(part, "hidden")
        return self._children(part)

    def _write_spreadsheet(self, part: Element) -> str:
        """Return the sheets, each below its name."""
        return "".join(
            self._sheet(sheet) if tag(sheet) == "table" else self._write(sheet)
            for sheet in part
        )

    def _sheet(self, sheet: Element) -> str:
        """Return a sheet below its name; empty rows and columns divide its tables."""
        if self._styles.has(self._styles.hidden_styles, value(sheet, "style-name")):
            return self._exclusion(sheet, "hidden sheet")
        name = element("h2", escape(value(sheet, "name")))
        cells, texts, hidden = grid(sheet, self._cell)
        visible = hidden.shown(cells)
        tables = [
            table_of("".join(row) for row in sheet_tables.cut(visible, part))
            for part in sheet_tables.parts(hidden.shown(texts))
        ]
        tables += [
            element("p", self._left_out.add(*entry)) for entry in hidden.texts(texts)
        ]
        shapes = map(self._write, children(sheet, "shapes"))
        return "".join([name, *tables, *shapes])

    def _write_table(self, part: Element) -> str:
        lines = [self._row(row, group) for row, group in rows(part)]
        shapes = map(self._write, children(part, "shapes"))
        return element("table", "".join(lines)) + "".join(shapes)

    def _row(self, row: Element, group: Element) -> str:
        name = "th" if tag(group) == "table-header-rows" else "td"
        line = "".join(
            self._cell(cell, name) * n_repeated(cell, "number-columns-repeated")
            for cell in row
        )
        n = n_repeated(row, "number-rows-repeated") if plain_text(row) else 1
        return element("tr", line) * n

    def _cell(self, cell: Element, name: str) -> str:
        if tag(cell) != "table-cell":
            return ""  # covered by a merged one
        spans = {
            key: value(cell, f"number-{place}-spanned") or "1"
            for key, place in (("colspan", "columns"), ("rowspan", "rows"))
        }
        html = self._children(cell)
        if self._styles.has(self._styles.struck, value(cell, "style-name")):
            html = _PARAGRAPH.sub(r"<p><s>\1</s></p>", html)
        return element(name, html, **spans)


def _mathml(root: Element) -> str:
    """Return MathML without prefixes, which HTML does not know."""
    for part in root.iter():
        part.tag = tag(part)
    return tostring(root, encoding="unicode")


def _has_text(parent: Element) -> bool:
    """Return whether the characters between the children of an element are text."""
    return tag(parent) in _WITH_TEXT or not len(parent)
