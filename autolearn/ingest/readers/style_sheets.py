"""Copy the rules of the style sheets of a page into the style of each element.

Selectors of elements, classes and ids are followed, also of elements within others
(``.note td``, ``table.prices > tr``). Those without a class or an id, and those with
anything else, such as attributes, siblings or states, are ignored.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from bs4 import BeautifulSoup
from bs4.element import Tag

Declarations = dict[str, str]
"""The values of properties, by their names."""

MOST_STEPS = 8
"""Steps of a selector; one with more is ignored."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.S)
_BRACE = re.compile(r"([{}])")
_COMBINATOR = re.compile(r"(\s*>\s*|\s+)")
_STEP = re.compile(r"([a-z][\w-]*|\*)?((?:[.#][\w-]+)*)", re.I)
_NAME = re.compile(r"[.#][\w-]+")
_EVERYWHERE = re.compile(r"@media\s+(?:only\s+)?(?:screen|all)\s*", re.I)
_IMPORTANT = re.compile(r"!\s*important", re.I)
_RELEVANT = (
    "vertical-align", "position", "top", "bottom", "font-size", "display",
    "visibility", "text-decoration", "text-decoration-line", "font-family",
    "list-style", "list-style-type",
)  # fmt: skip


class _Step(NamedTuple):
    """A part of a selector that one element has to fit."""

    element: str
    """The name of the element; empty for any."""
    names: frozenset[str]
    """Its classes and ids, with their signs."""
    is_child: bool
    """Whether the element is directly within that of the step before."""

    def fits(self, element: "_Element") -> bool:
        """Return whether an element has the name, the classes and the ids."""
        return self.element in ("", element.tag.name) and self.names <= element.names


@dataclass
class _Look:
    """What rules add to all elements that they cannot tell apart."""

    added: tuple[str, str] | None = None
    """What is put before their own styles and after them; None: not looked up yet."""
    inner: dict[tuple[str, frozenset[str]], "_Look"] = field(default_factory=dict)
    """The looks of the elements directly within, by name, and classes and ids."""


class _Element(NamedTuple):
    """An element of a page, with what its rules are found by."""

    tag: Tag
    names: frozenset[str]
    """Its classes and ids that rules name, with their signs."""
    names_around: frozenset[str]
    """Those of it and of what it is within."""
    look: _Look


@dataclass(frozen=True)
class _Rule:
    """What a selector declares."""

    priority: tuple[int, ...]
    """Importance, numbers of ids, classes and elements, and place in the sheets; of
    several rules, the one with the highest holds."""
    steps: tuple[_Step, ...]
    """From the outermost element to the one that is styled."""
    names_around: frozenset[str]
    """The classes and ids of all steps but the last."""
    declared: Declarations

    def holds(self, element: _Element, path: Sequence[_Element]) -> bool:
        """Return whether an element is meant; ``path`` is what it is within."""
        if not self.steps[-1].fits(element):
            return False
        if len(self.steps) == 1:
            return True
        if not path or not self.names_around <= path[-1].names_around:
            return False
        places = [-1]
        for step in self.steps[:-1]:
            places = [
                i
                for i, outer in enumerate(path)
                if i > places[0] and step.fits(outer)
                if not step.is_child or i - 1 in places
            ]
            if not places:
                return False
        return not self.steps[-1].is_child or places[-1] == len(path) - 1


@dataclass(frozen=True)
class _Rules:
    """The rules of style sheets."""

    by_names: dict[tuple[str, str], list[_Rule]]
    """Rules by the name of the element that is styled, empty for any, and by a class or
    an id that it has or is within."""
    names: frozenset[str]
    """The classes and ids of all rules, with their signs."""

    def added(self, element: _Element, path: Sequence[_Element]) -> tuple[str, str]:
        """Return what is declared for an element, what is important of it apart."""
        matching = [
            rule
            for key in product((element.tag.name, ""), element.names_around)
            for rule in self.by_names.get(key, ())
            if rule.holds(element, path)
        ]
        matching.sort(key=lambda rule: rule.priority)
        normal = [rule.declared for rule in matching if not rule.priority[0]]
        important = [rule.declared for rule in matching if rule.priority[0]]
        return _style(normal), _style(important)


