"""Convert Rich Text Format to Markdown, by way of HTML.

striprtf, the usual library, returns plain text in which superscripts, merged cells,
hidden text and notes cannot be told from the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from itertools import groupby
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.ingest.readers import markup, rtf_words, symbol_fonts
from autolearn.ingest.readers.left_out import LeftOut
from autolearn.ingest.readers.pages import element, table_of
from autolearn.ingest.readers.pieces import Piece, Source
from autolearn.ingest.readers.word_code import is_monospace

_TOKEN = re.compile(
    r"\\([a-zA-Z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n\0]+"
    r"|([^\\{}\r\n\0]+)"
)
_BOX, _DROP_DOWN = 1, 2
"""Kinds of fields of forms."""
_NO_RESULT = 25
"""The result of a field that has its default."""


def read(path: Path) -> Source:
    """Return a document with its headings, tables and notes.

    Raises:
        InputError: It is too large, or no RTF.
    """
    markup.check_size(path.stat().st_size)
    data = path.read_bytes()
    if data.lstrip()[:5] != b"{\\rtf":
        raise InputError("is not RTF, although its name says so; save it again.")
    return Source(_pieces(data))


def _pieces(data: bytes) -> Iterator[Piece]:
    parser = _Parser()
    parser.feed(data.decode("latin-1"))
    yield from markup.pieces(markup.parse(parser.page()), left_out=parser.left_out)


@dataclass(frozen=True)
class _State:
    """The formatting within a group."""

    kind: str = "text"
    """``text``, ``note``, one of those without text, or why it is left out."""
    script: str = ""
    is_struck: bool = False
    is_code: bool = False
    """Whether the font is one of code, and not that of the document."""
    reason: str = ""
    """Why characters are left out: hidden or deleted."""
    code_page: str = ""
    """The encoding of the font; empty if it is that of the document."""
    n_fallback: int = 1
    is_optional: bool = False


@dataclass
class _Table:
    """The rows of a table that is being read."""

    rows: list[list[str]] = field(default_factory=list)
    layout: list[str] = field(default_factory=list)
    """For each cell of a row, the word that merges it with another."""
    row: list[str] = field(default_factory=list)


@dataclass
class _FormField:
    """A field of a form: a box to tick, or a list of which one entry is chosen."""

    numbers: dict[str, int] = field(default_factory=dict)
    """The numbers behind the control words."""
    entries: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return what the field shows; empty for a field of text, which has it."""
        value = self.numbers.get("ffres", _NO_RESULT)
        if value == _NO_RESULT:
            value = self.numbers.get("ffdefres", 0)
        kind = self.numbers.get("fftype")
        if kind == _BOX:
            return "☒ " if value else "☐ "
        return "".join(self.entries[value:][:1]) if kind == _DROP_DOWN else ""


def _look(part: tuple[str, _State]) -> tuple[str, str, bool]:
    """Return how a part of a paragraph is shown, and why it is left out."""
    _, state = part
    return state.script, state.reason, state.is_struck


