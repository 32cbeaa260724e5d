"""Read quiz and control questions from files as they are published.

The format of each row is recognised by its fields. A file is imported completely or not
at all. Each error is one sentence.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from autolearn.core.errors import InputError
from autolearn.core.gold import GoldQuestion
from autolearn.core.quiz_records import Scorer
from autolearn.evaluation.choices import LETTERS
from autolearn.ingest import gold_files
from autolearn.ingest.gold_files import TEXT_NAMES, BadRow

FORMATS = (
    "JSON, JSON lines or CSV of question and answer, and optionally value, aliases, "
    "choices, scorer, document; SQuAD, GSM8K, SVAMP, ARC, MMLU, RACE, SciQ, CoQA as "
    "published"
)
"""The formats that can be read, in words."""
MAX_BYTES = 64 * 2**20
"""Largest file that is read, in bytes."""

_PASSAGES = (*TEXT_NAMES, "article", "support", "story")
"""Names of the text that a question is about, also in RACE, SciQ and CoQA."""
_DISTRACTORS = ("distractor1", "distractor2", "distractor3")
"""Names of the wrong options in SciQ."""
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_LETTER_COLUMNS = re.compile(r"(?:option|choice)?[ _]?([a-j])", re.IGNORECASE)
_GSM8K = re.compile(r"####\s*(\S[^\n]*)")
_SEVERAL = "|"
"""Separates aliases and options within a cell of a table."""

Row = Mapping[str, Any]


def read(file: Path | str) -> list[GoldQuestion]:
    """Return the questions of a file.

    Raises:
        InputError: The file cannot be read, or a row has no question or no answer; the
            message names the row.
    """
    path = Path(file)
    text = gold_files.read_text(path, MAX_BYTES)
    if not text.strip():
        raise InputError(f"{path.name} is empty; choose another file.")
    separator = _SEPARATORS.get(path.suffix.lower())
    rows = _table(text, separator) if separator else gold_files.json_rows(text)
    questions: list[GoldQuestion] = []
    for place, row in rows:
        try:
            questions += _questions(row)
        except BadRow as error:
            message = f"{place} of {path.name} {error}. A quiz is {FORMATS}."
            raise InputError(message) from None
    if not questions:
        raise InputError(f"{path.name} has no question. A quiz is {FORMATS}.")
    return questions


def _table(text: str, separator: str) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a table, or why one cannot be used.

    A table without a head has the columns of MMLU.
    """
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    head = [name.strip().lower() for name in rows[0]]
    if "question" in head:
        for number, row in enumerate(rows[1:], 2):
            yield f"Row {number}", _named_cells(head, row)
        return
    for number, row in enumerate(rows, 1):
        question, *options, answer = row if len(row) > 3 else ("", "")
        cells = {"question": question, "choices": options, "answer": answer}
        yield f"Row {number}", cells


def _named_cells(head: list[str], row: list[str]) -> Row | BadRow:
    if any(map(str.strip, row[len(head) :])):
        return BadRow("has more cells than the first row")
    return dict(zip(head, row, strict=False))


def _questions(row: Any) -> list[GoldQuestion]:
    """Return the questions of a row.

    Raises:
        BadRow: It has none that can be used.
    """
    if isinstance(row, BadRow):
        raise row
    if not isinstance(row, Mapping):
        raise BadRow("is not a JSON object")
    if isinstance(row.get("paragraphs"), list):
        paragraphs = row["paragraphs"]
        if not all(isinstance(paragraph, Mapping) for paragraph in paragraphs):
            raise BadRow("has a paragraph that is not a JSON object")
        title = _text(row.get("title"))
        return [
            question
            for paragraph in paragraphs
            for question in _about(paragraph, _text(paragraph.get("context")), title)
        ]
    if "qas" in row or "qa" in row:
        return _about(row, _passage(row), _text(row.get("title")))
    if {"Body", "Question", "Answer"} <= row.keys():
        return [_svamp(row)]
    if {"story", "questions", "answers"} <= row.keys():
        return _coqa(row)
    if {"correct_answer", *_DISTRACTORS} <= row.keys():
        row = _with_options(row)
    return [_question(gold_files.as_object(row), _passage(row))]


def _about(row: Row, passage: str, title: str) -> list[GoldQuestion]:
    """Return the questions about one text, as SQuAD has them."""
    items = row.get("qas", row.get("qa"))
    if not isinstance(items, list):
        raise BadRow("has no list of questions")
    return [_question(item, passage, title) for item in items]


def _question(row: Any, passage: str, title: str = "") -> GoldQuestion:
    if not isinstance(row, Mapping):
        raise BadRow("has a question that is not a JSON object")
    question, choices, labels = _question_parts(row)
    if not question:
        raise BadRow("lacks question")
    answers = _answers(row)
    scorer = _scorer(row)
    is_impossible = bool(row.get("is_impossible")) or _is_empty_list(row)
    if not any(answers):
        if not (is_impossible or scorer == "none"):
            raise BadRow("lacks answer")
        return GoldQuestion(question, "", passage=passage, scorer="none")
    document = _text(row.get("document")) or (title if not passage else "")
    aliases: list[str] = []
    if choices:
        index = _index(answers[0], choices, labels, is_number=_is_numbered(row))
        answer, value = choices[index], LETTERS[index]
        if not answer:
            raise BadRow("has a right option without a text")
    else:
        answer, *aliases = dict.fromkeys(filter(None, answers))
        value = _text(row.get("value"))
        if match := _GSM8K.search(answer):
            answer, scorer = match[1].strip(), scorer or "number"
    return GoldQuestion(
        question, answer, value, document, passage, scorer, tuple(aliases), choices
    )


