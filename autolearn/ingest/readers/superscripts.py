"""Write superscripts and subscripts so that they stay apart from what they follow.

An exponent becomes ``10^23``, a note mark ``[4]``. A number below the line of a formula
of chemistry joins its symbol, as everybody writes it: ``CO2``, ``H2O``. Unicode has
signs for some of these (``CO₂``), but a question, a search and a model's answer are
written without them, and they would not be recognised as the same.
"""

import re
from itertools import islice

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from autolearn.ingest.readers import page_styles, powers

BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd",
    "details", "div", "dl", "dt", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main",
    "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul",
))  # fmt: skip
"""Elements that begin on a new line."""
N_AROUND = 24
"""Characters before and after that are compared."""
MOST_ELEMENTS = 200
"""Elements before and after in which these characters are looked for."""

_NUMBERS = re.compile(r"\d{1,3}(?:\s*[,;\-–]\s*\d{1,3})*|[a-z](?:\s*,\s*[a-z])*")  # noqa: RUF001
"""The usual mark of a note, or of several."""
_SIGNS = re.compile(r"[*†‡§¶#®©™℠°′″º+\-−–]+|TM|SM|\[.*\]|\(.*\)", re.S)  # noqa: RUF001
"""Matches raised or lowered text that needs no sign to stay apart."""
_SIMPLE = re.compile(r"[+\-−–]?(?:\d[\d.,]*|[^\W\d_]+|[^\W_]+)")  # noqa: RUF001
_LIST = re.compile(r"\d{1,3}(?:\s*[,;\-–]\s*(?:\d{1,3}|[*†‡]+))+")  # noqa: RUF001
"""Marks of several notes."""
_MARK = re.compile(r"\d{1,3}|[*†‡§]{1,3}")
_BEFORE_MARK = re.compile(r"[\w.,;:!?\"”’»)%]$")  # noqa: RUF001
"""What a mark that is not raised directly follows."""
_STACKED = "template-chem2-su"
"""The class of a charge above a number in formulas of Wikipedia."""
_SLASHES = ("/", "\u2044", "\u2215")
_ISOTOPE = re.compile(r"[A-Z][a-z]?(?![\w\s])")
"""What a mass number stands before, if nothing but a symbol follows."""
_ORDINALS = frozenset((
    "st", "nd", "rd", "th", "e", "er", "re", "ers", "ère", "ères", "ième", "me",
    "ème", "nde", "de", "º", "ª", "o", "a", "os", "as",
))  # fmt: skip
_YEAR = re.compile(r"(?<![\d.,×*^])(?:1[2-9]|20)\d\d$")  # noqa: RUF001
_WORD = re.compile(r"[^\W\d_]{4,}$|[^\W\d_]{2,}[.,;:!?\"”’»]+$|\d{2,}[.,;:!?\"”’»]+$")  # noqa: RUF001
"""What a note mark follows: a word, or the end of a clause."""
_ROMAN_OR_NUMBER = re.compile(r"(?:\d|\b[IVXLCDM]+|\bn)$")


def write_out(soup: BeautifulSoup) -> None:
    """Replace raised and lowered text, and links to notes, by plain text."""
    _name(soup)
    for tag in soup(["sup", "sub"]):
        if not tag.get_text(strip=True):
            tag.extract()
    for tag in soup("sup"):
        _write_fraction(tag)
    for tag in reversed(soup(["sup", "sub", "a"])):
        text = " ".join(tag.get_text().split())
        if tag.name == "a" and not _may_refer_to_note(tag, text):
            continue
        before, after = _neighbour(tag, forward=False), _neighbour(tag, forward=True)
        if tag.name == "sub":
            tag.replace_with(_subscript(text, before, after))
        elif tag.name == "sup":
            tag.replace_with(_superscript(tag, text, before, after))
        elif not tag.find_parent("sup") and (
            _refers_to_note(tag) or _is_attached(before, after)
        ):
            tag.replace_with(_note(text))


def _name(soup: BeautifulSoup) -> None:
    """Name elements that only a style or a class raises or lowers."""
    for tag in soup.find_all(True):
        if tag.name not in BLOCKS and (script := page_styles.script(tag)):
            tag.name = script
    for pair in soup("span", class_=_STACKED):
        for name, tag in zip(("sup", "sub"), pair("span"), strict=False):
            tag.name = name


