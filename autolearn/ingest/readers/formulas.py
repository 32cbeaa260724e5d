"""Write formulas as LaTeX: from MathML, KaTeX, MathJax and Word.

Pages that were made from LaTeX have it as an annotation. Other MathML, and the formulas
of Word (OMML), are converted by pandoc. A formula that cannot be converted is left out
as such, with its signs.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, tostring

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.core.errors import InputError
from autolearn.ingest.readers import pandoc
from autolearn.ingest.readers.left_out import LeftOut

REASON = "formula that could not be converted"

_PREFIXED_MATH = re.compile(r"^\w+:math$")
_TEX = re.compile(r"tex|latex", re.I)
_COMMENT = re.compile(r"(?<!\\)%.*")
_STYLE = re.compile(r"^\{\\(?:display|text)style\s*(.*)\}$", re.S)
_LAST_SPACE = re.compile(r"(?:\\[ ,;:!]?|\s)+$")
_IMAGE = re.compile(r"\b(?:tex|latex|math|equation|mwe-math-fallback\S*)\b", re.I)
_M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write_out(soup: BeautifulSoup, left_out: LeftOut) -> None:
    """Replace all formulas of a page by LaTeX between dollars."""
    _drop_prefixes(soup)
    for script in soup.find_all("script", type=re.compile("^math/tex")):
        _remove_rendered(script)
        is_display = "mode=display" in str(script["type"])
        _put(script, script.string or "", is_display=is_display)
    for span in soup.find_all("span", class_="math"):
        text = span.get_text().strip()
        if text[:2] in (r"\(", r"\["):  # pandoc
            _put(span, text[2:-2], is_display=text[:2] == r"\[")
    waiting = []
    for math in soup("math"):
        place = _place(math)
        tex = _source(math)
        if tex:
            _put(place, tex, is_display=_is_display(math, place))
        elif place.parent is not None:
            waiting.append((math, place))
    _convert_waiting(soup, waiting, left_out)
    for image in soup("img", alt=True):
        kind = f"{' '.join(image.get_attribute_list('class'))} {image.get('src', '')}"
        if _IMAGE.search(kind) and re.search(r"[\\^_=]", str(image["alt"])):
            _put(image, str(image["alt"]), is_display=False)


def _drop_prefixes(soup: BeautifulSoup) -> None:
    """Name elements of MathML without a prefix, as in ``mml:math`` of e-books."""
    for math in soup.find_all(_PREFIXED_MATH):
        for part in [math, *math.find_all(True)]:
            part.name = part.name.rpartition(":")[2]


def markdown(tex: str, *, is_display: bool = False) -> str:
    """Return a formula between dollars in one line; empty if there is none."""
    text = " ".join(_COMMENT.sub("", tex).split())
    if match := _STYLE.match(text):
        text = match[1].strip()
    text = _LAST_SPACE.sub("", text)
    mark = "$$" if is_display else "$"
    return f"{mark}{text}{mark}" if text else ""


def from_mathml(formulas: Sequence[str]) -> list[str]:
    """Return MathML elements as LaTeX; empty if that is impossible."""
    return _to_latex(formulas, _page, "html")


def from_omml(formulas: Sequence[Element]) -> list[str]:
    """Return elements ``oMath`` of Word as LaTeX; empty if that is impossible.

    The elements are changed.
    """
    sources = list(map(_with_prefixes, formulas))
    return _to_latex(sources, _word_document, "docx+empty_paragraphs")


def _with_prefixes(formula: Element) -> str:
    """Return a formula with the prefixes that pandoc knows."""
    for part in formula.iter():
        part.tag = _with_prefix(part.tag)
        names = list(part.attrib.items())
        part.attrib.clear()
        part.attrib.update((_with_prefix(name), text) for name, text in names)
    formula.tail = None
    return tostring(formula, encoding="unicode")


def _with_prefix(name: str) -> str:
    space, _, local = name.rpartition("}")
    return f"{'m' if 'math' in space else 'w'}:{local}"


def _page(formulas: Sequence[str]) -> bytes:
    page = "".join(f"<p>{formula}</p>" for formula in formulas)
    return page.encode(errors="replace")


def _word_document(formulas: Sequence[str]) -> bytes:
    paragraphs = "".join(f"<w:p>{formula}</w:p>" for formula in formulas)
    spaces = f'xmlns:w="{_W}" xmlns:m="{_M}"'
    document = f"<w:document {spaces}><w:body>{paragraphs}</w:body></w:document>"
    relation = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="a" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relation)
        archive.writestr("word/document.xml", document)
        archive.writestr("word/styles.xml", f'<w:styles xmlns:w="{_W}"/>')
    return data.getvalue()


def _to_latex(
    formulas: Sequence[str], document: Callable[[Sequence[str]], bytes], kind: str
) -> list[str]:
    """Convert formulas at once, each as a paragraph of a document.

    If they do not come back one to one, their halves are converted.
    """
    if not formulas:
        return []
    try:
        output, _ = pandoc.convert(document(formulas), kind, "json")
        blocks = json.loads(output)["blocks"]
    except InputError:
        blocks = []
    if len(blocks) == len(formulas):
        return [_formula(block) for block in blocks]
    if len(formulas) == 1:
        return [""]
    middle = len(formulas) // 2
    halves = formulas[:middle], formulas[middle:]
    return [tex for half in halves for tex in _to_latex(half, document, kind)]


def _formula(block: dict[str, object]) -> str:
    """Return the LaTeX of a paragraph that is nothing but a formula."""
    inlines = block.get("c")
    parts = inlines if isinstance(inlines, list) else []
    formulas = [part["c"][1] for part in parts if part["t"] == "Math"]
    others = [part for part in parts if part["t"] not in ("Math", "Space", "SoftBreak")]
    return "" if others else " ".join(formulas)


def _source(math: Tag) -> str:
    """Return the LaTeX that a formula was made from, if the page has it."""
    for note in math("annotation"):
        if _TEX.search(str(note.get("encoding", ""))):
            return note.get_text()
    return str(math.get("alttext", ""))


def _place(math: Tag) -> Tag:
    """Return the outermost element that shows nothing but this formula."""
    place = math
    for parent in math.parents:
        classes = set(parent.get_attribute_list("class"))
        if parent.name == "mjx-container" or classes & {
            "katex",
            "katex-display",
            "mwe-math-element",
        }:
            place = parent
    return place


def _is_display(math: Tag, place: Tag) -> bool:
    return (
        math.get("display") == "block"
        or place.get("display") == "true"
        or "katex-display" in place.get_attribute_list("class")
    )


def _remove_rendered(script: Tag) -> None:
    """Remove what MathJax has drawn before the source of a formula."""
    for sibling in list(script.previous_siblings):
        if isinstance(sibling, Tag):
            classes = " ".join(sibling.get_attribute_list("class") or [""])
            if not re.search(r"MathJax|mjx", classes):
                return
            sibling.decompose()
        elif str(sibling).strip():
            return


def _convert_waiting(
    soup: BeautifulSoup, waiting: list[tuple[Tag, Tag]], left_out: LeftOut
) -> None:
    """Convert formulas without a source; leave out those that cannot be."""
    for math in soup("annotation-xml"):
        math.decompose()
    formulas = from_mathml([str(math) for math, _ in waiting])
    for (math, place), tex in zip(waiting, formulas, strict=True):
        if tex:
            _put(place, tex, is_display=_is_display(math, place))
        else:
            mark = left_out.add(math.get_text(" ", strip=True), REASON)
            place.replace_with(NavigableString(mark))


def _put(place: Tag, tex: str, *, is_display: bool) -> None:
    text = markdown(tex, is_display=is_display)
    if is_display and text:
        paragraph = Tag(name="div")
        paragraph.string = text
        place.replace_with(paragraph)
    else:
        place.replace_with(NavigableString(text))