def _question_parts(row: Row) -> tuple[str, tuple[str, ...], list[str]]:
    """Return a question, its options and their labels; ARC nests all in one field."""
    question, options = row.get("question"), row.get("choices", row.get("options"))
    if isinstance(question, Mapping):
        options, question = question.get("choices"), question.get("stem")
    if options is None:
        columns = {
            match[1].upper(): value
            for name, value in row.items()
            if (match := _LETTER_COLUMNS.fullmatch(name)) and _text(value)
        }
        options = [columns[letter] for letter in LETTERS if letter in columns]
    labels: list[str] = []
    if isinstance(options, Mapping):
        if not isinstance(options.get("text"), list):  # the options by their labels
            options = {"label": list(options), "text": list(options.values())}
        labels = [_text(label) for label in options.get("label", ())]
        options = options.get("text", ())
    elif isinstance(options, str):
        options = options.split(_SEVERAL)
    elif options and all(isinstance(option, Mapping) for option in options):
        labels = [_text(option.get("label")) for option in options]
        options = [option.get("text") for option in options]
    choices = tuple(map(_text, options or ()))
    if len(choices) > len(LETTERS):
        raise BadRow(f"has more than {len(LETTERS)} options")
    return _text(question), choices, labels


def _is_numbered(row: Row) -> bool:
    """Return whether the answer is a number and the options are texts, as in MMLU.

    It is then the number of an option, also if the text of another one is a number.
    """
    options = row.get("choices", row.get("options"))
    are_texts = isinstance(options, list) and all(isinstance(o, str) for o in options)
    return are_texts and type(row.get("answer")) is int


def _index(
    answer: str, choices: Sequence[str], labels: Sequence[str], *, is_number: bool
) -> int:
    """Return the index of the right option, named by label, letter, number or text."""
    if answer in labels:
        return labels.index(answer)
    number = int(answer) if answer.isdecimal() else len(choices)
    if is_number and number < len(choices):
        return number
    if answer in choices:
        return choices.index(answer)
    letter = answer.strip("().").upper()
    if letter in LETTERS[: len(choices)] and len(letter) == 1:
        return LETTERS.index(letter)
    if number < len(choices):
        return number
    raise BadRow(f"has the answer {answer!r}, which is none of its options")


def _answers(row: Row) -> list[str]:
    """Return the right answers of a row, the gold answer first."""
    answer = row.get("answerKey", row.get("answer", row.get("answers")))
    aliases = row.get("aliases")
    if isinstance(answer, Mapping):
        aliases = aliases or answer.get("aliases")
        answer = answer.get("value", answer.get("text"))
    if isinstance(aliases, str):
        aliases = aliases.split(_SEVERAL)
    elif not isinstance(aliases, list):
        aliases = [aliases]
    answers = answer if isinstance(answer, list) else [answer]
    texts = [row.get("text") if isinstance(row, Mapping) else row for row in answers]
    return [_text(text) for text in (*texts, *aliases)]


def _is_empty_list(row: Row) -> bool:
    """Return whether a row says by an empty list that there is no answer."""
    answers = row.get("answers")
    if isinstance(answers, Mapping):
        answers = answers.get("text")
    return answers == []


def _svamp(row: Row) -> GoldQuestion:
    """Return a word problem; its body ends without a full stop."""
    body = _text(row["Body"])
    if body and body[-1] not in ".!?":
        body += "."
    question = f"{body} {_text(row['Question'])}".strip()
    answer = _text(row["Answer"])
    if not question or not answer:
        raise BadRow("lacks Question or Answer")
    return GoldQuestion(question, answer, scorer="number")


def _with_options(row: Row) -> Row:
    """Return a row of SciQ with its options in one list.

    They are sorted, so that the place of the right one does not tell it.
    """
    answer = _text(row["correct_answer"])
    options = {answer, *(_text(row[name]) for name in _DISTRACTORS)}
    return {**row, "options": sorted(filter(None, options)), "answer": answer}


def _coqa(row: Row) -> list[GoldQuestion]:
    """Return the questions of a conversation about a text.

    Each follows the turns before it, without which it may not be understood.
    """
    questions, answers = _turns(row["questions"]), _turns(row["answers"])
    if not all(questions) or len(questions) != len(answers):
        raise BadRow("has questions without a text or an answer")
    made, before = [], ""
    for question, answer in zip(questions, answers, strict=True):
        entry = {"question": f"{before}Q: {question}" if before else question}
        is_unknown = answer.lower() == "unknown"
        entry |= {"scorer": "none"} if is_unknown else {"answer": answer}
        made.append(_question(entry, _passage(row)))
        before += f"Q: {question}\nA: {answer}\n"
    return made


def _turns(turns: Any) -> list[str]:
    """Return the questions or the answers of a conversation."""
    if isinstance(turns, Mapping):
        turns = turns.get("input_text")
    if not isinstance(turns, list):
        raise BadRow("has no list of questions and of answers")
    return [_text(t.get("input_text") if isinstance(t, Mapping) else t) for t in turns]


def _passage(row: Row) -> str:
    return next((_text(row[name]) for name in _PASSAGES if row.get(name)), "")


def _scorer(row: Row) -> Scorer | None:
    name = _text(row.get("scorer")).lower()
    if name and name not in get_args(Scorer):
        scorers = ", ".join(get_args(Scorer))
        raise BadRow(f"names the scorer {name!r}; there are {scorers}")
    return cast(Scorer, name) if name else None


def _text(value: Any) -> str:
    """Return a cell as text; whole numbers without a decimal point."""
    if value is None or isinstance(value, bool | list | dict):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
