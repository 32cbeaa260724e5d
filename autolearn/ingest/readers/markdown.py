"""Write simplified HTML as Markdown."""

import re
from typing import Any

from bs4.element import Tag
from markdownify import MarkdownConverter

from autolearn.ingest.readers import list_labels, tables

_FENCE = re.compile(r"`{3,}")
_LANGUAGE = re.compile(
    r"(?:lang(?:uage)?|highlight|source|sourceCode)[- ](\w[\w+#.-]*)"
)
_HEADING = re.compile(r"^(\s*)(#{1,6}\s)")
_ITEM = re.compile(r"\s*\n+\s*(?:-\s+|(?=\(?\w{1,4}[.)]\s))")
_LINES = re.compile(r"\s*\n\s*")


class Converter(MarkdownConverter):
    """Markdown with plain tables and fenced code."""

    def __init__(self) -> None:
        super().__init__(
            heading_style="ATX",
            bullets="-",
            strip=["a", "img"],
            escape_asterisks=False,
            escape_underscores=False,
            escape_misc=False,
        )
        self._cells: dict[int, str] = {}

    def convert_td(self, tag: Tag, text: str, parent_tags: set[str]) -> str:
        """Keep the text of a cell until its table is complete."""
        line = _ITEM.sub("; ", f"\n{text}" if text.lstrip()[:2] == "- " else text)
        self._cells[id(tag)] = _LINES.sub(" ", line.strip(" \n;"))
        return ""

    convert_th = convert_td

    def convert_tr(self, tag: Tag, text: str, parent_tags: set[str]) -> str:
        """Return the text of a row outside its cells."""
        return text

    def convert_li(self, tag: Tag, text: str, parent_tags: set[str]) -> str:
        """Return an item behind its number or a hyphen, with its lines indented."""
        lines = text.strip().split("\n")
        label = f"{tag.get(list_labels.ATTRIBUTE, '-')} "
        indent = " " * len(label)
        rest = (f"{indent}{line}" if line.strip() else "" for line in lines[1:])
        return "\n".join([label + lines[0], *rest]) + "\n" if text.strip() else "\n"

    def convert_table(self, tag: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a table, after its text outside the cells."""
        outside = text.strip()
        if "td" in parent_tags or "th" in parent_tags:
            return f" {outside} {tables.inline(tag, self._cells)} ".replace("  ", " ")
        before = f"{outside}\n\n" if outside else ""
        return f"\n\n{before}{tables.markdown(tag, self._cells)}\n\n"

    def convert_pre(self, tag: Tag, text: str, parent_tags: set[str]) -> str:
        """Return code with its lines and indentation."""
        code = tag.get_text().strip("\n").rstrip()
        if not code.strip():
            return ""
        if "_inline" in parent_tags:
            return f" {_LINES.sub(' ', code)} "
        return f"\n\n{code_block(code, _language(tag))}"

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Return a text that is not a heading even if it begins like one."""
        return text if "_inline" in parent_tags else _HEADING.sub(r"\1\\\2", text)

    def convert_soup(self, soup: Any) -> str:
        """Return a whole page."""
        self._cells.clear()
        return str(super().convert_soup(soup))


def code_block(code: str, language: str) -> str:
    """Return a code block with its lines and indentation."""
    ticks = max(("``", *_FENCE.findall(code)), key=len) + "`"
    lines = code.strip("\n").rstrip()
    return f"{ticks}{language}\n{lines}\n{ticks}\n\n"


def _language(tag: Tag) -> str:
    """Return the language of a code block if the page names it."""
    code = tag.find("code")
    elements = [tag, *([code] if isinstance(code, Tag) else []), *list(tag.parents)[:2]]
    for element in elements:
        classes = " ".join(element.get("class") or [])
        if match := _LANGUAGE.search(classes):
            return match[1]
    return ""
