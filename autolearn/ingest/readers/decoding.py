"""Decide how the bytes of a text file are decoded."""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.reading import EncodingCandidate
from autolearn.ingest.readers import encodings
from autolearn.ingest.readers.encodings import SAMPLE, label
from autolearn.ingest.readers.pieces import Piece, Source

BLOCK = 2**20
"""Characters that are read at once."""
MOST_BROKEN = 0.05
"""Highest share of non-ASCII characters that may be invalid in a UTF-8 file."""
MOST_CONTROLS = 0.01
N_EXCERPTS, AROUND = 3, 30
"""Excerpts of a preview, and the characters on each side of its special character."""

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose BOM is its prefix
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARATION = re.compile(
    rb"""(?:coding[:=][ \t]*|encoding=["']|charset=["']?)([-\w.]+)""", re.IGNORECASE
)
"""How Python, Emacs, Vim, XML and HTML declare an encoding."""
_DECLARATION_BYTES = 1024
"""Bytes at the beginning of a file in which an encoding may be declared."""
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""Encodings that are declared, and those that browsers read instead: these have further
characters (WHATWG Encoding Standard)."""
_BEYOND = re.compile(r"[^\x00-\x7f]")
_BAD_BYTES = re.compile("[\udc80-\udcff]")
_UTF_8_WORD = re.compile(
    "[^\\s\udc80-\udcff]*[^\\x00-\x7f\udc80-\udcff][^\\s\udc80-\udcff]*"
)
"""A word with characters beyond ASCII that are valid UTF-8."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ESCAPE = re.compile(r"\x1b\$|~\{|\+[A-Za-z0-9+/]")
"""How ISO-2022, HZ and UTF-7 begin characters beyond ASCII."""
NO_TEXT = "is not text, although its name says so; save its text as .txt."
_UNKNOWN_ENCODING = "is in an encoding that cannot be recognised; save it as UTF-8."


@dataclass(frozen=True)
class Decoding:
    """How to decode the bytes of a file."""

    encoding: str
    errors: str = "strict"
    note: str = ""
    candidates: tuple[EncodingCandidate, ...] = ()
    """The likeliest first; empty if there is no doubt."""

    def source(self, pieces: Iterator[Piece]) -> Source:
        """Return the source of a file that is decoded so."""
        return Source(
            pieces, self.note, encoding=self.encoding, encodings=self.candidates
        )


@dataclass
class _Survey:
    """Counts of the characters of a file that is taken for UTF-8."""

    n_broken: int = 0
    n_beyond: int = 0
    """Characters beyond ASCII, those that are not UTF-8 among them."""
    n_controls: int = 0
    n_characters: int = 0
    has_escapes: bool = False
    sample: bytes = b""
    """Lines that are not UTF-8."""

    def add(self, text: str) -> None:
        """Count a block."""
        n_broken = len(_BAD_BYTES.findall(text))
        self.n_broken += n_broken
        self.n_controls += len(_CONTROLS.findall(text))
        self.n_beyond += len(_BEYOND.findall(text))
        self.n_characters += len(text)
        self.has_escapes = self.has_escapes or _ESCAPE.search(text) is not None
        if n_broken and len(self.sample) < SAMPLE:
            self.sample += _broken_lines(text)[: SAMPLE - len(self.sample)]

    @property
    def is_binary(self) -> bool:
        """Return whether there are more control characters than in a text."""
        return self.n_controls > MOST_CONTROLS * self.n_characters


@contextmanager
def open_text(
    path: Path, decoding: Decoding, *, newline: str | None = None
) -> Iterator[tuple[TextIOWrapper, BufferedReader]]:
    """Open a file as text; its bytes tell how far it has been read.

    Raises:
        InputError: Some bytes are not of the encoding, or not text.
    """
    try:
        with (
            path.open("rb") as binary,
            TextIOWrapper(
                binary, decoding.encoding, decoding.errors, newline=newline
            ) as file,
        ):
            yield file, binary
    except UnicodeError:
        raise InputError(
            f"is not in {label(decoding.encoding)}; choose another encoding, or save "
            "it as UTF-8."
        ) from None


def recognise(path: Path, choice: str) -> Decoding:
    """Return the encoding of a text file.

    A byte order mark decides, then an encoding that fits and is declared in the file,
    then UTF-8 if at most a few bytes are invalid; these are replaced and counted.
    Otherwise it is the likeliest encoding that the whole file can be decoded with. The
    choice of the user, unless it is empty, takes precedence over all of these.

    Raises:
        InputError: The file is binary, no encoding fits, or there is none of the chosen
            name.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    bom = next((e for mark, e in _BOMS.items() if head.startswith(mark)), "")
    if choice:
        return _by_choice(path, head, choice, bom)
    if bom:
        return Decoding(bom)
    return _wide(path, head) or _narrow(path, head)


def _wide(path: Path, head: bytes) -> Decoding | None:
    """Return the encoding of a file in UTF-16 or UTF-32; None if it is in another."""
    has_zeros = b"\0" in head
    if not has_zeros and encodings.text_in(head, "utf-8") is not None:
        return None
    ranking = encodings.rank(head)
    if has_zeros and not ranking:
        ranking = encodings.rank_utf_16(head)
    is_wide = bool(ranking) and ranking[0][0].startswith(("utf-16", "utf-32"))
    return _best_guess(path, ranking, head) if has_zeros or is_wide else None


def _narrow(path: Path, head: bytes) -> Decoding:
    """Return the encoding of a file whose ASCII characters take one byte each."""
    survey = _survey(path)
    is_utf_8 = not survey.n_broken
    escapes = encodings.rank_escapes(head) if is_utf_8 and survey.has_escapes else []
    if is_utf_8 and not escapes:
        return Decoding("utf-8")
    if (declaration := _declaration(head)) and _fits(path, declaration):
        return Decoding(declaration)
    if is_utf_8:
        return _best_guess(path, escapes, head)
    ranking = encodings.rank(survey.sample)
    is_mixed = survey.n_broken < survey.n_beyond - survey.n_broken
    if is_mixed and (two := _two_encodings(survey.sample, survey.n_broken)):
        return two
    if survey.n_broken <= MOST_BROKEN * survey.n_beyond:
        n = survey.n_broken
        signs = "byte is" if n == 1 else "bytes are"
        note = f"{n} {signs} not UTF-8 and replaced by \ufffd"
        candidates = _candidates(
            survey.sample, ("utf-8", *encodings.most_likely(ranking))
        )
        return Decoding("utf-8", "replace", note, candidates)
    return _best_guess(path, ranking, survey.sample)


def _two_encodings(sample: bytes, n: int) -> Decoding | None:
    """Return how to decode UTF-8 with ``n`` bytes in another encoding, if any fits.

    Text in another encoding hardly ever has characters that are valid UTF-8.
    """
    text = sample.decode("utf-8", "surrogateescape")
    other = _UTF_8_WORD.sub("", text)
    sample = other.encode("utf-8", "surrogateescape")
    ranking = encodings.rank(sample)
    second = encodings.first_single_byte(ranking)
    if not second:
        return None

    def decode(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        return error.object[error.start : error.end].decode(
            second, "replace"
        ), error.end

    errors = f"utf-8-or-{second}"
    codecs.register_error(errors, decode)
    signs = "byte is not UTF-8 and was" if n == 1 else "bytes are not UTF-8 and were"
    note = f"{n} {signs} read as {label(second)}: “{preview(sample, second)}”"
    candidates = _candidates(sample, ("utf-8", *encodings.most_likely(ranking)))
    return Decoding("utf-8", errors, note, candidates)


def _by_choice(path: Path, head: bytes, choice: str, bom: str) -> Decoding:
    codec = _codec(choice)
    if not codec:
        raise InputError(
            f"cannot be read as {choice!r}, which is not an encoding; name one such as "
            "cp1252, koi8-r or utf-8."
        )
    name = next((n for n in encodings.LABELS if codecs.lookup(n).name == codec), codec)
    sample = head if bom or b"\0" in head else _survey(path).sample or head
    ranking = [] if bom else encodings.rank(sample)
    names = dict.fromkeys([*encodings.most_likely(ranking), name])
    note = "" if _fits(path, name) else f"some bytes are not in {label(name)}"
    errors = "replace" if note else "strict"
    return Decoding(name, errors, note, _candidates(sample, tuple(names)))


def _best_guess(
    path: Path, ranking: list[tuple[str, float]], sample: bytes
) -> Decoding:
    names = encodings.most_likely(ranking)
    candidates = _candidates(sample, names)
    for candidate in candidates:
        if _fits(path, candidate.name):
            note = f"was read as {label(candidate.name)}: “{candidate.preview}”"
            return Decoding(candidate.name, "strict", note, candidates)
    if not candidates or b"\0" in sample:
        raise InputError(NO_TEXT if b"\0" in sample else _UNKNOWN_ENCODING)
    first = candidates[0]
    note = f"was read as {label(first.name)}, but some of its bytes are not: "
    return Decoding(first.name, "replace", f"{note}“{first.preview}”", candidates)


def _declaration(head: bytes) -> str:
    match = _DECLARATION.search(head[:_DECLARATION_BYTES])
    return declared(match[1].decode("ascii")) if match else ""


def declared(name: str) -> str:
    """Return the encoding that programs mean by a name; empty if there is none."""
    codec = _codec(name)
    return _MEANT.get(codec, codec)


def _codec(name: str) -> str:
    """Return Python's name of an encoding of text; empty if there is none."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)  # fails for what is not an encoding of text, such as hex
    except (LookupError, ValueError):
        return ""
    return codec


def _fits(path: Path, encoding: str) -> bool:
    """Return whether a whole file can be decoded to text."""
    try:
        with path.open("rb") as binary, TextIOWrapper(binary, encoding) as file:
            while text := file.read(BLOCK):
                if "\0" in text:
                    return False
    except (UnicodeError, LookupError):
        return False
    return True


def _candidates(sample: bytes, names: tuple[str, ...]) -> tuple[EncodingCandidate, ...]:
    return tuple(EncodingCandidate(name, preview(sample, name)) for name in names)


def preview(sample: bytes, encoding: str) -> str:
    """Return excerpts of bytes in an encoding, around special characters."""
    text = sample.decode(encoding, errors="replace")
    if text.isascii():
        return " ".join(text[: 2 * AROUND].split())
    excerpts: list[str] = []
    end = 0
    for match in _BEYOND.finditer(text):
        if match.start() < end:
            continue
        start = max(end, match.start() - AROUND)
        start = text.rfind("\n", start, match.start()) + 1 or start
        stop = text.find("\n", match.start(), match.start() + AROUND)
        joint = "" if start == end else " … "
        end = match.start() + AROUND if stop < 0 else stop
        excerpts.append((joint if excerpts else "") + text[start:end])
        if len(excerpts) == N_EXCERPTS:
            break
    return " ".join("".join(excerpts).split())


def _survey(path: Path) -> _Survey:
    """Read a whole file as UTF-8.

    Raises:
        InputError: It is binary.
    """
    survey = _Survey()
    with path.open("rb") as binary:
        decoder = TextIOWrapper(binary, "utf-8", errors="surrogateescape", newline="\n")
        with decoder as file:
            while text := file.read(BLOCK):
                if "\0" in text:
                    raise InputError(NO_TEXT)
                survey.add(text)
    if survey.is_binary:
        raise InputError(NO_TEXT)
    return survey


def _broken_lines(text: str) -> bytes:
    lines = [line for line in text.split("\n") if _BAD_BYTES.search(line)]
    return "\n".join(lines).encode("utf-8", errors="surrogateescape")