def apply(soup: BeautifulSoup) -> None:
    """Copy the rules of all sheets into the style of each element.

    What rules declare stands before the element's own style, what is important after
    it. Rules are looked up once for elements that they cannot tell apart, such as most
    cells of a table.
    """
    sheets = ("".join(sheet.find_all(string=True)) for sheet in soup("style"))
    rules = _rules(tuple(sheets))
    if not rules.names:
        return
    page = _Element(soup, frozenset(), frozenset(), _Look())
    path: list[_Element] = []
    for tag in soup.find_all(True):
        while path and path[-1].tag is not tag.parent:
            path.pop()
        outer = path[-1] if path else page
        names = _names(tag) & rules.names
        around = outer.names_around | names if names else outer.names_around
        look = outer.look.inner.setdefault((tag.name, names), _Look())
        element = _Element(tag, names, around, look)
        if look.added is None:
            look.added = rules.added(element, path)
        before, after = look.added
        if before or after:
            tag["style"] = f"{before}{tag.get('style', '')};{after}"
        path.append(element)


def declarations(tag: Tag) -> Declarations:
    """Return what the style of an element declares, the last value of each property."""
    style = tag.get("style")
    return _declarations(str(style)) if style else {}


def _names(tag: Tag) -> frozenset[str]:
    names = {f".{name}" for name in tag.get_attribute_list("class") if name}
    if tag.get("id"):
        names.add(f"#{tag['id']}")
    return frozenset(names)


def _style(all_declared: list[Declarations]) -> str:
    merged = {key: text for declared in all_declared for key, text in declared.items()}
    return "".join(f"{key}:{text};" for key, text in merged.items())


@lru_cache(maxsize=64)
def _declarations(style: str) -> Declarations:
    values: Declarations = {}
    for declaration in style.split(";"):
        name, _, text = declaration.partition(":")
        name = name.strip().lower()
        if name in _RELEVANT:
            values[name] = _IMPORTANT.sub("", text).lower().strip()
    return values


@lru_cache(maxsize=16)
def _rules(sheets: tuple[str, ...]) -> _Rules:
    """Return the rules of style sheets that matter."""
    by_names: dict[tuple[str, str], list[_Rule]] = {}
    names: set[str] = set()
    blocks = (block for sheet in sheets for block in _blocks(sheet))
    for order, (selectors, body) in enumerate(blocks):
        if not _declarations(body):
            continue
        for steps in filter(None, map(_steps, selectors.split(","))):
            own = steps[-1]
            for rule in _of_selector(steps, body, order):
                key = own.element, min(own.names or rule.names_around)
                by_names.setdefault(key, []).append(rule)
                names |= own.names | rule.names_around
    return _Rules(by_names, frozenset(names))


def _of_selector(steps: tuple[_Step, ...], body: str, order: int) -> Iterator[_Rule]:
    """Yield what a selector declares, what is important of it apart."""
    names = [name for step in steps for name in step.names]
    n_ids = sum(name[0] == "#" for name in names)
    n_elements = sum(bool(step.element) for step in steps)
    around = frozenset(name for step in steps[:-1] for name in step.names)
    parts = body.split(";")
    for is_important in (False, True):
        own = (p for p in parts if bool(_IMPORTANT.search(p)) == is_important)
        if declared := _declarations(";".join(own)):
            counts = (n_ids, len(names) - n_ids, n_elements, order)
            yield _Rule((is_important, *counts), steps, around, declared)


def _steps(selector: str) -> tuple[_Step, ...]:
    """Return the steps of a selector; none if it is one that is ignored."""
    parts = _COMBINATOR.split(selector.strip())
    if len(parts) > 2 * MOST_STEPS:
        return ()
    steps = []
    for i, part in enumerate(parts[::2]):
        match = _STEP.fullmatch(part)
        if not part or match is None:
            return ()
        element = (match[1] or "").lower().replace("*", "")
        is_child = i > 0 and ">" in parts[2 * i - 1]
        steps.append(_Step(element, frozenset(_NAME.findall(match[2])), is_child))
    return tuple(steps) if any(step.names for step in steps) else ()


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and the body of each rule that holds on a screen."""
    open_blocks: list[str] = []
    parts = _BRACE.split(_COMMENT.sub("", sheet))
    for text, brace in zip(parts[::2], parts[1::2], strict=False):
        if brace == "{":
            open_blocks.append(text.rpartition(";")[2].strip())
        elif open_blocks:
            selectors = open_blocks.pop()
            if selectors[:1] != "@" and all(map(_EVERYWHERE.fullmatch, open_blocks)):
                yield selectors, text
