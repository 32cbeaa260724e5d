"""Read gold examples from files: the format is recognised by the content.

A row that cannot be used is named with its place and counted, and the others come in.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.gold import CorpusKind, GoldExample
from autolearn.ingest import gold_files
from autolearn.text import sentences

MAX_BYTES = 256 * 2**20
"""Largest corpus file that is read, in bytes."""
TEXT_NAMES = ("context", "passage", "text")
FORMATS = (
    "SQuAD-style JSON; JSON lines of title, text, qa; of text, question, answer; of "
    "question, answer, document (a quiz); or of prompt, response, feedback, refinement"
)
"""What can be read, in words."""

TextOf = Callable[[str, str], str]
"""Returns the text for the name of a document and a question with its answer; empty:
there is none of this name."""
Row = Mapping[str, Any]


@dataclass
class CorpusReading:
    """What a file gave."""

    kind: CorpusKind = "pairs"
    examples: list[GoldExample] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Each bad row in a sentence."""


class _BadRow(Exception):
    """A row, or a question of it, cannot be used; the message says why."""


_Parsed = tuple[CorpusKind, GoldExample | _BadRow]


def read(path: Path, text_of: TextOf) -> CorpusReading:
    """Return the gold examples of a file.

    ``text_of``: finds the texts of a quiz, which has only their names.

    Raises:
        InputError: The file cannot be read, or it has no row that can be used.
    """
    made, kinds = CorpusReading(), Counter[CorpusKind]()
    for place, row in _rows(gold_files.read_text(path, MAX_BYTES)):
        for kind, parsed in _parsed(row, text_of):
            if isinstance(parsed, GoldExample):
                kinds[kind] += 1
                made.examples.append(parsed)
            else:
                made.refused.append(f"{place} {parsed}.")
    made.examples = list(dict.fromkeys(made.examples))
    if not made.examples:
        why = f" {made.refused[0]}" if made.refused else ""
        raise InputError(
            f"{path.name} has no gold example.{why} A corpus is {FORMATS}."
        )
    made.kind = kinds.most_common(1)[0][0]
    return made


