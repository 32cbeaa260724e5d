"""Convert PowerPoint presentations to Markdown, by way of HTML."""

import re
import zipfile
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

from autolearn.core.errors import InputError
from autolearn.ingest.readers import (
    archives,
    charts,
    formulas,
    list_labels,
    markup,
    packages,
    symbol_fonts,
)
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.packages import (
    Relation,
    child,
    children,
    integer,
    tag,
    value,
)
from autolearn.ingest.readers.pages import element, table_of
from autolearn.ingest.readers.pieces import Piece, Source

_MAIN = "ppt/presentation.xml"
_FEET = {"dt": "foot of the page", "ftr": "foot of the page", "sldNum": "page number"}
_TITLES = ("title", "ctrTitle")
_NUMBER_FORMATS = {"alphaLc": "a", "alphaUc": "A", "romanLc": "i", "romanUc": "I"}
_PRIVATE = re.compile("[\uf020-\uf0ff]")
_SHAPES = ("sp", "graphicFrame", "grpSp", "AlternateContent", "cxnSp")


def read(path: Path) -> Source:
    """Return a presentation slide by slide, with tables, formulas and notes.

    Hidden slides, comments and slide numbers are left out.

    Raises:
        InputError: It is damaged, protected, too large, or no presentation.
    """
    packages.refuse_protected(path)
    with archives.open_zip(path) as archive:
        main = packages.main_part(archive, _MAIN)
        if main not in archive.namelist():
            raise InputError("is not a presentation; save it again as .pptx.")
        slides = _slides(archive, main)
    return Source(_pieces(path, slides))


def _slides(archive: zipfile.ZipFile, main: str) -> list[str]:
    """Return the parts of the slides in their order."""
    relations = packages.relations(archive, main)
    order = child(packages.xml(archive, main), "sldIdLst")
    ids = [_relation_id(item) for item in children(order, "sldId")]
    names = set(archive.namelist())
    return [
        relations[i].target
        for i in ids
        if i in relations and relations[i].target in names
    ]


def _relation_id(item: Element, name: str = "id") -> str:
    return next(
        (
            text
            for key, text in item.items()
            if "relationships" in key and key.endswith(f"}}{name}")
        ),
        "",
    )


def _pieces(path: Path, slides: list[str]) -> Iterator[Piece]:
    with archives.open_zip(path) as archive:
        for n, part in enumerate(slides, 1):
            share = n / len(slides)
            slide = _Slide(archive, part)
            yield from slide.pieces(share)


class _Slide:
    """One slide, its notes and its comments."""

    def __init__(self, archive: zipfile.ZipFile, part: str) -> None:
        self._archive = archive
        self._left_out = LeftOut()
        self._root = packages.xml(archive, part)
        self._relations = packages.relations(archive, part)
        self._formulas: list[Element] = []

    def pieces(self, share: float) -> Iterator[Piece]:
        """Yield the slide as Markdown."""
        html = self._page()
        if value(self._root, "show") == "0":
            text = markup.parse(html).get_text(" ", strip=True)
            self._left_out.add(text, "hidden slide")
            yield from self._left_out.pieces("", starts_passage=False, share=share)
        else:
            soup = markup.parse(html)
            yield from markup.pieces(
                soup, left_out=self._left_out, starts_passage=True, share=share
            )
        for relation in self._relations.values():
            is_comment = relation.kind == "comments"
            if is_comment and (root := self._related(relation)) is not None:
                yield Piece(_plain(root), left_out="comment", share=share)

    def _page(self) -> str:
        html = self._shapes(child(self._root, "cSld", "spTree"))
        for relation in self._relations.values():
            if relation.kind == "notesSlide":
                html += self._notes(relation)
        texts = list(map(_plain, self._formulas))
        for i, tex in enumerate(formulas.from_omml(self._formulas)):
            text = formulas.markdown(tex)
            text = text or self._left_out.add(texts[i], formulas.REASON)
            html = html.replace(f"<m-{i}></m-{i}>", escape(text))
        return html

    def _notes(self, relation: Relation) -> str:
        html = self._shapes(child(self._related(relation), "cSld", "spTree"))
        return element("div", f"<p>Notes:</p>{html}") if html.strip() else ""

    def _related(self, relation: Relation | None) -> Element | None:
        """Return the part that a relation leads to; None if the file lacks it."""
        if relation is None or relation.target not in self._archive.namelist():
            return None
        return packages.xml(self._archive, relation.target)

    def _shapes(self, tree: Element | None) -> str:
        """Return the shapes, the title first."""
        shapes = children(tree, *_SHAPES)
        shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)
        return "".join(map(self._shape, shapes))

    def _shape(self, shape: Element) -> str:
        name, kind = tag(shape), _placeholder(shape)
        if _is_hidden(shape):
            return element("p", self._left_out.add(_plain(shape), "hidden"))
        if name == "grpSp":
            return self._shapes(shape)
        if name == "AlternateContent":
            return "".join(self._shapes(part) for part in list(shape)[:1])
        if name == "graphicFrame":
            return self._graphic(shape)
        if kind in _FEET:
            return element("p", self._left_out.add(_plain(shape), _FEET[kind]))
        body = child(shape, "txBody")
        if body is None:
            return ""
        if kind in _TITLES and _plain(body):
            text = " ".join(map(self._inline, children(body, "p")))
            return element("h2", text)
        return self._paragraphs(body, is_list=kind in ("body", "obj"))

    def _paragraphs(self, body: Element, *, is_list: bool = False) -> str:
        """Return the paragraphs of a shape; those with bullets are list items."""
        lines = list(filter(_plain, children(body, "p")))
        html = ""
        counts: dict[int, int] = {}
        for key, group in groupby(
            lines, lambda line: _bullet(line, len(lines), is_list)
        ):
            items = "".join(
                element("li" if key else "p", _label(line, counts) + self._inline(line))
                for line in group
            )
            html += element(key, items) if key else items
        return html

    def _inline(self, paragraph: Element) -> str:
        return "".join(map(self._run, paragraph))

    def _run(self, run: Element) -> str:
        name = tag(run)
        if name in ("r", "fld"):
            inner = child(run, "t")
            text = escape(_in_font(run, inner.text or "")) if inner is not None else ""
            rise = integer(value(child(run, "rPr"), "baseline"), 0)
            if value(child(run, "rPr"), "strike") in ("sngStrike", "dblStrike"):
                text = element("s", text)
            if rise:
                return element("sub" if rise < 0 else "sup", text)
            return text
        if name == "br":
            return "<br/>"
        if name == "oMath":
            self._formulas.append(run)
            i = len(self._formulas) - 1
            return f"<m-{i}></m-{i}>"
        if name in ("m", "oMathPara", "Choice"):
            return "".join(map(self._run, run))
        if name == "AlternateContent":
            return "".join(map(self._run, list(run)[:1]))
        return ""

    def _graphic(self, frame: Element) -> str:
        data = child(frame, "graphic", "graphicData")
        html = ""
        for part in data if data is not None else []:
            if tag(part) == "tbl":
                html += self._table(part)
            elif tag(part) in ("chart", "relIds"):
                html += self._related_text(part)
        return html

    def _related_text(self, part: Element) -> str:
        """Return the text of a diagram, or the values of a chart as a table."""
        is_chart = tag(part) == "chart"
        relation_id = _relation_id(part, "id" if is_chart else "dm")
        root = self._related(self._relations.get(relation_id))
        if root is None:
            return ""
        if is_chart:
            return charts.page(root)
        bodies = [node for node in root.iter() if tag(node) == "t" and len(node)]
        items = [self._paragraphs(body) for body in bodies]
        return element("ul", "".join(element("li", item) for item in items if item))

    def _table(self, table: Element) -> str:
        lines = []
        is_named = value(child(table, "tblPr"), "firstRow") == "1"
        for i, row in enumerate(children(table, "tr")):
            name = "th" if is_named and i == 0 else "td"
            line = "".join(self._cell(cell, name) for cell in children(row, "tc"))
            lines.append(line)
        return table_of(lines)

    def _cell(self, cell: Element, name: str) -> str:
        if "1" in (value(cell, "hMerge"), value(cell, "vMerge")):
            return ""  # covered by a merged one
        body = child(cell, "txBody")
        html = self._paragraphs(body) if body is not None else ""
        spans = {"colspan": value(cell, "gridSpan"), "rowspan": value(cell, "rowSpan")}
        return element(name, html, **{key: n for key, n in spans.items() if n})


