from dataclasses import replace

from autolearn.core.settings import StudySettings
from autolearn.study import statements
from autolearn.study.generation import Generator
from autolearn.text import model_output
from tests.support.scripted_backend import ScriptedBackend

OUTPUT = (
    "1. Avel was founded in 1711.\n- Ada leads Avel.\n\n1. Avel was founded in 1711."
)


def state(reply, texts):
    backend = ScriptedBackend(lambda request: reply)
    writer = Generator(backend, StudySettings(), lambda: False, lambda share: None)
    return statements.state(writer, texts, 3), backend


def test_statements_are_lines_without_marks_and_repeats():
    assert model_output.statements(OUTPUT) == [
        "Avel was founded in 1711.",
        "Ada leads Avel.",
    ]


def test_what_is_stated_of_a_text_becomes_one_raw_text():
    generations, backend = state(OUTPUT, ["Avel is a town.", "Ada is its mayor."])
    items = [statements.as_item(generation) for generation in generations]
    assert [item.kind for item in items] == ["text", "text"]
    assert items[0].chosen == "Avel was founded in 1711.\nAda leads Avel."
    assert generations[0].completion.text == OUTPUT
    turns = [request.prompt.chat[-1].content for request in backend.history]
    assert turns[1].startswith("Ada is its mayor.")
    assert "Write 3 statements" in turns[1]


def test_a_text_without_statements_is_left_out():
    assert state(" \n", ["Avel is a town."])[0] == []


def test_a_statement_that_was_cut_off_is_not_trained_on():
    (generation,), _ = state(OUTPUT, ["Avel is a town."])
    completion = replace(
        generation.completion, text="Avel is old.\nAda is the", finish="length"
    )
    item = statements.as_item(replace(generation, completion=completion))
    assert item.chosen == "Avel is old."