def _rows(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a JSON file or of JSON lines, each with its place in words."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        whole = whole["data"]
    if isinstance(whole, list):
        yield from ((f"Entry {i}", row) for i, row in enumerate(whole, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"Line {number}", json.loads(line)
            except ValueError:
                yield f"Line {number}", None


def _parsed(row: Any, text_of: TextOf) -> Iterator[_Parsed]:
    """Yield the examples of a row, and why others of it cannot be used."""
    if not isinstance(row, dict):
        yield "pairs", _BadRow("is no JSON object")
    elif "paragraphs" in row:
        yield from _squad(row)
    elif "qa" in row or "qas" in row:
        yield from _questions("texts", row, row.get("qa", row.get("qas")))
    elif "response" in row and "feedback" in row:
        yield "feedback", _tried(lambda: _feedback(row))
    elif any(name in row for name in TEXT_NAMES):
        yield "pairs", _tried(lambda: _example(row, row))
    else:
        yield "quiz", _tried(lambda: _quiz(row, text_of))


def _tried(make: Callable[[], GoldExample]) -> GoldExample | _BadRow:
    try:
        return make()
    except _BadRow as bad:
        return bad


def _squad(row: Row) -> Iterator[_Parsed]:
    """Yield the examples of an article of SQuAD 1.1 or 2.0 (Rajpurkar et al., 2018)."""
    paragraphs = row["paragraphs"]
    if not isinstance(paragraphs, list):
        yield "squad", _BadRow("has no list of paragraphs")
        return
    for paragraph in paragraphs:
        if not isinstance(paragraph, dict):
            yield "squad", _BadRow("has a paragraph that is no JSON object")
        else:
            titled = {"title": row.get("title", ""), **paragraph}
            yield from _questions("squad", titled, paragraph.get("qas"))


def _questions(kind: CorpusKind, row: Row, asked: Any) -> Iterator[_Parsed]:
    """Yield the examples of a text with a list of questions."""
    if not isinstance(asked, list) or not asked:
        yield kind, _BadRow("has no list of questions")
        return
    for question in asked:
        if isinstance(question, dict):
            yield kind, _tried(lambda given=question: _example(row, given))  # type: ignore[misc]
        else:
            yield kind, _BadRow("has a question that is no JSON object")


def _example(row: Row, asked: Row) -> GoldExample:
    """Return the example of a text (``row``) and a question with its answer."""
    text = _filled(row, *TEXT_NAMES)
    question = _line(_filled(asked, "question"))
    title = _line(str(row.get("title") or "")).replace("_", " ")
    if asked.get("is_impossible") is True:
        return GoldExample(text, question, "", title, answerable=False)
    answer, start = _answer(asked, text)
    if answer is None:
        return GoldExample(text, question, "", title, answerable=False)
    sentence = _line(str(asked.get("sentence") or ""))
    evidence = _sentence_at(text, answer, start)
    return GoldExample(text, question, answer, title, sentence, evidence)


def _answer(asked: Row, text: str) -> tuple[str | None, int | None]:
    """Return the first answer, and where it stands in the text if that is known.

    None: the list of answers is there and empty, so the text does not tell.
    """
    given = asked.get("answers", asked.get("answer"))
    if isinstance(given, dict):  # as the datasets library has it: two lists
        texts, starts = given.get("text"), given.get("answer_start")
        if isinstance(texts, list):
            starts = starts if isinstance(starts, list) else []
            padded = [*starts, *[None] * (len(texts) - len(starts))]
            given = [
                {"text": one, "answer_start": at}
                for one, at in zip(texts, padded, strict=False)
            ]
    if given == [] and "answers" in asked:
        return None, None
    first = given[0] if isinstance(given, list) and given else given
    if isinstance(first, dict):
        start = first.get("answer_start")
        first = first.get("text")
    else:
        start = asked.get("answer_start")
    answer = str(first).strip() if isinstance(first, str | int | float) else ""
    if not answer:
        raise _BadRow("lacks answer")
    stands = isinstance(start, int) and text[start : start + len(answer)] == answer
    return answer, start if stands else None


def _sentence_at(text: str, answer: str, start: int | None) -> str:
    """Return the sentence in which an answer stands; empty: its place is not known."""
    if start is None:
        return ""
    for sentence in _sentences(text):
        if sentence.start <= start and start + len(answer) <= sentence.end:
            return sentence.text
    return ""


@lru_cache(8)
def _sentences(text: str) -> list[sentences.Sentence]:
    """Return the sentences of a text, whose questions stand together in a file."""
    return sentences.of(text)


def _quiz(row: Row, text_of: TextOf) -> GoldExample:
    """Return the example of a question of a quiz file; its text is a document."""
    question = _line(_filled(row, "question"))
    answer = _line(_filled(row, "answer"))
    name, value = str(row.get("document") or ""), _line(str(row.get("value") or ""))
    if not name:
        raise _BadRow("has neither a text nor the name of a document")
    text = text_of(name, f"{question} {answer}")
    if not text:
        raise _BadRow(
            f"needs the text {name!r}, which is neither beside the file nor in the "
            "library; add it there first"
        )
    return GoldExample(text, question, value or answer, sentence=answer)


def _feedback(row: Row) -> GoldExample:
    """Return the example (p, r, f, r_hat) of a row (arXiv 2310.00533)."""
    prompt, response, critique, refinement = (
        _filled(row, name) for name in ("prompt", "response", "feedback", "refinement")
    )
    text, reference = (str(row.get(name) or "") for name in ("passage", "reference"))
    return GoldExample(
        text,
        prompt,
        reference,
        response=response,
        feedback=critique,
        refinement=refinement,
    )


def _filled(row: Row, *names: str) -> str:
    """Return the first of these values that is a text and not empty.

    Raises:
        _BadRow: None is.
    """
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise _BadRow(f"lacks {' or '.join(names)}")


def _line(text: str) -> str:
    return " ".join(text.split())
