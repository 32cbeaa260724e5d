import json

import pytest

from autolearn.core.errors import InputError
from autolearn.ingest import gold_files


def test_meta_examples_are_read(tmp_path):
    file = tmp_path / "meta.jsonl"
    file.write_text(
        '{"prompt": "p", "response": "r", "feedback": "f", "refinement": "rr"}\n'
    )
    (example,) = gold_files.read_meta(file)
    assert (example.feedback, example.refinement, example.passage) == ("f", "rr", "")


def test_instructions_are_strings_or_objects(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"prompt": "One?"}\n"Two?"\n{"instruction": " Three? "}\n')
    texts = [text for text, _ in gold_files.read_instructions(file)]
    assert texts == ["One?", "Two?", "Three?"]
    file.write_text('{"prompt": "One?"}\n{"text": "x"}\n')
    with pytest.raises(InputError, match=r"Line 2 of a\.jsonl lacks prompt"):
        gold_files.read_instructions(file)


def test_null_is_no_text(tmp_path):
    file = tmp_path / "meta.jsonl"
    row = '{"prompt": "p", "response": "r", "feedback": "f", "refinement": "rr"%s}\n'
    file.write_text(row % ', "passage": null, "reference": null')
    (example,) = gold_files.read_meta(file)
    assert (example.passage, example.reference) == ("", "")
    file.write_text('{"prompt": null, "instruction": "Why?", "answer": null}\n')
    assert gold_files.read_instructions(file) == [("Why?", "")]
    file.write_text('{"prompt": null}\n')
    with pytest.raises(InputError, match="lacks prompt"):
        gold_files.read_instructions(file)


def test_a_prompt_of_turns_is_a_chat(tmp_path):
    """Its Python representation became the instruction."""
    file = tmp_path / "a.json"
    system = {"role": "system", "content": "Be kind."}
    prompt = [system, {"role": "user", "content": "Who?"}]
    answer = [{"role": "assistant", "content": "Ada."}]
    rows = [
        {"prompt": prompt, "chosen": answer, "rejected": [system]},
        {"prompt": prompt, "completion": answer},
    ]
    file.write_text(json.dumps(rows))
    assert gold_files.read_instructions(file) == [("Who?", "Ada.")] * 2
    file.write_text('[{"prompt": ["Who?"]}]')
    with pytest.raises(InputError, match="lacks prompt"):
        gold_files.read_instructions(file)


def test_an_instruction_comes_with_the_text_that_it_is_about(tmp_path):
    """Instructions of Dolly lost it, so they could not be answered."""
    file = tmp_path / "a.jsonl"
    row: dict[str, object] = {"instruction": "Who leads?", "response": "Ada."}
    contexts = ("Ada leads.", "", ["Ada leads."])
    lines = (json.dumps(row | {"context": context}) for context in contexts)
    file.write_text("\n".join(lines))
    first, *rest = gold_files.read_instructions(file)
    assert first == ("Who leads?\n\nAda leads.", "Ada.")
    assert rest == [("Who leads?", "Ada.")] * 2
