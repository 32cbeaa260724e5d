"""Quizzes are read as they are published; bad rows are named."""

import json

import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Question
from autolearn.evaluation import scoring
from autolearn.evaluation.choices import LETTERS
from autolearn.ingest import quiz_files

TEXT = "Avel was founded in 1711 by Ada Lum."


def read(tmp_path, content, name="quiz.json"):
    path = tmp_path / name
    lines = content if isinstance(content, str) else json.dumps(content)
    path.write_text(lines, encoding="utf-8")
    return quiz_files.read(path)


def lines(*rows):
    return "\n".join(map(json.dumps, rows))


def accepts(gold, text):
    """Return whether an answer to an imported question is right."""
    question = Question(
        gold.question,
        "quiz",
        "gold",
        gold_answer=gold.answer,
        gold_value=gold.value or None,
        scorer=gold.scorer or scoring.usual(gold),
        aliases=gold.aliases,
        choices=gold.choices,
    )
    return scoring.is_right(question, text, gold.answer)


def test_squad_has_several_answers_and_questions_without_one(tmp_path):
    rows = [
        {
            "id": "1",
            "question": "When was Avel founded?",
            "answers": [
                {"text": "1711", "answer_start": 20},
                {"text": "in 1711", "answer_start": 17},
                {"text": "1711", "answer_start": 20},
            ],
            "is_impossible": False,
        },
        {"id": "2", "question": "Who left?", "answers": [], "is_impossible": True},
    ]
    data = [{"title": "Avel", "paragraphs": [{"context": TEXT, "qas": rows}]}]
    first, second = read(tmp_path, {"version": "v2.0", "data": data})
    assert (first.answer, first.aliases, first.passage) == ("1711", ("in 1711",), TEXT)
    assert accepts(first, "It was founded in 1711.")
    assert second.scorer == "none"
    assert accepts(second, "The text does not say.")
    assert not accepts(second, "Ada Lum left.")


def test_rows_of_squad_are_read_flat_too(tmp_path):
    flat = {
        "id": "1",
        "title": "Avel",
        "context": TEXT,
        "question": "Who founded Avel?",
    }
    answers = {"text": ["Ada Lum", "Ada"], "answer_start": [28, 28]}
    none: dict[str, list[object]] = {"text": [], "answer_start": []}
    rows = lines(flat | {"answers": answers}, flat | {"answers": none})
    first, second = read(tmp_path, rows, "squad.jsonl")
    assert (first.answer, first.aliases, first.passage) == ("Ada Lum", ("Ada",), TEXT)
    assert second.scorer == "none"


def test_word_problems_keep_their_final_number(tmp_path):
    solution = "He has 3 + 4 = <<3+4=7>>7 pens.\nThey cost $1,080.\n#### 1,080"
    (gsm8k,) = read(
        tmp_path, lines({"question": "What?", "answer": solution}), "g.jsonl"
    )
    assert (gsm8k.answer, gsm8k.scorer) == ("1,080", "number")
    assert accepts(gsm8k, solution)
    assert accepts(gsm8k, "So they cost 1080 dollars.")
    assert not accepts(gsm8k, "He has 7 pens.")
    row = {"ID": "c-1", "Body": "Dan had 3 pens and got 4", "Type": "Addition"}
    svamp = read(tmp_path, [row | {"Question": "How many now?", "Answer": 7.0}])[0]
    assert svamp.question == "Dan had 3 pens and got 4. How many now?"
    assert (svamp.answer, svamp.scorer) == ("7", "number")