class _Parser:
    """Turns the tokens of a file into a page."""

    def __init__(self) -> None:
        self.left_out = LeftOut()
        self._blocks: list[str] = []
        self._notes: list[str] = []
        self._paragraph: list[tuple[str, _State]] = []
        self._outer: list[list[tuple[str, _State]]] = []
        self._state, self._stack = _State(), list[_State]()
        self._code_page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._code_fonts: set[int] = set()
        self._font = self._default_font = self._style = self._level = -1
        self._form = _FormField()
        self._headings: dict[int, int] = {}
        self._table, self._in_table, self._merges = _Table(), False, ""
        self._bytes, self._n_skipped = bytearray(), 0

    def feed(self, text: str) -> None:
        """Read a whole file."""
        position = 0
        while match := _TOKEN.match(text, position):
            position = match.end()
            word, number, byte, symbol, brace, plain = match.groups()
            if byte is None:
                self._flush_bytes()
            if word == "bin":
                position += max(0, int(number or 0))
            elif word or symbol:
                self._control(word or symbol, int(number) if number else None)
            elif brace:
                self._open() if brace == "{" else self._close()
            elif byte:
                self._byte(int(byte, 16))
            elif plain:
                self._text(plain)
        self._flush_bytes()
        self._end_paragraph()
        self._end_table()

    def page(self) -> str:
        """Return all that was read as HTML."""
        html = "".join([*self._blocks, *self._notes])
        return html.replace("</pre><pre>", "\n")  # a paragraph for each line of code

    def _open(self) -> None:
        self._n_skipped = 0
        self._stack.append(self._state)
        self._state = replace(self._state, is_optional=False)

    def _close(self) -> None:
        group, self._n_skipped = self._state, 0
        self._state = self._stack.pop() if self._stack else _State()
        if group.kind != self._state.kind and group.kind not in rtf_words.WITHOUT_TEXT:
            self._end_group(group.kind)

    def _begin_group(self, kind: str) -> None:
        outer = self._state
        self._state = _State(
            kind, code_page=outer.code_page, n_fallback=outer.n_fallback
        )
        if kind not in rtf_words.WITHOUT_TEXT:
            self._outer.append(self._paragraph)
            self._paragraph = []

    def _end_group(self, kind: str) -> None:
        html = self._html()
        self._paragraph = self._outer.pop() if self._outer else []
        if kind == "note":
            n = len(self._notes)
            text = re.sub(r"^(?:\[\d+\]|<sup>\[?\d*\]?</sup>)?\s*", "", html)
            self._notes.append(element("p", f"[{n + 1}] {text}"))
            self._add(f"[{n + 1}]")
        elif mark := self.left_out.add(markup.parse(html).get_text(), kind):
            self._add(mark)

    def _control(self, word: str, number: int | None) -> None:
        if self._n_skipped and word != "u":
            self._n_skipped -= 1
        elif word == "*":
            self._state = replace(self._state, is_optional=True)
        elif word == "u":
            self._unicode(number or 0)
        elif word in rtf_words.SIGNS:
            self._add(rtf_words.SIGNS[word])
        elif not self._group(word) and not self._formatting(word, number):
            self._structure(word, number or 0)

    def _group(self, word: str) -> bool:
        """Begin a group of another kind if a word names one."""
        was_optional = self._state.is_optional
        self._state = replace(self._state, is_optional=False)
        if word in rtf_words.LISTS:
            kind = rtf_words.LISTS[word]
        elif self._state.kind in rtf_words.WITHOUT_TEXT:
            return False
        elif word in rtf_words.LEFT_OUT:
            kind = rtf_words.LEFT_OUT[word]
        elif word == "footnote":
            kind = "note"
        elif word in rtf_words.INVISIBLE_GROUPS or (
            was_optional and word not in rtf_words.VISIBLE_GROUPS
        ):
            kind = "unseen"
        else:
            return False
        self._begin_group(kind)
        return True

    def _formatting(self, word: str, number: int | None) -> bool:
        """Follow a word that says how characters are shown, if it is one."""
        state, is_on = self._state, number != 0
        if word in rtf_words.SCRIPTS:
            state = replace(state, script=rtf_words.SCRIPTS[word] if is_on else "")
        elif word in rtf_words.REASONS:
            state = replace(state, reason=rtf_words.REASONS[word] if is_on else "")
        elif word in ("strike", "striked"):
            state = replace(state, is_struck=is_on)
        elif word == "plain":
            state = replace(state, script="", reason="", is_struck=False, is_code=False)
        elif word == "uc":
            state = replace(state, n_fallback=number or 0)
        else:
            return self._character_set(word, number or 0)
        self._state = state
        return True

    def _character_set(self, word: str, number: int) -> bool:
        if word == "f":
            self._font = number
            code_page = self._fonts.get(number, "")
            is_code = number in self._code_fonts and number != self._default_font
            self._state = replace(self._state, code_page=code_page, is_code=is_code)
        elif word == "deff":
            self._default_font = number
        elif word == "fcharset":
            code_page = rtf_words.PICTURES if number == rtf_words.SIGN_SET else ""
            self._fonts[self._font] = rtf_words.CODE_PAGES.get(number, code_page)
        elif word == "ansicpg":
            self._code_page = rtf_words.MAC_CODE_PAGES.get(number, f"cp{number}")
        elif word in rtf_words.CHARACTER_SETS:
            self._code_page = rtf_words.CHARACTER_SETS[word]
        else:
            return False
        return True

    def _structure(self, word: str, number: int) -> None:
        """Follow a word that ends a paragraph, a cell or a row, or begins one."""
        if word in ("par", "sect", "page", "\n", "\r"):
            self._end_paragraph()
        elif word == "pard":
            self._in_table, self._style, self._level = False, -1, -1
        elif word == "s":
            self._style = number
        elif word == "outlinelevel":
            self._level = number
        elif word == "fldrslt":
            self._add(self._form.text())
            self._form = _FormField()
        elif word[:2] == "ff":
            self._form.numbers[word] = number
        else:
            self._table_structure(word)

    def _table_structure(self, word: str) -> None:
        if word == "intbl":
            self._in_table = True
        elif word == "trowd":
            self._table.layout, self._merges = [], ""
        elif word in ("clmrg", "clvmrg"):
            self._merges = word
        elif word == "cellx":
            self._table.layout.append(self._merges)
            self._merges = ""
        elif word == "cell":
            self._in_table = True
            self._table.row.append(self._html())
            self._paragraph = []
        elif word == "row":
            self._end_row()

    def _unicode(self, number: int) -> None:
        character = chr(number % 0x10000)
        if "\uf000" <= character <= "\uf0ff":
            self._add_in_font(character)
        else:
            self._add(character)
        self._n_skipped = self._state.n_fallback

    def _byte(self, byte: int) -> None:
        if self._n_skipped:
            self._n_skipped -= 1
        else:
            self._bytes.append(byte)

    def _flush_bytes(self) -> None:
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            if self._state.code_page in (rtf_words.SYMBOL, rtf_words.PICTURES):
                self._add_in_font(data.decode("latin-1"))
                return
            try:
                text = data.decode(self._state.code_page or self._code_page, "replace")
            except LookupError:
                text = data.decode("cp1252", "replace")
            self._add(text)

    def _text(self, text: str) -> None:
        n, self._n_skipped = self._n_skipped, max(0, self._n_skipped - len(text))
        text = text[n:]
        if self._state.kind == "styles":
            if match := re.match(r"heading (\d)", text, re.I):
                self._headings[self._style] = int(match[1])
        elif self._state.kind == "entry":
            self._form.entries.append(text)
        elif self._state.kind == "fonts":
            if is_monospace(text):
                self._code_fonts.add(self._font)
            is_symbol = re.match(r"symbol(?:mt)?\b", text, re.I)
            if is_symbol and self._fonts.get(self._font) == rtf_words.PICTURES:
                self._fonts[self._font] = rtf_words.SYMBOL
        elif text:
            self._add_in_font(text)

    def _add_in_font(self, text: str) -> None:
        """Add characters that may be signs of their font."""
        if self._state.code_page == rtf_words.SYMBOL:
            self._add(symbol_fonts.symbol(text))
        elif self._state.code_page == rtf_words.PICTURES:
            signs = symbol_fonts.private(text).translate(symbol_fonts.BULLETS)
            for character, sign in zip(text, signs, strict=True):
                if "\uf000" <= sign <= "\uf0ff":
                    self._add(character, symbol_fonts.UNKNOWN_SIGN)
                else:
                    self._add(sign)
        else:
            self._add(text)

    def _add(self, text: str, reason: str = "") -> None:
        if self._state.kind not in rtf_words.WITHOUT_TEXT:
            is_listed = bool(reason) and not self._state.reason
            state = replace(self._state, reason=reason) if is_listed else self._state
            self._paragraph.append((text, state))

    def _html(self) -> str:
        """Return the paragraph so far as HTML, with marks for what is left out."""
        html = []
        for (script, reason, is_struck), group in groupby(self._paragraph, _look):
            text = "".join(text for text, _ in group)
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            if reason:
                html.append(self.left_out.add(whole, reason))
                continue
            line = escape(whole).replace("\n", "<br/>")
            if whole.strip():
                line = element("s", line) if is_struck else line
                line = element(script, line) if script else line
            html.append(line)
        return "".join(html)

    def _end_paragraph(self) -> None:
        if self._state.kind != "text" or self._in_table:
            self._add("\n")
            return
        is_code = all(state.is_code for text, state in self._paragraph if text.strip())
        html, self._paragraph = self._html(), []
        if html.strip():
            self._end_table()
            level = self._headings.get(self._style, self._level + 1)
            name = f"h{level}" if 1 <= level <= 6 else "pre" if is_code else "p"
            self._blocks.append(element(name, html))

    def _end_row(self) -> None:
        """Keep a row; repeat in merged cells what they are merged with."""
        table, row = self._table, self._table.row
        above = table.rows[-1] if table.rows else []
        for i, merges in enumerate(table.layout[: len(row)]):
            if merges == "clmrg" and i and not row[i].strip():
                row[i] = row[i - 1]
            elif merges == "clvmrg" and i < len(above) and not row[i].strip():
                row[i] = above[i]
        if row:
            table.rows.append(row)
        table.row, self._in_table = [], False

    def _end_table(self) -> None:
        rows, self._table.rows = self._table.rows, []
        if self._table.row:
            rows.append(self._table.row)
            self._table.row = []
        lines = ("".join(element("td", cell) for cell in row) for row in rows)
        if rows:
            self._blocks.append(table_of(lines))