def _is_attached(before: str, after: str) -> bool:
    """Return whether a mark directly follows a word, and ends there."""
    return bool(_BEFORE_MARK.search(before)) and not after[:1].isalnum()


def _refers_to_note(link: Tag) -> bool:
    role = f"{link.get('role', '')} {link.get('epub:type', '')}"
    return "noteref" in role or "biblioref" in role


def _may_refer_to_note(link: Tag, text: str) -> bool:
    """Return whether a link leads to a note, or to a place and looks like a mark."""
    is_mark = "#" in str(link.get("href", "")) and _MARK.fullmatch(text)
    return bool(is_mark) or _refers_to_note(link)


def _write_fraction(numerator: Tag) -> None:
    """Write a raised number, a slash and a lowered number as a fraction."""
    slash = numerator.next_sibling
    if not isinstance(slash, NavigableString) or slash.strip() not in _SLASHES:
        return
    denominator = slash.next_sibling
    if not isinstance(denominator, Tag):
        return
    texts = [tag.get_text().strip() for tag in (numerator, denominator)]
    if denominator.name == "sub" and all(map(str.isdigit, texts)):
        is_mixed = _neighbour(numerator, forward=False)[-1:].isdigit()
        numerator.replace_with(" " * is_mixed + "/".join(texts))
        denominator.extract()
        slash.extract()


def _note(text: str) -> str:
    return text if not text or text[0] in "[(" else f"[{text}]"


def _superscript(tag: Tag, text: str, before: str, after: str) -> str:
    links = [*tag("a", href=True), *tag.find_parents("a", href=True)]
    if any("#" in str(link["href"]) for link in links) and re.search(r"\w", text):
        return _note(text)
    if not text or (_SIGNS.fullmatch(text) and not text[-1:].isdigit() and before):
        is_one_word = text[:1] not in "+-−–" or not before[-1:].isdigit()  # noqa: RUF001
        return text if is_one_word else f"^{text}"
    is_degree = text in ("o", "0", "º") and re.search(r"\d\s?$", before)
    if is_degree and re.match(r"\s?[CF]\b|[NSEW]\b", after):
        return "°"
    if text[:1] == ":":
        return text  # the page of a reference
    is_ordinal = text.lower() in _ORDINALS and _ROMAN_OR_NUMBER.search(before)
    if is_ordinal and not re.search(r"\d{4}$|\d[.,]\d+$", before):
        return text
    if len(text) > 1 and text.isalpha() and re.search(r"(?:^|\W)[A-Z]$", before):
        return text  # M<sup>me</sup>
    if _NUMBERS.fullmatch(text) and _is_note(before, after, text):
        return _note(text)
    if _LIST.fullmatch(text) and before and not before[-1].isdigit():
        return _note(text)
    return _with_sign("^", text, before, after)


def _is_note(before: str, after: str, text: str) -> bool:
    """Return whether a small number or letter is the mark of a note."""
    if not before:
        if text.isdigit() and _ISOTOPE.match(after):
            return False
        return after[:1].isspace() or (after[:1].isupper() and after[1:2].islower())
    if powers.takes_exponent(before, after):
        return False
    return bool(_WORD.search(before)) or (
        text[:1].isdigit() and _YEAR.search(before) is not None
    )


def _subscript(text: str, before: str, after: str) -> str:
    is_symbol = re.search(r"[A-Z][a-z]?$|[)\]]$|\b[a-z]$", before)
    if not text or (text.isdigit() and is_symbol and not after[:1].isdigit()):
        return text
    return _with_sign("_", text, before, after)


def _with_sign(sign: str, text: str, before: str, after: str) -> str:
    continues = after[:1].isalnum() and not (
        text.isdigit() and after[:1].isupper() and not before[-1:].isalnum()
    )
    is_simple = _SIMPLE.fullmatch(text) and not continues
    return f"{sign}{text}" if is_simple else f"{sign}({text})"


def _neighbour(tag: Tag, *, forward: bool) -> str:
    """Return the characters of the same block next to an element."""
    elements = tag.next_elements if forward else tag.previous_elements
    inside = set(map(id, tag.descendants)) if forward else set()
    near = ""
    for element in islice(elements, MOST_ELEMENTS):
        if isinstance(element, Tag):
            if element.name in BLOCKS:
                break
        elif isinstance(element, NavigableString) and id(element) not in inside:
            near = near + element if forward else element + near
        if len(near) >= N_AROUND:
            break
    return near[:N_AROUND] if forward else near[-N_AROUND:]