OPTIONS = ["a stone", "a fox", "a tree"]
RIGHT_IS_FOX = [
    {
        "question": "Which is an animal?",
        "choices": {"text": OPTIONS, "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    {
        "question": "Which is an animal?",
        "choices": {"text": OPTIONS, "label": ["1", "2", "3"]},
        "answerKey": "2",
    },
    {
        "question": {
            "stem": "Which is an animal?",
            "choices": [
                {"text": text, "label": label}
                for text, label in zip(OPTIONS, LETTERS, strict=False)
            ],
        },
        "answerKey": "B",
    },
    {"question": "Which is an animal?", "choices": OPTIONS, "answer": 1},
    {"question": "Which is an animal?", "options": OPTIONS, "answer": "(B)"},
    {
        "question": "Which is an animal?",
        "options": dict(zip("ABC", OPTIONS, strict=True)),
        "answer": "B",
    },
    {"question": "Which is an animal?", "choices": OPTIONS, "answer": "a fox"},
    {
        "question": "Which is an animal?",
        "a": OPTIONS[0],
        "b": OPTIONS[1],
        "answer": "b",
    },
]


def test_questions_with_options_keep_the_text_that_they_are_about(tmp_path):
    """The text was lost, so that they could not be asked open-book."""
    race = {
        "article": TEXT,
        "question": "Avel was founded by  _  .",
        "options": ["Ben Lum", "Ada Lum", "Cleo Orr", "Dora Orr"],
        "answer": "B",
    }
    (gold,) = read(tmp_path, lines(race), "race.jsonl")
    assert (gold.answer, gold.value, gold.passage) == ("Ada Lum", "B", TEXT)
    sciq = {
        "question": "What made the cells?",
        "distractor3": "salt",
        "distractor1": "wind",
        "distractor2": "ice",
        "correct_answer": "heat",
        "support": TEXT,
    }
    (gold,) = read(tmp_path, lines(sciq), "sciq.jsonl")
    assert gold.choices == ("heat", "ice", "salt", "wind")
    assert (gold.answer, gold.value, gold.passage) == ("heat", "A", TEXT)
    squad = {"title": "Avel", "context": TEXT, "qas": [race | {"article": ""}]}
    (gold,) = read(tmp_path, lines(squad), "squad.jsonl")
    assert (gold.value, gold.passage) == ("B", TEXT)


@pytest.mark.parametrize("is_on_hub", [True, False])
def test_questions_of_a_conversation_follow_those_before_them(tmp_path, is_on_hub):
    questions = ["Who founded Avel?", "When?", "Why?"]
    answers = ["Ada Lum", "in 1711", "unknown"]
    coqa: dict[str, object] = {
        "source": "wikipedia",
        "story": TEXT,
        "questions": questions,
        "answers": {"input_text": answers, "answer_start": [28, 17, -1]},
    }
    if not is_on_hub:
        coqa["questions"] = [{"input_text": text, "turn_id": 1} for text in questions]
        coqa["answers"] = [{"input_text": text, "turn_id": 1} for text in answers]
    first, second, third = read(tmp_path, lines(coqa), "coqa.jsonl")
    assert (first.question, first.answer, first.passage) == (
        "Who founded Avel?",
        "Ada Lum",
        TEXT,
    )
    turn = "Q: Who founded Avel?\nA: Ada Lum\n"
    assert (second.question, second.answer) == (f"{turn}Q: When?", "in 1711")
    assert (third.answer, third.scorer, third.passage) == ("", "none", TEXT)


@pytest.mark.parametrize("row", RIGHT_IS_FOX)
def test_multiple_choice_is_read_however_its_options_are_written(tmp_path, row):
    (gold,) = read(tmp_path, lines(row), "arc.jsonl")
    assert gold.question == "Which is an animal?"
    assert (gold.answer, gold.value) == ("a fox", "B")
    assert accepts(gold, "B")
    assert accepts(gold, "It is a fox.")
    assert not accepts(gold, "A")


def test_a_number_is_the_place_of_an_option_where_the_options_are_texts(tmp_path):
    """Of a row of MMLU with numbers as options, another option was taken for right."""
    row: dict[str, object] = {"question": "Which is odd and prime?", "answer": 2}
    texts = {"choices": ["1", "2", "3", "4"]}
    (gold,) = read(tmp_path, lines(row | texts), "mmlu.jsonl")
    assert (gold.answer, gold.value) == ("3", "C")
    (gold,) = read(tmp_path, lines(row | texts | {"answer": "4"}), "texts.jsonl")
    assert (gold.answer, gold.value) == ("4", "D")
    (gold,) = read(tmp_path, lines(row | {"choices": [1, 2, 3, 4]}), "numbers.jsonl")
    assert (gold.answer, gold.value) == ("2", "B")


def test_tables_are_read_with_a_head_or_as_mmlu_has_them(tmp_path):
    mmlu = 'Which is an animal?,"a stone, grey",a fox,a tree,a cup,B\n' * 2
    first, _ = read(tmp_path, mmlu, "test.csv")
    assert first.choices == ("a stone, grey", "a fox", "a tree", "a cup")
    assert accepts(first, "B")
    head = "Question,Answer,Aliases,Document,Scorer\n"
    row = "Who founded Avel?,Ada Lum,Ada|Countess Lum,avel.md,exact\n"
    (plain,) = read(tmp_path, head + row, "plain.csv")
    assert (plain.answer, plain.aliases) == ("Ada Lum", ("Ada", "Countess Lum"))
    assert (plain.document, plain.scorer) == ("avel.md", "exact")
    (tabs,) = read(tmp_path, "question\tanswer\nWho?\tAda, Lum\n", "plain.tsv")
    assert tabs.answer == "Ada, Lum"


def test_cells_beyond_the_head_are_refused_unless_they_are_empty(tmp_path):
    head = "question,answer\n"
    (gold,) = read(tmp_path, head + "How much is it?,1.5,\n", "a.csv")
    assert gold.answer == "1.5"
    with pytest.raises(InputError, match=r"Row 3 of a\.csv has more cells than"):
        read(tmp_path, head + "Who?,Ada\nHow much is it?,1,5\n", "a.csv")


def test_plain_rows_and_texts_with_questions_are_read(tmp_path):
    row: dict[str, object]
    row = {"question": "Q?", "answer": "A.", "value": "A", "entity": "x"}
    (gold,) = read(tmp_path, lines(row), "quiz.jsonl")
    assert (gold.question, gold.answer, gold.value) == ("Q?", "A.", "A")
    row = {"title": "Avel", "text": TEXT, "qa": [{"question": "Who?", "answer": "Ada"}]}
    (gold,) = read(tmp_path, lines(row), "texts.jsonl")
    assert (gold.answer, gold.passage) == ("Ada", TEXT)
    row = {"question": "Who?", "answer": {"value": "Ada", "aliases": ["Ada", "A. Lum"]}}
    (gold,) = read(tmp_path, [row])
    assert (gold.answer, gold.aliases) == ("Ada", ("A. Lum",))
    entry = {"question": "Who?", "answer": "Ada", "aliases": None}
    (gold,) = read(tmp_path, lines({"text": TEXT, "qa": [entry]}), "texts.jsonl")
    assert (gold.answer, gold.aliases) == ("Ada", ())


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1]",
        '{"question": "Q?"}',
        '{"answer": "A."}',
        '{"question": "Q?", "answer": " "}',
        '{"question": "Q?", "answer": "D", "choices": ["a", "b"]}',
        '{"question": "Q?", "answer": "²", "choices": ["a", "b"]}',
        '{"question": "Q?", "answer": "A", "options": [{"key": "A", "value": "x"}]}',
        '{"question": "Q?", "answer": "A", "scorer": "luck"}',
        '{"paragraphs": [{"context": "x", "qas": [1]}]}',
        '{"paragraphs": [1]}',
        '{"text": "x", "qa": "y"}',
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(tmp_path, line):
    good = '{"question": "Q?", "answer": "A."}\n'
    with pytest.raises(InputError, match="Line 2 of quiz"):
        read(tmp_path, good + line + "\n", "quiz.jsonl")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("", "a.json"),
        ("[]", "a.json"),
        ("question,answer\n", "a.csv"),
        ("x\n", "a.csv"),
    ],
)
def test_a_file_without_questions_is_refused(tmp_path, content, name):
    with pytest.raises(InputError, match=r"A quiz is|is empty"):
        read(tmp_path, content, name)