def _bullet(paragraph: Element, n: int, is_list: bool) -> str:
    """Return which list a paragraph is an item of; empty if of none."""
    properties = child(paragraph, "pPr")
    if child(properties, "buAutoNum") is not None:
        return "ol"
    if child(properties, "buChar") is not None:
        return "ul"
    return "ul" if is_list and n > 1 and child(properties, "buNone") is None else ""


def _in_font(run: Element, text: str) -> str:
    """Return a text as it is shown in the fonts of its run."""
    properties = child(run, "rPr")
    fonts = {
        name: value(child(properties, name), "typeface").lower()
        for name in ("latin", "sym")
    }
    if "symbol" in (fonts["latin"], fonts["sym"] if _PRIVATE.search(text) else ""):
        return symbol_fonts.symbol(text)
    return symbol_fonts.wingdings(text) if fonts["latin"] == "wingdings" else text


def _label(paragraph: Element, counts: dict[int, int]) -> str:
    """Count a paragraph; return the mark of its number, empty if it has none.

    Args:
        paragraph: The paragraph.
        counts: The last number of each level, from 0. It is changed.
    """
    properties = child(paragraph, "pPr")
    automatic = child(properties, "buAutoNum")
    level = integer(value(properties, "lvl"), 0)
    for deeper in [other for other in counts if other > level]:
        del counts[deeper]
    if automatic is None:
        counts.pop(level, None)
        return ""
    first = integer(value(automatic, "startAt"), 1)
    counts[level] = n = counts.get(level, first - 1) + 1
    kind = value(automatic, "type")
    form = next((form for name, form in _NUMBER_FORMATS.items() if name in kind), "1")
    sign = ")" if "Paren" in kind else "" if kind.endswith("Plain") else "."
    bracket = "(" if "Both" in kind else ""
    return list_labels.mark(f"{bracket}{list_labels.number(n, form)}{sign}")


def _properties(shape: Element, *names: str) -> Element | None:
    """Return a part of what a shape is besides its look."""
    parts = (child(part, *names) for part in shape if tag(part).startswith("nv"))
    return next(parts, None)


def _is_hidden(shape: Element) -> bool:
    return value(_properties(shape, "cNvPr"), "hidden") in ("1", "true")


def _placeholder(shape: Element) -> str:
    place = _properties(shape, "nvPr", "ph")
    return (value(place, "type") or "obj") if place is not None else ""


def _plain(part: Element) -> str:
    """Return all text in an element, a line for each paragraph."""
    pieces = []
    for inner in part.iter():
        pieces += [" "] if tag(inner) in ("p", "br", "pt") else []
        pieces += [inner.text or ""] if tag(inner) in ("t", "v", "text") else []
    return " ".join("".join(pieces).split())
