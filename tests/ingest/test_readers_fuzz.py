"""Whatever a file holds, a reader gives pieces or one sentence."""

import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolearn.core.errors import InputError
from autolearn.ingest import corpus_files, gold_files, quiz_files, readers

SOME = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KINDS = tuple({reader: kind for kind, reader in readers._READERS.items()}.values())
"""One file extension of each format."""
BEGINNINGS = {".pdf": b"%PDF-1.7\n", ".rtf": b"{\\rtf1 "}
WORDS = [
    "<p>", "</p>", "<table>", "<td colspan=9>", "<!--", "-->", '"', "'", "&amp;",
    "&#0;", "<pre>", "<sup>2</sup>", "{", "}", "[", "]", ":", ",", ";", "\t", "\n",
    "\r", "#", "|", "---", "```", "{\\rtf1 ", "\\par ", "\\'e9", "\\u8364?", "\x00",
    "\ufeff", "text", "question", "1e999", "é", "文", "\u202e", "null",
    "Content-Type: text/html",
]  # fmt: skip
CONTENTS = st.one_of(
    st.binary(max_size=400),
    st.lists(st.sampled_from(WORDS), max_size=80).map(lambda w: "".join(w).encode()),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("text", "question", "answer", "answers", "choices", "qas", "context",
                 "paragraphs", "messages", "conversations", "prompt", "response",
                 "feedback", "aliases", "data", "cells", "cell_type", "source",
                 "outputs", "document", "scorer", "Body", "Question", "Answer")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip


def read(path, content):
    path.write_bytes(content)
    refusal = ""
    try:
        pieces = list(readers.open_source(path, path.name).pieces)
    except InputError as error:
        pieces, refusal = [], str(error)
    assert all(isinstance(piece.text, str) for piece in pieces)
    assert refusal == "" or refusal.startswith(path.name)
    assert "\n" not in refusal


@pytest.mark.parametrize("kind", KINDS)
@given(content=CONTENTS)
@SOME
def test_any_bytes_with_a_usual_beginning_are_a_text_or_one_sentence(
    tmp_path, kind, content
):
    read(tmp_path / f"a{kind}", BEGINNINGS.get(kind, b"") + content)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (".docx", "word/document.xml"),
        (".odt", "content.xml"),
        (".xlsx", "xl/workbook.xml"),
        (".epub", "META-INF/container.xml"),
        (".pptx", "ppt/presentation.xml"),
    ],
)
@given(content=CONTENTS)
@SOME
def test_any_part_of_a_package_is_a_text_or_one_sentence(tmp_path, kind, part, content):
    zip_file = tmp_path / "packed"
    with zipfile.ZipFile(zip_file, "w") as archive:
        archive.writestr(part, content)
    read(tmp_path / f"a{kind}", zip_file.read_bytes())


@pytest.mark.parametrize("kind", [".json", ".jsonl", ".ipynb"])
@given(value=VALUES)
@SOME
def test_any_json_is_a_text_or_one_sentence(tmp_path, kind, value):
    read(tmp_path / f"a{kind}", json.dumps(value).encode())


@pytest.mark.parametrize(
    "take",
    [
        quiz_files.read,
        gold_files.read_meta,
        gold_files.read_instructions,
        lambda path: corpus_files.read(path, lambda name, query: ""),
    ],
    ids=["quiz", "meta", "instructions", "corpus"],
)
@given(value=VALUES)
@SOME
def test_any_json_is_gold_or_one_sentence(tmp_path, take, value):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    refusal = ""
    try:
        take(path)
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal
