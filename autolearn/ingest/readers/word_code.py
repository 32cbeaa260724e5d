"""Find the paragraphs of a Word document that are lines of code."""

import re
from xml.etree.ElementTree import Element, SubElement

from autolearn.ingest.readers.packages import child, children, tag, value

STYLE = "autolearn-code"
"""The id of the style that lines of code get."""

_NAMES = re.compile(
    r"\bcode\b|preformatted|\bmacro ?text\b|\blisting\b|source ?code|\bverbatim\b", re.I
)
_MONOSPACE_FONT = re.compile(
    r"courier|consolas|\bmono\b|monospace|menlo|monaco|lucida console|source code"
    r"|fira code|cascadia|inconsolata|andale|terminal|typewriter",
    re.I,
)
_INDENTATION = re.compile(r"(?: {2,}|\t)\s*\S")
_OPENS = re.compile(r"[:{(\[,=>]\s*$|\bthen\s*$|\bdo\s*$|\belse\s*$")
_CLOSES = re.compile(r"\s*(?:[)}\]]|end\b|else\b|fi\b|done\b|except\b|finally\b)")
_CODE = re.compile(
    r"[={}\[\];<>]|\w\(|:\s*$|^\s*(?:[$#%]|//|--)\s"
    r"|^\s*(?:return|import|def|class|elif|print|var|const|function|echo|sudo|end)\b"
)


def is_code_style(style: Element) -> bool:
    """Return whether the name or the font of a paragraph style is one of code."""
    if value(style, "type") != "paragraph":
        return False
    font = value(child(style, "rPr", "rFonts"), "ascii")
    name = value(child(style, "name"))
    return bool(_NAMES.search(name)) or is_monospace(font)


def is_monospace(font: str) -> bool:
    """Return whether all letters of a font are equally wide, by its name."""
    return _MONOSPACE_FONT.search(font) is not None


def mark(root: Element, styles: frozenset[str], namespace: str) -> None:
    """Give lines of code the style ``STYLE``.

    Code has its own style or font, or several lines that begin with spaces.
    """
    for parent in list(root.iter()):
        if tag(parent) not in ("body", "tc", "txbxContent", "sdtContent"):
            continue
        run: list[Element] = []
        for part in [*parent, None]:
            is_paragraph = part is not None and tag(part) == "p"
            is_known = is_paragraph and _is_code(part, styles)
            if is_paragraph and not is_known and _is_indented(part, run):
                run.append(part)
                continue
            _mark_run(run, namespace)
            run = []
            if is_known:
                _set_style(part, namespace)
            elif is_paragraph and _OPENS.search(_text(part)):
                run = [part]


def _is_code(paragraph: Element, styles: frozenset[str]) -> bool:
    if value(child(paragraph, "pPr", "pStyle")) in styles:
        return True
    runs = [part for part in children(paragraph, "r") if _text(part).strip()]
    return bool(runs) and all(
        is_monospace(value(child(run, "rPr", "rFonts"), "ascii")) for run in runs
    )


def _is_indented(paragraph: Element, run: list[Element]) -> bool:
    """Return whether a paragraph begins with spaces, or ends lines that do."""
    if child(paragraph, "pPr", "numPr") is not None:
        return False
    text = _text(paragraph)
    return bool(_INDENTATION.match(text)) or (
        len(run) > 1 and bool(_CLOSES.match(text))
    )


def _mark_run(run: list[Element], namespace: str) -> None:
    n_like_code = sum(bool(_CODE.search(_text(part))) for part in run)
    if len(run) >= 2 and 2 * n_like_code >= len(run):
        for part in run:
            _set_style(part, namespace)


def _set_style(paragraph: Element, namespace: str) -> None:
    properties = child(paragraph, "pPr")
    if properties is None:
        properties = Element(f"{namespace}pPr")
        paragraph.insert(0, properties)
    style = child(properties, "pStyle")
    if style is None:
        style = SubElement(properties, f"{namespace}pStyle")
    style.set(f"{namespace}val", STYLE)


def _text(element: Element) -> str:
    signs = {"tab": "\t", "br": "\n"}
    return "".join(
        part.text or "" if tag(part) == "t" else signs.get(tag(part), "")
        for part in element.iter()
    )
