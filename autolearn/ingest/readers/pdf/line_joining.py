"""Decide what is between words, above all at the end of a line."""

import re
from collections.abc import Collection

from autolearn.core import scripts

NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3000-\u30ff"
    "\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]"
)
"""Characters of scripts that put no spaces between words: Chinese, Japanese, Thai, Lao,
Khmer, Burmese, Tibetan."""
IDEOGRAPH = re.compile(
    "[\u2e80-\u2fff\u3000-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Those of Chinese and Japanese, which have no spaces between phrases either."""
HANGUL = re.compile(f"[{scripts.HANGUL}]")
"""Korean has spaces, but its lines may end within a word."""
HYPHENS = "-\u2010\u00ad"
LONGEST = 80
"""Characters of a compound at the end of a line."""
_SOFT = "\u00ad"
_HYPHENATION = re.compile(r"([^\W_]+(?:[-\u2010][^\W_]+)*)[-\u2010]$")
"""A word at the end of a line, and its hyphen."""
_HEAD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_FIRST_PARTS = """
self well ill non ex post pre anti all half quasi semi pseudo cross multi high low
long short full open closed left right north south east west one two three four five
six seven eight nine ten twenty thirty forty fifty sixty seventy eighty ninety mixed
hard soft hand large small fine real state old new mid co
"""
_LAST_PARTS = """
optimized optimised aware intensive ready mode based free like oriented related driven
specific wide level term time scale year old up off in out making known century
dependent independent style type shaped sized powered led fold friendly rich poor day
week month hour class quality order art law war
"""
_WITHIN = "the of and in to a an at by for on or up as de la le du und"
"""Words within a compound, as in "state-of-the-art"."""
_SOLID = """
some any every no with out under over there where fore more ever how what in on up
down off back work by self for to be side ward wards wise man men thing body one
"""
"""Words that mostly grow together with another word."""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; compounds also in parts."""
    if text.isascii():
        all_words = _WORD.findall(text.lower())
    else:
        all_words = [x.lower().replace("\u2010", "-") for x in _WORD.findall(text)]
    if "-" not in text and "\u2010" not in text:
        return all_words
    return all_words + [
        part for word in all_words if "-" in word for part in word.split("-")
    ]


def joint(
    before: str,
    after: str,
    vocabulary: Collection[str],
    *,
    is_spaced: bool | None = None,
) -> tuple[bool, str]:
    """Return how the end of a line and the next line are joined.

    Args:
        before: The text of the line, and maybe of lines before it.
        after: The text of the next line.
        vocabulary: Words of the document in lower case.
        is_spaced: Whether a space divides two lines of Korean; None if unknown.

    Returns:
        Whether the last character is the hyphen of a divided word, which is left out,
        and the white space between the two.
    """
    if before.endswith(_SOFT):
        return True, ""
    if before.endswith(("-", "\u2010")) and (
        hyphenation := _HYPHENATION.search(before[-LONGEST:])
    ):
        return _is_divided(hyphenation[1], after, vocabulary), ""
    if before.endswith(("\u2014", "/", "@")) or after.startswith("\u2014"):
        return False, ""
    if before.endswith("\u2013") and before[-2:-1].isalnum():  # as in 2019\u20132020
        return False, ""
    is_unspaced = bool(NO_SPACES.match(before[-1:]) or NO_SPACES.match(after))
    if HANGUL.match(before[-1:]) and HANGUL.match(after):
        is_word = (before.split()[-1] + after.split()[0]) in vocabulary
        is_unspaced = is_word if is_spaced is None else not is_spaced
    return False, "" if is_unspaced else " "


def _is_divided(stem: str, after: str, vocabulary: Collection[str]) -> bool:
    """Return whether a hyphen at the end of a line only divides a word."""
    match = _HEAD.match(after)
    first = re.split("[-\u2010]", stem)[-1]
    if not match or len(first) == 1 or first[-1].isdigit():
        return False
    head = match[0]
    if not head.islower():
        is_capital = head.isupper() and first.isupper() and len(head) > 1
        return is_capital and first not in vocabulary
    first, head = first.lower(), head.lower()
    if first + head in vocabulary:
        return True
    if head in _WITHIN.split() and after[len(head) : len(head) + 1] in ("-", "\u2010"):
        return False
    if f"{first}-{head}" in vocabulary:
        return False
    if first != stem.lower() and (first in vocabulary or first in _WITHIN.split()):
        return False
    return not _is_compound(first, head, vocabulary)


def _is_compound(first: str, head: str, vocabulary: Collection[str]) -> bool:
    """Return whether two parts rather make a compound with a hyphen than one word."""
    if first in _FIRST_PARTS.split() or head in _LAST_PARTS.split():
        return len(head) > 2
    if {first, head} & set(_SOLID.split()) or min(len(first), len(head)) < 4:
        return False
    return first in vocabulary and head in vocabulary
