import pytest

from autolearn import reading
from autolearn.errors import InputError


def test_a_text_is_read_with_its_line_ends_made_alike(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes("# Ä\r\nText.\r".encode())
    document = reading.read_document(file)
    assert document.text == "# Ä\nText.\n"
    assert document.name == "a.md"
    assert len(document.digest) == 64


def test_utf_16_and_byte_order_marks_are_read(tmp_path):
    for encoding in ("utf-16", "utf-8-sig"):
        file = tmp_path / f"{encoding}.txt"
        file.write_bytes("Grüße".encode(encoding))
        assert reading.read_document(file).text == "Grüße"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t\n", "empty"),
        ("a.txt", b"PK\x03\x04\x00\x00\xff\xfe", "UTF-8"),
        ("a.txt", b"text\x00text", "UTF-8"),
        ("a.txt", "caf\u00e9".encode("latin-1"), "UTF-8"),
        ("a.pdf", b"%PDF", ".txt or .md"),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=says) as refused:
        reading.read_document(tmp_path / name)
    assert str(refused.value).count("\n") == 0


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="no file"):
        reading.read_document(tmp_path / "none.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        reading.read_document(tmp_path / "folder.txt")
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(50 * 2**20)
    with pytest.raises(InputError, match="50 MB"):
        reading.read_document(huge)


def test_a_folder_gives_its_text_files_and_an_empty_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no \.txt"):
        reading.text_files(tmp_path)
    (tmp_path / "b.md").write_text("b")
    (tmp_path / "a.TXT").write_text("a")
    (tmp_path / "c.py").write_text("c")
    assert [p.name for p in reading.text_files(tmp_path)] == ["a.TXT", "b.md"]


def test_gold_questions_are_read_line_by_line(tmp_path):
    file = tmp_path / "quiz.jsonl"
    file.write_text('{"question": "Q?", "answer": "A.", "value": "A", "entity": "x"}\n')
    (gold,) = reading.read_gold(file)
    assert (gold.question, gold.answer, gold.value) == ("Q?", "A.", "A")


@pytest.mark.parametrize("line", ["not json", "[1]", '{"question": "Q?"}'])
def test_a_bad_line_is_named(tmp_path, line):
    file = tmp_path / "quiz.jsonl"
    file.write_text('{"question": "Q?", "answer": "A."}\n' + line + "\n")
    with pytest.raises(InputError, match="Line 2 of quiz"):
        reading.read_gold(file)


def test_meta_examples_are_read(tmp_path):
    file = tmp_path / "meta.jsonl"
    file.write_text(
        '{"prompt": "p", "response": "r", "feedback": "f", "refinement": "rr"}\n'
    )
    (example,) = reading.read_meta(file)
    assert (example.feedback, example.refinement, example.passage) == ("f", "rr", "")
