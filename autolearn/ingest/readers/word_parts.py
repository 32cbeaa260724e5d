"""Prepare the parts of a Word document for mammoth, which ignores much of them.

Formulas become LaTeX, hidden and deleted text becomes marks, text boxes follow their
paragraph, fields and other wrappers are opened, paragraphs of code get a style.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from xml.etree.ElementTree import Element, SubElement, tostring

from autolearn.ingest.readers import formulas, symbol_fonts, word_code
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.packages import (
    child,
    children,
    integer,
    is_on,
    tag,
    value,
)
from autolearn.ingest.readers.word_lists import WordLists

MOST_PADDED = 64
"""Most cells by which a row of a table begins further to the right."""
LEAST_RISE = 4
"""Half points by which small text is above or below its line."""
HIDDEN, DELETED = "hidden", "deleted in a tracked change"
CONTENTS = "table of contents"

_CONTENTS_STYLE = re.compile(r"toc (?:heading|\d)", re.I)
_OLD_EQUATION = re.compile(r"Equation|MathType")
_WRAPPERS = frozenset(("fldSimple", "dir", "bdo"))
"""Elements around text that mammoth would ignore."""
_WITHIN_RUNS = frozenset(("object", "instrText", "ruby", "br", "fldChar", "sym"))
_SIGN_FONTS = ("Symbol", "Webdings", "Wingdings", "Wingdings 2", "Wingdings 3")
"""Fonts whose signs mammoth knows; it would drop those of others."""
_EQUIVALENT_TAGS = {"cr": "br", "ptab": "tab"}
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass(frozen=True)
class Styles:
    """The meaning of the styles of a document."""

    hidden_styles: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()
    """Styles of the entries of tables of contents."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Whether the text of a style is above or below the line, by its id."""

    @classmethod
    def of(cls, root: Element | None) -> Self:
        """Read the part with the styles, if there is one."""
        styles = children(root, "style")
        scripts = {value(style, "styleId"): _script(style) for style in styles}
        for style in styles:
            name, base = value(style, "styleId"), value(child(style, "basedOn"))
            scripts[name] = scripts[name] or scripts.get(base, "")

        def ids(test: Callable[[Element], object]) -> frozenset[str]:
            return frozenset(value(style, "styleId") for style in styles if test(style))

        return cls(
            hidden_styles=ids(lambda style: is_on(child(style, "rPr", "vanish"))),
            code=ids(word_code.is_code_style),
            contents=ids(lambda s: _CONTENTS_STYLE.match(value(child(s, "name")))),
            scripts=scripts,
        )


