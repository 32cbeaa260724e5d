"""Decide whether a line of Korean ends within a word.

Korean has spaces between words, but many programs end a line after any syllable, and
most files do not have the space at the end of a line. Particles never begin a word: a
document with lines that begin with one divides words. There the words of the document
and the forms of particles decide.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping

LEAST_LINES, LEAST_SHARE = 2, 0.03
"""Lines that begin with a particle, and their share of the lines that begin with a
syllable, from which a document divides words."""
_PARTICLES = """
은 는 을 를 의 에 에서 에게 에는 에서는 에도 에서의 으로 으로는 으로서
로서 까지 부터 와의 과의
"""
"""What follows a noun without a space and begins no word."""
_ENDINGS = """
다 며 고 도 와 과 로 적 적인 적으로 들 들이 들은 들을 들의 들에게 라는
라고 이며 이고 이다 이라는 였다 였으며 였고 었다 었으며 었고 했다 했으며
했고 하였다 하였으며 하였고 되었다 되었으며 되었고 된다 한다 하는 되는
하며 하고 하여 되어 되며 되고 습니다 입니다 됩니다 합니다 였습니다
었습니다 지만 으며 면 으면 어야 아야 려고 도록 기에 음을 함을 됨을 임을
"""
"""What mostly follows a stem without a space."""
_LAST = frozenset("을를은는의에와과")
"""Particles that end a word."""
_PARTICLE_SET = frozenset(_PARTICLES.split())
_ENDING_SET = frozenset(_ENDINGS.split())
_SENTENCE_END = re.compile(r"다[.?!]")
"""The last syllable of a sentence, which is no word."""
_SYLLABLES = re.compile(r"[\uac00-\ud7a3]+")


def begins_with_particle(text: str) -> bool:
    """Return whether a text begins with a particle or the end of a sentence."""
    is_end = _SENTENCE_END.match(text) is not None
    return is_end or _first_syllables(text) in _PARTICLE_SET


def divides_words(lines: Mapping[bool, int]) -> bool:
    """Return whether a document ends lines within words.

    Args:
        lines: The numbers of lines that begin with a particle, and of the other ones.
    """
    n = lines[True] + lines[False]
    return lines[True] >= max(LEAST_LINES, LEAST_SHARE * n)


class KoreanWords:
    """The words of a document that divides words at the ends of lines."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        words = [word for word in vocabulary if _SYLLABLES.fullmatch(word)]
        self._words = frozenset(words)
        self._from_start = sorted(words)
        self._from_end = sorted(word[::-1] for word in words)

    def are_one(self, before: str, after: str) -> bool:
        """Return whether the end of a line and the next line share a word.

        Args:
            before: The text of a line that ends with a syllable.
            after: The text of the next line, which begins with a syllable.
        """
        tail, head = _last_syllables(before), _first_syllables(after)
        if tail + head in self._words or begins_with_particle(after):
            return True
        if tail in self._words and head in self._words:
            return False
        if head in _ENDING_SET or self._begins(tail, head) or self._ends(tail, head):
            return True
        is_ended = len(tail) > 1 and tail[-1] in _LAST
        return not (is_ended or head in self._words)

    def _begins(self, tail: str, head: str) -> bool:
        """Return whether a word begins with both parts, two syllables at least."""
        n = 1 if len(tail) > 1 else 2
        return len(head) >= n and _has_prefix(self._from_start, tail + head[:n])

    def _ends(self, tail: str, head: str) -> bool:
        """Return whether a word ends with both parts."""
        n = 1 if len(head) > 1 else 2
        both = (tail[-n:] + head)[::-1]
        return len(tail) >= n and _has_prefix(self._from_end, both)


def _last_syllables(text: str) -> str:
    return _first_syllables(text[::-1])[::-1]


def _first_syllables(text: str) -> str:
    match = _SYLLABLES.match(text)
    return match[0] if match else ""


def _has_prefix(words: list[str], prefix: str) -> bool:
    i = bisect_left(words, prefix)
    return i < len(words) and words[i].startswith(prefix)
