"""Rank the encodings that bytes may be in by how likely the decoded text is.

chardet compares byte pairs with those of many languages. In a short text that says
little, so the decoded letters are compared as well: scripts that change within a word,
capitals after small letters and symbols between letters show a wrong encoding.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache

import chardet

MOST = 6
"""Encodings that are offered at most."""
SAMPLE = 2**16
"""Bytes that an encoding must fit."""
LOOKED_AT = 2**13
"""Characters whose letters are compared."""
LABELS = {
    "cp1252": "Windows-1252, Western European",
    "cp1250": "Windows-1250, Central European",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp1254": "Windows-1254, Turkish",
    "cp1255": "Windows-1255, Hebrew",
    "cp1256": "Windows-1256, Arabic",
    "cp1257": "Windows-1257, Baltic",
    "cp1258": "Windows-1258, Vietnamese",
    "cp874": "Windows-874, Thai",
    "iso8859-2": "ISO-8859-2, Central European",
    "iso8859-5": "ISO-8859-5, Cyrillic",
    "iso8859-6": "ISO-8859-6, Arabic",
    "iso8859-7": "ISO-8859-7, Greek",
    "iso8859-8": "ISO-8859-8, Hebrew",
    "iso8859-9": "ISO-8859-9, Turkish",
    "iso8859-13": "ISO-8859-13, Baltic",
    "iso8859-15": "ISO-8859-15, Western European",
    "iso8859-16": "ISO-8859-16, Romanian",
    "koi8-r": "KOI8-R, Russian",
    "koi8-u": "KOI8-U, Ukrainian",
    "mac-roman": "Mac Roman, Western European",
    "mac-latin2": "Mac Central European",
    "mac-cyrillic": "Mac Cyrillic",
    "mac-greek": "Mac Greek",
    "mac-turkish": "Mac Turkish",
    "cp437": "DOS 437, Western European",
    "cp850": "DOS 850, Western European",
    "cp852": "DOS 852, Central European",
    "cp866": "DOS 866, Cyrillic",
    "cp932": "Shift-JIS, Japanese",
    "euc_jis_2004": "EUC-JP, Japanese",
    "cp949": "EUC-KR, Korean",
    "gb18030": "GB18030, Simplified Chinese",
    "big5hkscs": "Big5, Traditional Chinese",
    "iso2022_jp_2": "ISO-2022-JP, Japanese",
    "iso2022_kr": "ISO-2022-KR, Korean",
    "hz": "HZ, Simplified Chinese",
    "utf-8": "UTF-8",
    "utf-7": "UTF-7",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "utf-32-le": "UTF-32, little-endian",
    "utf-32-be": "UTF-32, big-endian",
}
"""The names of the encodings on the page."""
_PRIORS = {
    "cp1252": 1.0,
    "cp1250": 0.3,
    "cp1251": 0.5,
    "cp1253": 0.3,
    "cp1254": 0.6,
    "cp1255": 0.3,
    "cp1256": 0.3,
    "cp1257": 0.5,
    "cp1258": 0.0,
    "cp874": 0.3,
    "iso8859-2": 0.0,
    "iso8859-5": -0.5,
    "iso8859-7": 0.0,
    "iso8859-6": -0.3,
    "iso8859-8": -0.3,
    "iso8859-9": -0.3,
    "iso8859-13": -0.5,
    "iso8859-15": 0.5,
    "iso8859-16": -1.0,
    "koi8-r": 0.3,
    "koi8-u": 0.2,
    "mac-roman": 0.2,
    "mac-latin2": -1.5,
    "mac-cyrillic": -0.2,
    "mac-greek": -1.5,
    "mac-turkish": -2.0,
    "cp437": -1.0,
    "cp850": -0.5,
    "cp852": -1.0,
    "cp866": -0.3,
    "cp932": 0.5,
    "euc_jis_2004": 0.5,
    "cp949": 0.5,
    "gb18030": 0.6,
    "big5hkscs": 0.4,
}
"""Encodings of text files that people have, with how much likelier each is than others
(natural logarithm). Mainframe encodings, and subsets of these, are not among them."""
_SELF_EVIDENT = (
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
    "iso2022_jp_2",
    "iso2022_kr",
)
"""Encodings whose byte patterns no other has."""
_EVIDENT, _SURE = 5.0, 0.5
"""How much likelier such an encoding is, once chardet has this confidence in it."""
_CANDIDATES = (*_PRIORS, *_SELF_EVIDENT)

_ESCAPING = ("iso2022_jp_2", "iso2022_jp_ext", "iso2022_jp_2004", "iso2022_kr")
"""Encodings that begin other characters with the control character ESC."""
_PRINTABLE = ("hz", "utf-7")
"""Encodings that begin them with ``~{`` or ``+``, which may mean themselves."""
_PLAIN = ("ascii", "utf-8", "cp1252")

_MIXED_SCRIPTS, _CAPITAL, _WITHIN, _DASH = 3.0, 2.0, 2.0, 0.7
_ODD, _LONE, _FOREIGN = 1.5, 2.5, 2.0
"""How much less likely a text is by each word of mixed scripts, capital, symbol or dash
within a word, odd character, letter that is not a word, and letter that the language of
the others does not have."""
_WORD = re.compile(r"[^\W\d_]+")
_WITHIN_WORD = re.compile(r"(?<=[^\W\d_])[^\w\s](?=[^\W\d_])")
_JOINS = "’‘\u2010\u2011·\u00ad"  # noqa: RUF001
_USUAL_SYMBOLS = "’‘“”„‚«»‹›–—…•·°€£©®™§±×÷½¼¾²³µ¿¡№†\u00a0\u00ad"  # noqa: RUF001
_POWER = re.compile("[^\\W\\d_mMсмкмk][²³¹]")  # noqa: RUF001
_MARKS = re.compile(
    "(?<=[\u0590-\u06ff\u0e00-\u0e7f])[\u0591-\u05c7\u064b-\u065f\u0670\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e]+"
)
"""Vowels and tones above or below a letter of Hebrew, Arabic or Thai."""
USUAL = 0.9
"""Share of ASCII and East Asian characters of text in UTF-16 without a mark."""
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_ONE_LETTER_WORDS = set("àáâèéêëìíòóôöùúåæøőαάηήοόωώыиявокусаѝєі")
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъьюя"
_ALPHABETS = tuple(
    map(
        frozenset,
        (
            "àâæçéèêëîïôœùûüÿ",  # French
            "äöüßéèà",  # German
            "áéíñóúüºª",  # Spanish
            "àáâãçéêíóôõúüºª",  # Portuguese
            "àèéìíîòóùú",  # Italian
            "áéëïóöüèê",  # Dutch
            "åäöéæøóšž",  # Danish, Finnish, Norwegian, Swedish
            "áæðéíóöþúý",  # Icelandic
            "ąćęłńóśźż",  # Polish
            "áčďéěíňóřšťúůýž",  # Czech
            "áäčďéíĺľňóôŕšťúýž",  # Slovak
            "áéíóöőúüű",  # Hungarian
            "ăâîșțşţ",  # Romanian
            "čćđšž",  # Croatian, Serbian, Slovene
            "çğıöşüâîûi̇",  # Turkish  # noqa: RUF001
            "äõöüšž",  # Estonian
            "āčēģīķļņšūž",  # Latvian
            "ąčęėįšųūž",  # Lithuanian
            "àçéèíïóòúü·",  # Catalan
            "âăđêôơưàảãáạèẻẽéẹìỉĩíịòỏõóọùủũúụỳỷỹýỵ",  # Vietnamese
            _CYRILLIC + "ыэё",  # Russian
            _CYRILLIC + "ґєії",  # Ukrainian
            _CYRILLIC + "ыэёіў",  # Belarusian
            _CYRILLIC + "ѝ",  # Bulgarian
            "абвгдђежзијклљмнњопрстћуфхцчџш",  # Serbian
            "абвгдѓежзѕијклљмнњопрстќуфхцчџш",  # Macedonian
            "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",  # Greek
        ),
    )
)
"""The small letters beyond ASCII of languages with alphabets."""
_ALPHABETIC = ("LATIN", "GREEK", "CYRILLIC")
_SCRIPTS = (
    "LATIN",
    "GREEK",
    "CYRILLIC",
    "HEBREW",
    "ARABIC",
    "THAI",
    "HANGUL",
)


def label(name: str) -> str:
    """Return the name of an encoding on the page."""
    return LABELS.get(name, name)


def rank(data: bytes) -> list[tuple[str, float]]:
    """Return the encodings that bytes may be in, the likeliest first.

    Args:
        data: Lines of the file that are not ASCII; the first ``SAMPLE`` bytes count.

    Returns:
        Python's name of each encoding that decodes all bytes to characters of text, and
        its likelihood (natural logarithm, without a common base). Encodings that give
        the same text as a likelier one are left out. Empty if none fits.
    """
    data = data[:SAMPLE]
    scores = []
    confidences = _confidences(data)
    best = math.log(max(confidences.values(), default=1.0))
    # A short text gives chardet little to compare, so it must not rule out any.
    least = best - 0.5 - sum(byte > 0x7F for byte in data) / 6
    for name, prior in (_PRIORS | dict.fromkeys(_SELF_EVIDENT, _EVIDENT)).items():
        confidence = confidences.get(name, 0.0)
        if name in _SELF_EVIDENT and confidence < _SURE:
            continue
        if (text := text_in(data, name)) is not None:
            text = text[:LOOKED_AT]
            likelihood = max(least, math.log(confidence)) if confidence else least
            if not _has_letters(text):
                likelihood = best - 0.5  # It compares letters, of which there are none.
            scores.append((likelihood + prior - oddness(text), name, text))
    scores.sort(reverse=True)
    by_text: dict[str, tuple[str, float]] = {}
    for score, name, text in scores:
        by_text.setdefault(text, (name, score))
    return list(by_text.values())


def rank_escapes(data: bytes) -> list[tuple[str, float]]:
    """Return the encoding of bytes in which ASCII stands for other characters, if any.

    chardet decides by the form of the escapes. UTF-8 is second where it may be wrong.
    """
    result = chardet.detect(
        data[:SAMPLE],
        compat_names=False,
        include_encodings=(*_ESCAPING, *_PRINTABLE, *_PLAIN),
    )
    name = str(result["encoding"])
    if name in _PRINTABLE:
        return [(name, 0.0), ("utf-8", -_EVIDENT)]
    return [(name, 0.0)] if name in _ESCAPING else []


def rank_utf_16(data: bytes) -> list[tuple[str, float]]:
    """Return the byte order of UTF-16 in which bytes are East Asian text, if any.

    chardet knows UTF-16 without a mark by its zeros, of which such text has few.
    """
    data = data[: SAMPLE - 2]
    ranking = []
    for name in ("utf-16-le", "utf-16-be"):
        text = text_in(data + b"\0" * (len(data) % 2), name) or ""
        n_usual = sum(c < "\x7f" or _is_cjk(c) or "가" <= c <= "힣" for c in text)
        if text and n_usual >= USUAL * len(text):
            ranking.append((name, math.log(n_usual / len(text))))
    return sorted(ranking, key=lambda pair: -pair[1])


def first_single_byte(ranking: list[tuple[str, float]]) -> str:
    """Return the likeliest encoding that has a byte for each character, if any."""
    return next(
        (
            name
            for name, _ in ranking
            if len(bytes(range(256)).decode(name, "replace")) == 256
        ),
        "",
    )


def most_likely(ranking: list[tuple[str, float]]) -> tuple[str, ...]:
    """Return the encodings among which a person may choose."""
    return tuple(name for name, _ in ranking[:MOST])


def text_in(data: bytes, encoding: str) -> str | None:
    """Return the text of bytes; None if they are not text in this encoding.

    A character may be cut off at the end of the bytes.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(data, final=len(data) < SAMPLE)
    except UnicodeError:
        return None
    return None if any(map(_is_no_text, set(text))) else text


def _is_no_text(character: str) -> bool:
    kind = unicodedata.category(character)
    is_control = kind == "Cc" and character not in "\t\n\r\f\v\x1b"
    return is_control or kind in ("Cn", "Co", "Cs")


def _confidences(data: bytes) -> dict[str, float]:
    """Return the confidence of chardet in each encoding, 0..1."""
    results = chardet.detect_all(
        data, ignore_threshold=True, compat_names=False, include_encodings=_CANDIDATES
    )
    confidences: dict[str, float] = {}
    for result in results:
        name = str(result["encoding"])
        confidences[name] = max(confidences.get(name, 0.0), result["confidence"], 1e-6)
    return confidences


def oddness(text: str) -> float:
    """Return how unlikely the letters of a text are, as a natural logarithm."""
    text = _MARKS.sub("", text)
    words = [word for word in _WORD.findall(text) if _has_letters(word)]
    symbols = [c for c in text if c > "\x7f" and not c.isalpha() and not _is_cjk(c)]
    per_script = Counter(script for word in words for script in _scripts(word))
    total = sum(_word_oddness(word, per_script) for word in words)
    total += _ODD * sum(1 for c in symbols if c not in _USUAL_SYMBOLS)
    total += _ODD * len(_POWER.findall(text))
    total += sum(_within_word(match[0]) for match in _WITHIN_WORD.finditer(text))
    total += _ODD * len(_HALF_WIDTH.findall(text))
    total += _FOREIGN * _n_foreign("".join(words).lower())
    return total / math.sqrt(max(1, len(words) + len(symbols)))


def _has_letters(text: str) -> bool:
    """Return whether a text has letters beyond ASCII."""
    return any(c > "\x7f" and c.isalpha() for c in text)


def _within_word(symbol: str) -> float:
    if symbol.isascii() or symbol in _JOINS:
        return 0.0
    return _DASH if symbol in "–—" else _WITHIN  # noqa: RUF001


def _n_foreign(letters: str) -> int:
    """Return how many letters are not of the alphabet that has the most of them."""
    counts = Counter(c for c in letters if c > "\x7f" and _script(c) in _ALPHABETIC)
    n_letters = max(sum(n for c, n in counts.items() if c in a) for a in _ALPHABETS)
    return counts.total() - n_letters


def _word_oddness(word: str, per_script: Counter[str]) -> float:
    scripts = _scripts(word)
    total = _MIXED_SCRIPTS * (len(scripts) - 1)
    if word[0].isascii() and word[-1].isascii() and any(map(_is_cjk, word)):
        total += _MIXED_SCRIPTS
    if _has_odd_capital(word):
        total += _CAPITAL
    if len(word) == 1 and word.lower() not in _ONE_LETTER_WORDS and not _is_cjk(word):
        total += _LONE
    if len(word) == 1 and scripts != {"LATIN"} and per_script[next(iter(scripts))] == 1:
        total += _LONE
    return total


def _has_odd_capital(word: str) -> bool:
    """Return whether a capital beyond ASCII is where words have small letters."""
    capitals = [c for c in word if c.isupper()]
    if len(capitals) > 1 and word != word.upper():
        return max(capitals) > "\x7f"
    return word[0].islower() and word[-1].isupper() and word[-1] > "\x7f"


def _scripts(word: str) -> set[str]:
    return {script for script in map(_script, word) if script != "OTHER"} or {"OTHER"}


@lru_cache(4096)
def _script(letter: str) -> str:
    """Return the script of a letter; modifiers and CJK are "OTHER"."""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return first if first in _SCRIPTS else "OTHER"


def _is_cjk(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
