"""Read gold examples from files. The format is recognised by the content.

A row that cannot be used is reported with its place; the other rows are imported.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from autolearn.core.errors import InputError
from autolearn.core.gold import CorpusKind, GoldExample
from autolearn.ingest import gold_files
from autolearn.ingest.gold_files import TEXT_NAMES, BadRow
from autolearn.text import sentences

MAX_BYTES = 256 * 2**20
"""Largest corpus file that is read, in bytes."""
FORMATS = (
    "SQuAD-style JSON; JSON lines of title, text, qa; of text, question, answer; of "
    "question, answer, document (a quiz); or of prompt, response, feedback, refinement"
)
"""The formats that can be read, in words."""

TextOf = Callable[[str, str], str]
"""Returns the text for the name of a document and a question with its answer; empty if
there is no document of that name."""
Row = Mapping[str, Any]


@dataclass
class CorpusReading:
    """The examples of a file, and its bad rows."""

    kind: CorpusKind = "pairs"
    examples: list[GoldExample] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """One sentence for each bad row."""


_ParsedRow = tuple[CorpusKind, GoldExample | BadRow]


def read(path: Path, text_of: TextOf) -> CorpusReading:
    """Return the gold examples of a file.

    Args:
        path: The file.
        text_of: Finds the texts of a quiz, which names only their documents.

    Raises:
        InputError: The file cannot be read, or no row can be used.
    """
    reading, kinds = CorpusReading(), Counter[CorpusKind]()
    for place, row in gold_files.json_rows(gold_files.read_text(path, MAX_BYTES)):
        for kind, entry in _parse(row, text_of):
            if isinstance(entry, GoldExample):
                kinds[kind] += 1
                reading.examples.append(entry)
            else:
                reading.refusals.append(f"{place} {entry}.")
    reading.examples = list(dict.fromkeys(reading.examples))
    if not reading.examples:
        why = f" {reading.refusals[0]}" if reading.refusals else ""
        raise InputError(
            f"{path.name} has no gold example.{why} A corpus is {FORMATS}."
        )
    reading.kind = kinds.most_common(1)[0][0]
    return reading


def _parse(row: Any, text_of: TextOf) -> Iterator[_ParsedRow]:
    """Yield the examples of a row, and why some of it cannot be used."""
    if not isinstance(row, dict):
        yield "pairs", BadRow("is not a JSON object")
    elif "paragraphs" in row:
        yield from _squad(row)
    elif "qa" in row or "qas" in row:
        yield from _questions("texts", row, row.get("qa", row.get("qas")))
    elif "response" in row and "feedback" in row:
        yield "feedback", _or_bad_row(_feedback, row)
    elif any(name in row for name in TEXT_NAMES):
        yield "pairs", _or_bad_row(_example, row, row)
    else:
        yield "quiz", _or_bad_row(_quiz, row, text_of)


def _or_bad_row(make: Callable[..., GoldExample], *args: Any) -> GoldExample | BadRow:
    try:
        return make(*args)
    except BadRow as error:
        return error


def _squad(row: Row) -> Iterator[_ParsedRow]:
    """Yield the examples of an article of SQuAD 1.1 or 2.0 (Rajpurkar et al., 2018)."""
    paragraphs = row["paragraphs"]
    if not isinstance(paragraphs, list):
        yield "squad", BadRow("has no list of paragraphs")
        return
    for paragraph in paragraphs:
        if not isinstance(paragraph, dict):
            yield "squad", BadRow("has a paragraph that is not a JSON object")
        else:
            paragraph_row = {"title": row.get("title", ""), **paragraph}
            yield from _questions("squad", paragraph_row, paragraph.get("qas"))


def _questions(kind: CorpusKind, row: Row, entries: Any) -> Iterator[_ParsedRow]:
    """Yield the examples of a text with a list of questions."""
    if not isinstance(entries, list) or not entries:
        yield kind, BadRow("has no list of questions")
        return
    for question in entries:
        if isinstance(question, dict):
            yield kind, _or_bad_row(_example, row, question)
        else:
            yield kind, BadRow("has a question that is not a JSON object")


def _example(row: Row, entry: Row) -> GoldExample:
    """Return the example of a text (``row``) and a question with its answer."""
    whole = _first_value(row, *TEXT_NAMES)
    text, n_before = whole.strip(), len(whole) - len(whole.lstrip())
    question = _line(_first_text(entry, "question"))
    title = _line(str(row.get("title") or "")).replace("_", " ")
    if entry.get("is_impossible") is True:
        return GoldExample(text, question, "", title, answerable=False)
    answer, start = _answer(entry, text, n_before)
    if answer is None:
        return GoldExample(text, question, "", title, answerable=False)
    sentence = _line(str(entry.get("sentence") or ""))
    evidence = _sentence_at(text, answer, start)
    return GoldExample(text, question, answer, title, sentence, evidence)


def _answer(entry: Row, text: str, n_before: int) -> tuple[str | None, int | None]:
    """Return the first answer and its position in the text, if that is known.

    None if the list of answers is empty: the text does not have the answer.

    Args:
        entry: A question with its answer.
        text: The text.
        n_before: Characters before the text, which positions of the file count.
    """
    candidates = entry.get("answers", entry.get("answer"))
    # The datasets library stores a list of answers as a dictionary of two lists.
    if isinstance(candidates, dict):
        texts, starts = candidates.get("text"), candidates.get("answer_start")
        if isinstance(texts, list):
            starts = starts if isinstance(starts, list) else []
            all_starts = [*starts, *[None] * (len(texts) - len(starts))]
            candidates = [
                {"text": text_value, "answer_start": position}
                for text_value, position in zip(texts, all_starts, strict=False)
            ]
    if candidates == [] and "answers" in entry:
        return None, None
    first = candidates[0] if isinstance(candidates, list) and candidates else candidates
    if isinstance(first, dict):
        start = first.get("answer_start")
        first = first.get("text")
    else:
        start = entry.get("answer_start")
    answer = str(first).strip() if isinstance(first, str | int | float) else ""
    if not answer:
        raise BadRow("lacks answer")
    start = start - n_before if isinstance(start, int) else -1
    is_exact = start >= 0 and text[start : start + len(answer)] == answer
    return answer, start if is_exact else None


def _sentence_at(text: str, answer: str, start: int | None) -> str:
    """Return the sentence that holds an answer; empty if its position is unknown."""
    if start is None:
        return ""
    for sentence in _sentences(text):
        if sentence.start <= start and start + len(answer) <= sentence.end:
            return sentence.text
    return ""


@lru_cache(8)
def _sentences(text: str) -> list[sentences.Sentence]:
    """Return the sentences of a text, cached because its questions are neighbours."""
    return sentences.of(text)


def _quiz(row: Row, text_of: TextOf) -> GoldExample:
    """Return the example of a quiz question, whose text is a document."""
    question = _line(_first_text(row, "question"))
    answer = _line(_first_text(row, "answer"))
    name, value = str(row.get("document") or ""), _line(str(row.get("value") or ""))
    if not name:
        raise BadRow("has neither a text nor the name of a document")
    text = text_of(name, f"{question} {answer}")
    if not text:
        raise BadRow(
            f"needs the text {name!r}, which is neither next to the file nor in the "
            "library; add it there first"
        )
    return GoldExample(text, question, value or answer, sentence=answer)


def _feedback(row: Row) -> GoldExample:
    """Return the example (p, r, f, r_hat) of a row (arXiv 2310.00533)."""
    prompt, response, critique, refinement = (
        _first_text(row, name)
        for name in ("prompt", "response", "feedback", "refinement")
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


def _first_text(row: Row, *names: str) -> str:
    """Return the first of these values that is a text, without space around it.

    Raises:
        BadRow: There is none.
    """
    return _first_value(row, *names).strip()


def _first_value(row: Row, *names: str) -> str:
    """Return the first of these values that is a non-empty text.

    Raises:
        BadRow: There is none.
    """
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value
    raise BadRow(f"lacks {' or '.join(names)}")


def _line(text: str) -> str:
    return " ".join(text.split())
