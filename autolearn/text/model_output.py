"""Read what a model wrote: tagged text, tolerantly, never raising.

Small models do not write clean JSON, so nothing here asks for it. What cannot be
read comes back empty; the caller keeps the raw text and counts it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autolearn.core.records import Verdict
from autolearn.core.thoughts import without_thoughts
from autolearn.text import sentences

_LIST_MARK = re.compile(
    r"^\s*(?:[-*•](?!\d)|[(（]?\d{1,3}[.):．）：、](?!\d)"  # noqa: RUF001
    r"|Q\d*[.:]|Question\s*\d*:)\s*"
)
"""What precedes an entry of a list; not the sign of a number, nor a part of one."""
_QUOTED = re.compile(r"([\"'])(.*)\1", re.DOTALL)
_TAGS = ("evidence", "short answer", "answer", "feedback", "verdict", "question")
_TAG = re.compile(
    rf"^[ \t*_#]*(?:better )?({'|'.join(_TAGS)})[ \t*_]*[:：][ \t*_]*",  # noqa: RUF001
    re.IGNORECASE | re.MULTILINE,
)
_VERDICT_TAG = re.compile(r"\bverdict\b[ \t*_]*[:：]?", re.IGNORECASE)  # noqa: RUF001
_VERDICT_LINE = re.compile(
    r"^[ \t>*_#-]*verdict[ \t*_]*[:：]",  # noqa: RUF001
    re.IGNORECASE | re.MULTILINE,
)
_JUDGEMENT = re.compile(
    r"(?P<undecided>\b(?:whether|if|cannot|can't|unsure|unclear)\b)"
    r"|(?P<wrong>(?:\b(?:not|never|hardly|far from|partly|partially|half)|n't)"
    r"(?: \w+){0,2} (?:correct|right|true|accurate)\b)"
    r"|(?P<right>(?:\bnot|n't) (?:incorrect|wrong|false)\b"
    r"|\b(?:correct|right|true|accurate)\b)"
    r"|(?P<bad>\b(?:incorrect|wrong|false|untrue|inaccurate)\b)",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\b(?:in)?correct\W*(?:or|/|\||,)\W*(?:in)?correct\b", re.IGNORECASE
)
_SOURCE = r"(?:text|passage|document|article|paragraph|excerpt|context)"
_NOT_STATED = re.compile(
    rf"\b{_SOURCE}(?: \w+)? (?:does not|doesn't|did not|didn't)(?: \w+)? (?:say|state|"
    r"tell|mention|specify|provide|give|contain|include|indicate|name|reveal)\b"
    rf"|\b{_SOURCE} (?:says|states|tells|mentions|gives|provides|contains|has)"
    r" (?:no|nothing)\b"
    r"|^it (?:does not|doesn't) (?:say|tell)\b"
    r"|\b(?:I|we) (?:do not|don't|cannot|can't) (?:know|tell|say)\b"
    r"|\bnot (?:\w+ly )?(?:stated|mentioned|specified|given|provided)"
    rf"(?:\W*$| (?:in|by) (?:the|this|that) {_SOURCE}\b)"
    r"|\b(?:Text|Textabschnitt|Abschnitt|Auszug) (?:sagt|nennt|erwähnt|verrät|gibt|"
    r"enthält)\b[^.]*\b(?:nicht|nichts|kein\w*)\b|\bnicht im Text\b"
    r"|\bim Text nicht\b|\bich weiß (?:es )?nicht\b"
    r"|\b(?:texte|passage|article|document) n(?:e |['\u2019])(?:l[ea] |l['\u2019]|en )?"
    r"(?:dit|précise|mentionne|indique|donne|parle|contient)\b"
    r"|\bpas (?:dit|précisée?|mentionnée?|indiquée?) dans le (?:texte|passage)\b"
    r"|\bje ne sais pas\b"
    r"|\b(?:texto|pasaje|artículo|documento) no (?:lo |la |se |nos )?"
    r"(?:dice|menciona|especifica|indica|da|contiene)\b"
    r"|\bno se (?:dice|menciona|especifica|indica) en el texto\b|\bno lo sé\b"
    r"|(?:文本|文中|文章|原文|本文|短文|段落)(?:里|中)?(?:并|也)?(?:没有|没|未)"
    r"(?:说|提|给出|指出|写)|我不知道",
    re.IGNORECASE,
)
"""Says that a text does not tell, in the languages of the worked examples. Without the
text as its subject, a sentence states a fact ("The law does not specify a penalty.").
"""

_AFTER_TAG = 500
"""Characters after a tag in which its verdict is searched. With all of them, a text
that repeats the tag would take time in proportion to its length squared."""


@dataclass(frozen=True)
class OpenBook:
    """An open-book answer in its parts; empty if a part was not found."""

    answer: str
    evidence: str
    short: str = ""

    @property
    def has_short(self) -> bool:
        """Return whether there is a short answer that names something."""
        return bool(self.short) and not _is_none(self.short)

    @property
    def is_stated(self) -> bool:
        """Return whether neither answer says that the text does not tell."""
        return not (_is_none(self.short) or is_not_stated(self.answer))


def without_thinking(raw: str) -> str:
    """Return what a model wrote without its thoughts and the space around it."""
    return without_thoughts(raw).strip()


def parse_tags(raw: str) -> dict[str, str]:
    """Return the text after each known tag, up to the next; the first one counts."""
    parts: dict[str, str] = {}
    matches = list(_TAG.finditer(raw))
    ends = [*(match.start() for match in matches[1:]), len(raw)]
    for match, end in zip(matches, ends, strict=False):
        parts.setdefault(match[1].lower(), raw[match.end() : end].strip())
    return parts


def questions(raw: str) -> list[str]:
    """Return the questions of a list, one per line, in order and without repeats."""
    texts = filter(sentences.is_question, map(_without_quotes, _entries(raw)))
    return list(dict.fromkeys(text for text in texts if len(text) > 3))


def _without_quotes(text: str) -> str:
    """Return a text without the quotation marks around it as a whole."""
    quoted = _QUOTED.fullmatch(text)
    return quoted[2].strip(" \t*_") if quoted else text


def statements(raw: str) -> list[str]:
    """Return the sentences of a list, one per line, in order and without repeats."""
    return list(dict.fromkeys(text for text in _entries(raw) if len(text) > 3))


def _entries(raw: str) -> Iterator[str]:
    """Yield the lines of a list without their marks."""
    for line in without_thinking(raw).splitlines():
        yield _LIST_MARK.sub("", line).strip(" \t*_")


def open_book(raw: str) -> OpenBook:
    """Return answer and evidence; without any tag the whole text is the answer."""
    text = without_thinking(raw)
    parts = parse_tags(text)
    if not parts:
        return OpenBook(text, "")
    evidence = parts.get("evidence", "").strip("\"'“”«»")
    short = parts.get("short answer", "")
    if _is_none(evidence) or _is_none(short):
        evidence = ""
    return OpenBook(parts.get("answer", ""), evidence, short)


def _is_none(text: str) -> bool:
    return text.rstrip(".").lower() == "none"


def answer(raw: str) -> str:
    """Return the answer of a text that may or may not carry the tag."""
    text = without_thinking(raw)
    return parse_tags(text).get("answer", "" if _TAG.match(text) else text)


def verdict(raw: str) -> Verdict:
    """Return the last verdict that a feedback gives.

    It may be a word or a sentence ("Verdict: The answer is incorrect."). Tags at the
    beginning of a line are the model's own; others, which may be quoted from a text or
    an answer, count only if there is none.
    """
    text = without_thinking(raw)
    for tag in reversed(_verdict_tags(text)):
        judgement = _judgement(text[tag.end() : tag.end() + _AFTER_TAG])
        if judgement != "unclear":
            return judgement
    return "unclear"


def _verdict_tags(text: str) -> list[re.Match[str]]:
    lines = list(_VERDICT_LINE.finditer(text))
    return lines or list(_VERDICT_TAG.finditer(text))


def _judgement(after: str) -> Verdict:
    """Return what the first line with words after a verdict tag says."""
    line = next((line for line in after.splitlines() if re.search(r"\w", line)), "")
    match = _JUDGEMENT.search(line)
    if match is None or match["undecided"] or _CHOICE.search(line):
        return "unclear"
    return "correct" if match["right"] else "incorrect"


def before_verdict(raw: str) -> str | None:
    """Return a feedback up to ``Verdict:`` inclusive, to ask for the next word."""
    text = without_thinking(raw)
    tags = [tag for tag in _verdict_tags(text) if tag[0].endswith((":", "："))]  # noqa: RUF001
    return text[: tags[-1].end()] if tags else None


def is_not_stated(text: str) -> bool:
    """Return whether an answer says that the text does not tell."""
    return bool(_NOT_STATED.search(text))
