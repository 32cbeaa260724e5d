"""Dots that end no sentence: those of abbreviations, initials and ordinal numbers."""

import re

_ABBREVIATION = re.compile(
    r"\b(?:Mrs?|Ms|Dr|Prof|St|Sr|Jr|Bros|Inc|Ltd|Corp|Co|vs|cf|al|Figs?|Eqs?|Vol|pp?|eds?|approx|lit|transl|No|ca"
    r"|Gen|Col|Lt|Sgt|Capt|Gov|Sen|Rev|Mt|Ft|Nr|Str|bzw|Abb|Bd|Hrn?|Frl|MM|Mgr|apr"
    r"|av|Sra|Srta|Dra|Uds?|EE|núm|pág|e\.g|i\.e|[A-Z])\.$"
)
_SHORT_WORD = re.compile(r"(?<![^\W_])(?:\d{1,4}|[^\W\d_]{1,3}|[IVXLC]+)\.$")
"""A number, or a word that is short enough for an abbreviation ("bzw.", "p.m.")."""
_LETTER = re.compile(r"\b[a-z\u0430-\u044f]\.$")
_NEXT_IS_SHORT = re.compile(r"[^\W\d_]{1,3}\.")
"""What follows the first letter of "z. B.", "v. Chr." and "d. C."."""
_DAY_OR_ORDINAL = re.compile(r"(?<![\w.,])\d{1,2}\.$")
_AFTER_ARTICLE = re.compile(
    r"\b(?:im|vom|zum|zur|beim|der|die|das|des|dem|den)\s+\d{1,2}\.$", re.IGNORECASE
)
_GERMAN_NOUN = re.compile(
    r"(?:J[aä]n(?:uar|ner)?|Feb(?:ruar|er)?|März|Apr(?:il)?|Mai|Jun[io]?|Juli?|Aug(?:ust)?"
    r"|Sep(?:t(?:ember)?)?|Okt(?:ober)?|Nov(?:ember)?|Dez(?:ember)?|Jahrhunderts?|Jh)\b"
)
"""What has a number before it in German, where nouns have capitals."""
_BEFORE_NUMBER = re.compile(
    r"\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|O[ck]t|Nov|De[cz]|\w*str)\.$"
)
"""Months and streets ("Hauptstr. 5")."""
_LOOK_BACK = 16
"""Characters before a dot that are needed to classify it."""


def is_within_sentence(text: str, dot: int, following: int) -> bool:
    """Return whether a sentence continues after a dot.

    ``dot`` and ``following`` are the places of the dot and of what follows it after
    white space. No sentence begins with a small letter, unless a text has no capitals:
    there only numbers and short words are taken for abbreviations.
    """
    begin, end = max(0, dot - _LOOK_BACK), dot + 1
    first = text[following : following + 1]
    if _ABBREVIATION.search(text, begin, end):
        return True
    if first.islower():
        return _SHORT_WORD.search(text, begin, end) is not None
    if first.isdigit():
        return _BEFORE_NUMBER.search(text, begin, end) is not None
    if _LETTER.search(text, begin, end):
        return _NEXT_IS_SHORT.match(text, following) is not None
    if not _DAY_OR_ORDINAL.search(text, begin, end):
        return False
    has_article = first.isupper() and _AFTER_ARTICLE.search(text, begin, end)
    return bool(has_article or _GERMAN_NOUN.match(text, following))
