"""The words that say what a question asks for, in the languages of the examples."""

import re

_QUESTION_WORDS = re.compile(
    r"\b(who|whom|whose|what|which|when|where|why|how (?:many|much|long|old|far)|how"
    # Within a sentence "was" is English.
    r"|wer|wen|wem|wessen|(?<!\w )was|welche[rsmn]?|wann|wo|warum|wie viele?|wie"
    r"|qui|que|quel(?:le)?s?|quand|où|pourquoi|combien|comment"
    r"|quién(?:es)?|qué|cuál(?:es)?|cuándo|dónde|por qué|cuánt[oa]s?|cómo)\b"
    r"|(谁|什么时候|什么地方|什么|哪里|哪|几|多少|为什么|怎么)",
    re.IGNORECASE,
)


def first(question: str) -> str:
    """Return the first question word in lower case; empty: there is none."""
    match = _QUESTION_WORDS.search(question)
    return match[0].lower() if match else ""
