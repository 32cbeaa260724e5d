"""Rows that are chats, instructions or questions are recognised and read."""

import json

import pytest

from autolearn.ingest import row_kinds
from autolearn.ingest.row_kinds import NotTexts
from tests.support.row_files import read, written

SHAREGPT = {
    "id": "x",
    "conversations": [
        {"from": "system", "value": "Be kind."},
        {"from": "human", "value": "Who built it?"},
        {"from": "gpt", "value": "Kell did."},
    ],
}
OPENAI = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Who built it?"}]},
        {"role": "assistant", "content": "Kell did."},
    ]
}
GEMINI = {
    "contents": [
        {"role": "user", "parts": [{"text": "Who built it?"}]},
        {"role": "model", "parts": [{"text": "Kell did."}]},
    ]
}
ALPACA = {"instruction": "Add.", "input": "2 and 3", "output": "5"}


@pytest.mark.parametrize(
    ("row", "kind", "says"),
    [
        (SHAREGPT, "chats", "holds chats"),
        (OPENAI, "chats", "holds chats"),
        ({"dialogue": OPENAI["messages"]}, "chats", "holds chats"),
        (GEMINI, "chats", "holds chats"),
        (ALPACA, "instructions", "added as instructions"),
        ({"prompt": "P", "completion": "C"}, "instructions", "as instructions"),
        ({"question": "Q?", "answer": "A."}, "questions", "as quiz, as"),
        ({"question": "Q?", "answerKey": "A"}, "questions", "as quiz, as"),  # ARC
        ({"question": "Q?", "correct_answer": "A"}, "questions", "as quiz, as"),  # SciQ
        (
            {"story": "S.", "questions": ["Q?"], "answers": {"input_text": ["A"]}},
            "questions",  # CoQA
            "as quiz, as",
        ),
        (
            {"prompt": "P", "response": "R", "feedback": "F", "refinement": "R"},
            "feedback",
            "as meta-skill corpus",
        ),
        ({"title": "A", "paragraphs": []}, "squad", "as meta-skill corpus"),
    ],
)
def test_rows_that_are_no_texts_are_recognised(tmp_path, row, kind, says):
    path = written(tmp_path, "a.jsonl", f"{json.dumps(row)}\n" * 3)
    with pytest.raises(NotTexts, match=says) as refusal:
        read(path)
    assert refusal.value.kind == kind
    assert str(refusal.value).startswith("a.jsonl holds ")


def test_a_table_of_questions_is_recognised(tmp_path):
    with pytest.raises(NotTexts, match="questions and answers"):
        read(written(tmp_path, "a.csv", "question,answer\nWho?,Kell.\n"))


def test_chats_are_read_as_texts_if_a_person_wants_it(tmp_path):
    path = written(tmp_path, "a.jsonl", json.dumps(SHAREGPT))
    text, out, _, _ = read(path, chats_as_texts=True)
    assert text == "System: Be kind.\n\nUser: Who built it?\n\nAssistant: Kell did.\n\n"
    assert out == [("column left out", "id: x", "line 1")]


def test_a_prompt_of_turns_and_its_answer_are_one_chat(tmp_path):
    prompt, answer = OPENAI["messages"]
    row = {"prompt": [prompt], "chosen": [answer], "rejected": [prompt]}
    path = written(tmp_path, "a.jsonl", json.dumps(row))
    with pytest.raises(NotTexts, match="holds chats"):
        read(path)
    text, out, _, _ = read(path, chats_as_texts=True)
    assert text == "User: Who built it?\n\nAssistant: Kell did.\n\n"
    assert [reason for reason, *_ in out] == ["nested value"]


def test_the_first_text_of_a_turn_that_is_not_empty_is_read(tmp_path):
    turns = [
        {"role": "user", "text": "", "content": "Why?"},
        {"role": "assistant", "content": [{"type": "text", "text": "So."}]},
    ]
    path = written(tmp_path, "a.jsonl", json.dumps({"messages": turns}))
    text, *_ = read(path, chats_as_texts=True)
    assert text == "User: Why?\n\nAssistant: So.\n\n"


def test_code_of_an_export_of_chatgpt_is_read(tmp_path):
    def node(parent, role, content):
        message = {"author": {"role": role}, "content": content}
        return {"parent": parent, "message": message}

    code = {"content_type": "code", "text": "print(5)"}
    question = node(None, "user", {"content_type": "text", "parts": ["Why?"]})
    nodes = {"a": question, "b": node("a", "assistant", code)}
    row = {"mapping": nodes, "current_node": "b"}
    path = written(tmp_path, "a.json", json.dumps([row]))
    text, *_ = read(path, chats_as_texts=True)
    assert text.endswith("User: Why?\n\nAssistant: print(5)\n\n")


def test_a_long_chat_of_chatgpt_is_followed_without_comparing_all_its_nodes():
    class Name(str):
        n_comparisons = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            type(self).n_comparisons += 1
            return super().__eq__(other)

    names = [Name(f"node {n}") for n in range(100)]
    message = {"author": {"role": "user"}, "content": {"parts": ["Why?"]}}
    nodes = {
        name: {"parent": parent, "message": message}
        for name, parent in zip(names, [None, *names], strict=False)
    }
    chat = row_kinds.turns({"mapping": nodes, "current_node": names[-1]})
    assert len(chat) == len(names)
    assert Name.n_comparisons < 5 * len(names)


def test_texts_beside_questions_stay_texts(tmp_path):
    row = {"text": "Kell built it.", "question": "Who?", "answer": "Kell."}
    text, *_ = read(written(tmp_path, "a.jsonl", json.dumps(row)))
    assert text == "question: Who?\nanswer: Kell.\n\nKell built it.\n\n"
