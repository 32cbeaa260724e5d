"""What is taught of a gold example: its passage, evidence, and forms of the answer."""

import re

from autolearn.core.gold import GoldExample
from autolearn.core.records import Passage
from autolearn.core.scripts import EAST_ASIAN
from autolearn.text import languages, matching, sentences

LONGEST_FORM = 40
"""Words of a sentence of the text beyond which it is not used as an answer."""
_WIDE = re.compile(f"[{EAST_ASIAN}]")
"""Scripts without spaces between words."""
_REASONS = {
    "en": "The text gives {right}, the answer {wrong}.",
    "de": "Der Text nennt {right}, die Antwort {wrong}.",
    "fr": "Le texte donne {right}, la réponse {wrong}.",
    "es": "El texto da {right}, la respuesta {wrong}.",
    "zh": "文本说的是{right}，答案说的是{wrong}。",  # noqa: RUF001
}
"""Why an answer is wrong, by the language of the text."""
_NOT_STATED = {
    "en": "The text does not say.",
    "de": "Der Text sagt es nicht.",
    "fr": "Le texte ne le dit pas.",
    "es": "El texto no lo dice.",
    "zh": "文本没有说。",
}


def passage_of(one: GoldExample) -> Passage:
    """Return the text of an example as a study sees it, below its title."""
    return Passage(0, 0, 0, len(one.text), one.text, 0, heading=one.title)


def right_answer(one: GoldExample) -> str:
    """Return the answer that is taught: a full sentence if there is one, in a line."""
    return " ".join((one.sentence or one.answer).split())


def evidence_of(one: GoldExample) -> str:
    """Return the sentence of the text that holds the answer; empty: none does.

    Of several with the very words of the answer, the one that shares most words with
    the question, the first of these.
    """
    told = [sentence.text for sentence in sentences.of(one.text)]
    if not one.answerable:
        return ""
    if one.evidence in told:
        return one.evidence
    holding = [text for text in told if is_in(one.answer, text)]
    asked = set(matching.normalise(one.question).split())

    def shared(text: str) -> int:
        return len(asked & set(matching.normalise(text).split()))

    return max(holding, key=shared, default="")


def is_in(answer: str, text: str) -> bool:
    """Return whether an answer stands word for word in a text."""
    return bool(answer) and _places(answer).search(text) is not None


def _places(answer: str) -> re.Pattern[str]:
    """Return what matches an answer where it cuts no word."""
    plain = re.escape(answer)
    return re.compile(plain if _WIDE.search(answer) else rf"(?<!\w){plain}(?!\w)")


def forms(one: GoldExample) -> list[str]:
    """Return the right answer in several forms: short, and as sentences.

    Whoever judges sees answers that are worded otherwise than the right one. Each form
    holds the short answer just once, so that it can be swapped for a wrong one.
    """
    texts = [one.answer, one.sentence, evidence_of(one)]
    lines = dict.fromkeys(" ".join(text.split()) for text in texts)
    return [text for text in lines if _has_once(text, one.answer)] or [one.answer]


def _has_once(text: str, answer: str) -> bool:
    short, is_long = matching.normalise(answer), len(text.split()) > LONGEST_FORM
    n = f" {matching.normalise(text)} ".count(f" {short} ") if short else 1
    return not is_long and n <= 1 and len(_places(answer).findall(text)) == 1


def swapped(one: GoldExample, form: str, wrong: str) -> str:
    """Return a form of the right answer with a wrong one in its place."""
    return _places(one.answer).sub(lambda _: wrong, form)


def reason(one: GoldExample, wrong: str) -> str:
    """Return why an answer is wrong; empty in languages that have no wording here."""
    wording = _REASONS.get(languages.of(one.text) or "", "")
    return wording.format(right=one.answer, wrong=wrong)


def not_stated(one: GoldExample) -> str:
    """Return in the language of a text, or in English, that it does not tell."""
    return _NOT_STATED.get(languages.of(one.text) or "", _NOT_STATED["en"])
