"""Gold examples are read from files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolearn.core.errors import InputError
from autolearn.core.gold import GoldExample
from autolearn.ingest import corpus_files, gold_files

TEXT = "Ada Lum founded Avel in 1711. It has 300 inhabitants."


def no_text(name, question):
    return ""


def write_file(tmp_path, name, content):
    path = tmp_path / name
    rows = content if isinstance(content, list) else None
    text = "\n".join(map(json.dumps, rows)) if rows else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, content, text_of=no_text, name="file.jsonl"):
    return corpus_files.read(write_file(tmp_path, name, content), text_of)


def squad(*question):
    paragraph = {"context": TEXT, "qas": list(question)}
    return {
        "version": "x",
        "data": [{"title": "Avel_(town)", "paragraphs": [paragraph]}],
    }


def test_squad_gives_the_sentence_in_which_the_answer_stands(tmp_path):
    question = {"question": "How many live in Avel?", "id": "1"}
    answer = {"text": "300", "answer_start": TEXT.index("300")}
    reading = read(tmp_path, squad(question | {"answers": [answer, answer]}))
    (one,) = reading.examples
    assert (reading.kind, reading.refusals) == ("squad", [])
    assert one == GoldExample(
        TEXT, "How many live in Avel?", "300", "Avel (town)", "", one.evidence
    )
    assert one.evidence == "It has 300 inhabitants."


def test_positions_count_the_space_before_a_text(tmp_path):
    context = "\n  Boro is a town. Ada Lum lived there. Then Ada left the town."
    answers = [{"text": "Ada", "answer_start": context.rindex("Ada")}]
    row = {"context": context, "question": "Who left?", "answers": answers}
    (example,) = read(tmp_path, [row]).examples
    assert example.evidence == "Then Ada left the town."


def test_an_impossible_question_of_squad_2_has_no_answer(tmp_path):
    lure = {"text": "300", "answer_start": 0}
    question = {
        "question": "Who left Avel?",
        "answers": [],
        "plausible_answers": [lure],
    }
    (one,) = read(tmp_path, squad(question | {"is_impossible": True})).examples
    assert (one.answer, one.answerable, one.evidence) == ("", False, "")


def test_texts_with_lists_of_questions(tmp_path):
    question = [
        {"question": f"Q{i}?", "answer": a} for i, a in enumerate(["1711", "300"])
    ]
    reading = read(tmp_path, [{"title": "Avel", "text": TEXT, "qa": question}])
    assert reading.kind == "texts"
    assert [one.answer for one in reading.examples] == ["1711", "300"]
    assert {one.title for one in reading.examples} == {"Avel"}


@pytest.mark.parametrize("name", ["text", "context", "passage"])
@pytest.mark.parametrize(
    "answer",
    [
        {"answer": "1711"},
        {"answers": ["1711", "in 1711"]},
        {"answers": {"text": ["1711"], "answer_start": [24]}},
        {"answers": [{"text": "1711", "answer_start": 24}]},
    ],
)
def test_a_row_for_each_question(tmp_path, name, answer):
    reading = read(tmp_path, [{name: TEXT, "question": "When?"} | answer])
    assert reading.kind == "pairs"
    assert [(one.text, one.answer) for one in reading.examples] == [(TEXT, "1711")]


def test_an_empty_list_of_answers_means_unanswerable(tmp_path):
    row = {"context": TEXT, "question": "Who?", "answers": {"text": []}}
    (one,) = read(tmp_path, [row]).examples
    assert not one.answerable


def test_a_quiz_with_its_texts(tmp_path):
    row = {"question": "When?", "answer": "Avel is of 1711.", "value": "1711"}
    reading = read(
        tmp_path,
        [row | {"document": "avel.md"}, row | {"document": "boro.md"}, row],
        lambda name, question: TEXT if name == "avel.md" else "",
    )
    assert reading.kind == "quiz"
    assert reading.examples == [
        GoldExample(TEXT, "When?", "1711", sentence="Avel is of 1711.")
    ]
    assert len(reading.refusals) == 2
    assert reading.refusals[0].startswith("Line 2 needs the text 'boro.md'")
    assert reading.refusals[1].startswith("Line 3 has neither a text nor")


def test_feedback_rows_are_read_as_in_earlier_versions(tmp_path):
    row = {"prompt": "p", "response": "r", "feedback": "f", "refinement": "rr"}
    (one,) = read(tmp_path, [row]).examples
    assert (one.question, one.response, one.feedback, one.refinement) == (*"prf", "rr")


def test_bad_rows_are_named_and_the_others_come_in(tmp_path):
    path = tmp_path / "a.jsonl"
    good = {"text": TEXT, "question": "When?", "answer": "1711"}
    bad = [3, {"text": TEXT}, {"text": TEXT, "qa": []}, {"text": TEXT, "qa": [7]}]
    bad.append({"text": TEXT, "question": "When?", "answer": None})
    lines = ["{", *map(json.dumps, [*bad, good])]
    path.write_text("\n".join(lines))
    reading = corpus_files.read(path, no_text)
    assert [one.answer for one in reading.examples] == ["1711"]
    places = [sentence.split(" ")[1] for sentence in reading.refusals]
    assert places == ["1", "2", "3", "4", "5", "6"]
    assert all(sentence.endswith(".") for sentence in reading.refusals)


@pytest.mark.parametrize("text", ["", "[]", "{}", "hello", '{"data": [1]}', "[[1]]"])
def test_a_file_without_any_example_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json has no gold example"):
        corpus_files.read(tmp_path / "a.json", no_text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "data",
                        "paragraphs",
                        "qas",
                        "qa",
                        "context",
                        "question",
                        "answers",
                        "answer",
                        "text",
                        "answer_start",
                        "response",
                        "feedback",
                        "document",
                        "title",
                        "is_impossible",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_row_gives_an_example_or_an_error_message(content):
    good = {"text": "Avel lies north.", "question": "Where?", "answer": "north"}
    reading = [
        example
        for file in (content, [content, good])
        for _, row in gold_files.json_rows(json.dumps(file))
        for _, example in corpus_files._parse(row, no_text)
    ]
    assert any(isinstance(one, GoldExample) for one in reading)
    for one in reading:
        is_good = isinstance(one, GoldExample) and one.question and one.text is not None
        assert is_good or str(one)