@dataclass
class Preparation:
    """The state of preparing one document."""

    left_out: LeftOut
    styles: Styles
    lists: WordLists = field(default_factory=WordLists)
    _formulas: list[tuple[Element, Element, bool]] = field(default_factory=list)

    def prepare(self, root: Element) -> bytes:
        """Change a part with text, and return it as XML."""
        self._namespace = root.tag.partition("}")[0] + "}"
        self._rewrite(root, is_hidden=False)
        self._write_formulas()
        word_code.mark(root, self.styles.code, self._namespace)
        return tostring(root)

    def _rewrite(self, element: Element, *, is_hidden: bool) -> None:
        """Change the children of an element, and theirs."""
        children: list[Element] = []
        previous = ""
        for part in list(element):
            name = tag(part)
            if name == previous == "oMath":
                children.append(self._run(" "))
            children.extend(self._replacement(part, is_hidden=is_hidden))
            previous = name
        element[:] = children

    def _replacement(self, part: Element, *, is_hidden: bool) -> Iterator[Element]:
        """Yield what takes the place of an element."""
        name = tag(part)
        if self._is_contents(part):
            yield self._exclusion(part, CONTENTS)
        elif reason := self._reason(part, is_hidden=is_hidden):
            yield from self._mark(part, reason)
        elif name == "p":
            yield from self._paragraph(part, is_hidden=is_hidden)
        elif name in ("oMath", "oMathPara"):
            yield self._formula(part)
        elif name in _WRAPPERS:
            self._rewrite(part, is_hidden=is_hidden)
            yield from part
        elif name in _WITHIN_RUNS:
            yield from self._within_run(part)
        elif name == "pPr":
            yield part  # what it deletes is only the end of the paragraph
        else:
            self._change(part, is_hidden=is_hidden)
            yield part

    def _reason(self, part: Element, *, is_hidden: bool) -> str:
        """Return why an element is left out; empty if it is not."""
        name = tag(part)
        if name in ("del", "moveFrom") or _is_deleted(part, "tr", "trPr", "del"):
            return DELETED
        is_hidden_run = name == "r" and (is_hidden or self._is_hidden(part))
        return HIDDEN if is_hidden_run and text_of(part) else ""

    def _within_run(self, part: Element) -> Iterator[Element]:
        """Yield what takes the place of a part of a run that mammoth would lose."""
        name = tag(part)
        if name == "object" or (name == "instrText" and _is_equation(part)):
            yield from self._picture(part)
        elif name == "ruby":
            yield from self._ruby(part)
        elif name == "sym" and value(part, "font") not in _SIGN_FONTS:
            yield self._text(self._sign(part))
        elif name == "br" and value(part, "type") in ("page", "column"):
            yield self._text(" ")
        else:
            yield part
            if choice := _choice(part):
                yield self._text(choice)

    def _change(self, part: Element, *, is_hidden: bool) -> None:
        """Change an element that stays."""
        name = tag(part)
        if _is_deleted(part, "tc", "tcPr", "cellDel"):
            part[:] = [self._exclusion(part, DELETED)]
            return
        if name in _EQUIVALENT_TAGS:
            part.tag = self._namespace + _EQUIVALENT_TAGS[name]
        self._rewrite(part, is_hidden=is_hidden)
        if name == "r":
            self._raise(part)
            _write_signs(part)
        elif name == "tr":
            self._pad(part)

    def _paragraph(self, part: Element, *, is_hidden: bool) -> Iterator[Element]:
        """Yield a paragraph, and after it the text boxes that are in it."""
        style = value(child(part, "pPr", "pStyle"))
        boxes = list(_text_boxes(part))
        self._rewrite(part, is_hidden=is_hidden or style in self.styles.hidden_styles)
        mark = self.lists.mark(part)
        if mark and any(tag(inner) == "t" for inner in part.iter()):
            after_properties = int(child(part, "pPr") is not None)
            part.insert(after_properties, self._run(mark))
        yield part
        for box in boxes:
            self._rewrite(box, is_hidden=is_hidden)
            yield from box

    def _raise(self, run: Element) -> None:
        """Mark a run itself as raised or lowered, if its style says so."""
        properties = child(run, "rPr")
        if properties is None or child(properties, "vertAlign") is not None:
            return
        style = value(child(properties, "rStyle"))
        if where := _script(run) or self.styles.scripts.get(style, ""):
            mark = SubElement(properties, f"{self._namespace}vertAlign")
            mark.set(f"{self._namespace}val", where)

    def _pad(self, row: Element) -> None:
        """Put empty cells before a row that begins further to the right."""
        n = integer(value(child(row, "trPr", "gridBefore")), 0)
        for _ in range(min(n, MOST_PADDED)):
            cell = Element(f"{self._namespace}tc")
            SubElement(cell, f"{self._namespace}p")
            first = next((i for i, c in enumerate(row) if tag(c) in ("tc", "sdt")), 0)
            row.insert(first, cell)

    def _is_hidden(self, run: Element) -> bool:
        properties = child(run, "rPr")
        if properties is None:
            return False
        vanish = child(properties, "vanish")
        style = value(child(properties, "rStyle"))
        return is_on(vanish) or (vanish is None and style in self.styles.hidden_styles)

    def _mark(self, part: Element, reason: str) -> Iterator[Element]:
        mark = self.left_out.add(text_of(part), reason)
        if mark and tag(part) != "tr":  # a mark needs a cell; it is listed at the end
            yield self._run(mark)

    def _exclusion(self, part: Element, reason: str) -> Element:
        """Return a paragraph with nothing but a mark."""
        paragraph = Element(f"{self._namespace}p")
        paragraph.extend(self._mark(part, reason))
        return paragraph

    def _is_contents(self, part: Element) -> bool:
        """Return whether a part is a table of contents, or an entry of one."""
        if tag(part) == "p":
            return value(child(part, "pPr", "pStyle")) in self.styles.contents
        gallery = child(part, "sdtPr", "docPartObj", "docPartGallery")
        return tag(part) == "sdt" and value(gallery) == "Table of Contents"

    def _run(self, text: str) -> Element:
        run = Element(f"{self._namespace}r")
        run.append(self._text(text))
        return run

    def _text(self, text: str) -> Element:
        element = Element(f"{self._namespace}t")
        element.text = text
        return element

    def _picture(self, part: Element) -> Iterator[Element]:
        """Yield a mark for a formula that is an object or a field."""
        kinds = [value(x, "ProgID") for x in part.iter() if tag(x) == "OLEObject"]
        text = next(filter(_OLD_EQUATION.match, kinds), "") or (part.text or "")
        if mark := self.left_out.add(text, formulas.REASON):
            yield self._text(mark)
        else:
            yield part

    def _ruby(self, ruby: Element) -> Iterator[Element]:
        """Yield a base text and, in brackets, its pronunciation."""
        for name, form in (("rubyBase", "{}"), ("rt", "({})")):
            text = text_of(child(ruby, name))
            if text:
                yield self._text(form.format(text))

    def _sign(self, part: Element) -> str:
        """Return a sign of a font, or a mark in place of one that is not known."""
        font, code = value(part, "font"), value(part, "char")
        sign = chr(int(code, 16)) if re.fullmatch("[0-9a-fA-F]{4}", code) else ""
        if "symbol" in font.lower() and "\uf000" <= sign <= "\uf0ff":
            sign = symbol_fonts.symbol(sign)
        if not sign or "\ud800" <= sign <= "\uf8ff":
            return self.left_out.add(f"{font} {code}", symbol_fonts.UNKNOWN_SIGN)
        return sign

    def _formula(self, formula: Element) -> Element:
        """Return a run that will hold a formula."""
        run = self._run("")
        for part in [formula] if tag(formula) == "oMath" else formula:
            if tag(part) == "oMath":
                place = SubElement(run, f"{self._namespace}t")
                self._formulas.append((part, place, tag(formula) == "oMathPara"))
        return run

    def _write_formulas(self) -> None:
        texts = [text_of(part) for part, *_ in self._formulas]
        sources = formulas.from_omml([part for part, *_ in self._formulas])
        for (_, place, is_display), plain, tex in zip(
            self._formulas, texts, sources, strict=True
        ):
            text = formulas.markdown(tex, is_display=is_display)
            if not text:
                text = self.left_out.add(plain, formulas.REASON)
            place.text = f" {text} " if is_display else text
        self._formulas.clear()


