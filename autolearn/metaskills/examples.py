"""What is taught from a gold example: passage, evidence, forms of the answer."""

import re

from autolearn.core.gold import GoldExample
from autolearn.core.records import Passage
from autolearn.core.scripts import EAST_ASIAN
from autolearn.text import languages, matching, sentences

LONGEST_FORM = 40
"""Most words of a sentence of the text that is used as an answer."""
_WIDE = re.compile(f"[{EAST_ASIAN}]")
"""Scripts without spaces between words."""
_REASONS = {
    "en": "The text gives {right}, the answer {wrong}.",
    "de": "Der Text nennt {right}, die Antwort {wrong}.",
    "fr": "Le texte donne {right}, la réponse {wrong}.",
    "es": "El texto da {right}, la respuesta {wrong}.",
    "zh": "文本说的是{right}，答案说的是{wrong}。",  # noqa: RUF001
}
"""Reasons why an answer is wrong, by language of the text."""
_NOT_STATED = {
    "en": "The text does not say.",
    "de": "Der Text sagt es nicht.",
    "fr": "Le texte ne le dit pas.",
    "es": "El texto no lo dice.",
    "zh": "文本没有说。",
}


def passage_of(example: GoldExample) -> Passage:
    """Return the text of an example as a study sees it, with its title."""
    return Passage.alone(example.text, example.title)


def right_answer(example: GoldExample) -> str:
    """Return the taught answer in one line: a full sentence if there is one."""
    return " ".join((example.sentence or example.answer).split())


def evidence_of(example: GoldExample) -> str:
    """Return the sentence of the text that holds the answer; empty if there is none.

    Of several sentences with the words of the answer, the one that shares most words
    with the question is returned, the first of these if there is a tie.
    """
    texts = [sentence.text for sentence in sentences.of(example.text)]
    if not example.answerable:
        return ""
    if example.evidence in texts:
        return example.evidence
    candidates = [text for text in texts if is_in(example.answer, text)]
    return max(candidates, key=matching.shared_words(example.question), default="")


def is_in(answer: str, text: str) -> bool:
    """Return whether an answer occurs word for word in a text."""
    return bool(answer) and _places(answer).search(text) is not None


def _places(answer: str) -> re.Pattern[str]:
    """Return a pattern for an answer that does not begin or end within a word."""
    plain = re.escape(answer)
    return re.compile(plain if _WIDE.search(answer) else rf"(?<!\w){plain}(?!\w)")


def forms(example: GoldExample) -> list[str]:
    """Return the right answer in several forms: short, and as sentences.

    A judge must accept answers with other wordings. Each form holds the short answer
    exactly once, so that it can be swapped for a wrong one.
    """
    texts = [example.answer, example.sentence, evidence_of(example)]
    lines = dict.fromkeys(" ".join(text.split()) for text in texts)
    return [text for text in lines if _has_once(text, example.answer)] or [
        example.answer
    ]


def _has_once(text: str, answer: str) -> bool:
    short, is_long = matching.normalise(answer), len(text.split()) > LONGEST_FORM
    n = f" {matching.normalise(text)} ".count(f" {short} ") if short else 1
    return not is_long and n <= 1 and len(_places(answer).findall(text)) == 1


def swapped(example: GoldExample, form: str, wrong: str) -> str:
    """Return a form of the right answer in which a wrong one replaces it."""
    return _places(example.answer).sub(lambda _: wrong, form)


def reason(example: GoldExample, wrong: str) -> str:
    """Return why an answer is wrong; empty for languages without such a sentence."""
    wording = _REASONS.get(languages.of(example.text) or "", "")
    return wording.format(right=example.answer, wrong=wrong)


def not_stated(example: GoldExample) -> str:
    """Return "the text does not say" in the language of a text, or in English."""
    return _NOT_STATED.get(languages.of(example.text) or "", _NOT_STATED["en"])
