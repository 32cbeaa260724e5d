"""Read what a model wrote: tagged text, tolerantly, never raising.

Small models do not write clean JSON, so nothing here asks for it. What cannot be
read comes back empty; the caller keeps the raw text and counts it.
"""

import re
from dataclasses import dataclass

from autolearn.core.records import Verdict

_THINKING = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\(?\d{1,3}[.):]|Q\d*[.:]|Question\s*\d*:)\s*")
_TAGS = ("evidence", "short answer", "answer", "feedback", "verdict", "question")
_TAG = re.compile(
    rf"^[ \t*_#]*(?:better )?({'|'.join(_TAGS)})[ \t*_]*:[ \t*_]*",
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
_NOT_STATED = re.compile(
    r"\b(does not|doesn't|do not|don't) (say|state|mention|specify|provide|know)\b"
    r"|\bnot (stated|mentioned|specified|given)\b",
    re.IGNORECASE,
)

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
    """Drop the reasoning that some templates let a model write first."""
    return _THINKING.sub("", raw).strip()


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
    texts: dict[str, None] = {}
    for line in without_thinking(raw).splitlines():
        text = _LIST_MARK.sub("", line).strip(" \t*_\"'")
        if text.endswith(("?", "？")) and len(text) > 3:  # noqa: RUF001
            texts.setdefault(text)
    return list(texts)


def statements(raw: str) -> list[str]:
    """Return the sentences of a list, one per line, in order and without repeats."""
    lines = without_thinking(raw).splitlines()
    texts = (_LIST_MARK.sub("", line).strip(" \t*_") for line in lines)
    return list(dict.fromkeys(text for text in texts if len(text) > 3))


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