def _is_equation(instruction: Element) -> bool:
    """Return whether a field draws a formula."""
    return (instruction.text or "").split()[:1] == ["EQ"]


def _script(part: Element) -> str:
    """Return how the properties of a run or a style raise or lower its text.

    Text that is only moved up or down counts if it is also small.
    """
    properties = child(part, "rPr")
    if where := value(child(properties, "vertAlign")):
        return where if where.endswith("script") else ""
    rise = integer(value(child(properties, "position")), 0)
    if abs(rise) < LEAST_RISE or child(properties, "sz") is None:
        return ""
    return "subscript" if rise < 0 else "superscript"


def text_of(element: Element | None) -> str:
    """Return all text within an element, also deleted text and formulas."""
    if element is None:
        return ""
    parts = []
    for part in element.iter():
        name = tag(part)
        if name in ("t", "delText", "v"):
            parts.append(part.text or "")
        elif name in _SIGNS:
            parts.append(_SIGNS[name])
        elif name in ("p", "tc") and parts:
            parts.append(" ")
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()


def _is_deleted(part: Element, name: str, *path: str) -> bool:
    """Return whether a part of a table is deleted in a tracked change."""
    return tag(part) == name and child(part, *path) is not None


def _choice(field_start: Element) -> str:
    """Return the entry that is chosen in a drop-down list of a form."""
    entries = child(field_start, "ffData", "ddList")
    texts = list(map(value, children(entries, "listEntry")))
    number = value(child(entries, "result")) or value(child(entries, "default")) or "0"
    return "".join(texts[int(number) :][:1]) if number.isdecimal() else ""


def _write_signs(run: Element) -> None:
    """Write the codes of fonts of signs as the signs, and a double strike as one."""
    properties = child(run, "rPr")
    font = value(child(properties, "rFonts"), "ascii").lower()
    for part in children(run, "t"):
        if font == "symbol":
            part.text = symbol_fonts.symbol(part.text or "")
        elif font == "wingdings":
            part.text = symbol_fonts.wingdings(part.text or "")
    for part in children(properties, "dstrike"):
        part.tag = part.tag.replace("dstrike", "strike")


def _text_boxes(parent: Element) -> Iterator[Element]:
    """Take the drawings with text out of a paragraph; yield their text boxes."""
    for part in list(parent):
        if tag(part) in ("AlternateContent", "drawing", "pict") and (
            boxes := _boxes(part)
        ):
            parent.remove(part)
            yield from boxes
        elif tag(part) != "txbxContent":
            yield from _text_boxes(part)


def _boxes(drawing: Element) -> list[Element]:
    """Return the text boxes of a drawing, of its first alternative with text."""
    alternatives = list(drawing) if tag(drawing) == "AlternateContent" else [drawing]
    for alternative in alternatives:
        boxes = [part for part in alternative.iter() if tag(part) == "txbxContent"]
        inner = {id(part) for box in boxes for part in box.iter() if part is not box}
        if boxes := [box for box in boxes if id(box) not in inner]:
            return boxes
    return []
