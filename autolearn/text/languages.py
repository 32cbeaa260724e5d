"""Tell in which of the languages of the worked examples a text is written."""

import re
import unicodedata
from collections import Counter

_COMMON = {
    "en": "the of and to in is was for on that with as by at it from are his an this",
    "de": "der die das und in den von zu mit ist im des dem ein nicht für war was an",
    "fr": "le la les de des et en un une du est dans que pour qui par sur au ne pas il",
    "es": "el la los las de y en que un una es por con se del al para su como fue más",
}
"""The commonest words of each: they hardly overlap, and every sentence has some."""
_OTHERS = {
    "pt": "de que os em uma da dos na nas ao aos seu sua foi não pelo pela são é com",
    "it": "di che un la in è per non della dei delle degli nel nella sono fu da più ha",
    "nl": "de en in was het een dat op niet bij ook maar wordt werd naar voor deze",
    "ro": "de la un în și şi cu pe din că nu fost prin după sunt pentru sau ca",
}
"""Likewise of languages that have no worked examples but share words with those above.
Words of only one of the languages above are left out, so that they still tell it."""
_ALL = _COMMON | _OTHERS
_WORDS = {
    word: [name for name, words in _ALL.items() if word in words.split()]
    for words in _ALL.values()
    for word in words.split()
}
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = "a-zA-Z\u00c0-\u024f"
_ONE_SCRIPT = re.compile(rf"[{_LATIN}]+|[^\W\d_{_LATIN}]+")
"""A word, or the Latin or the other part of one: 总部 and NATO in "NATO总部"."""
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}
"""Scripts that are written together with Chinese characters."""
_BEGINNING = 1000
"""Characters that decide which script a text is in."""
LEAST = 0.08
"""Share of common words below which a text is in none of these languages."""


def of(text: str) -> str | None:
    """Return ``en``, ``de``, ``fr``, ``es`` or ``zh``; None: another, or no prose."""
    words = [word.lower() for word in _WORD.findall(text)]
    n_han = len(_HAN.findall(text))
    if n_han > len(text) / 4 and not _KANA_OR_HANGUL.search(text):
        return "zh"
    counts = Counter(name for word in words for name in _WORDS.get(word, ()))
    if not counts:
        return None
    (best, n), *others = counts.most_common(2)
    is_clear = best in _COMMON and (not others or n > others[0][1])
    return best if is_clear and n >= LEAST * len(words) else None


def differs(text: str, source: str) -> bool:
    """Return whether a text about a source is in another language or script.

    Only words that the source lacks count: a question may quote a foreign title.
    """
    of_source = {word.lower() for word in _ONE_SCRIPT.findall(source)}
    own = " ".join(w for w in _ONE_SCRIPT.findall(text) if w.lower() not in of_source)
    language = "zh" if of(text) == "zh" else of(own)
    pairs = ((language, of(source)), (_script(own), _script(source)))
    return any(None not in pair and len(set(pair)) == 2 for pair in pairs)


def _script(text: str) -> str | None:
    """Return the script of most letters of the beginning of a text, if it has any."""
    letters = filter(str.isalpha, text[:_BEGINNING])
    scripts = (unicodedata.name(sign, "").partition(" ")[0] for sign in letters)
    counts = Counter(_JAPANESE.get(script, script) for script in scripts)
    return counts.most_common(1)[0][0] if counts else None
