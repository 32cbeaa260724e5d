from autolearn.core.settings import StudySettings
from autolearn.study import statements
from autolearn.study.generation import Generator
from autolearn.text import model_output
from tests.support.scripted_backend import ScriptedBackend

SAID = "1. Avel was founded in 1711.\n- Ada leads Avel.\n\n1. Avel was founded in 1711."


def state(reply, texts):
    backend = ScriptedBackend(lambda request: reply)
    writer = Generator(backend, StudySettings(), lambda: False, lambda share: None)
    return statements.state(writer, texts, 3), backend


def test_statements_are_lines_without_marks_and_repeats():
    assert model_output.statements(SAID) == [
        "Avel was founded in 1711.",
        "Ada leads Avel.",
    ]


def test_what_is_stated_of_a_text_becomes_one_raw_text():
    pairs, backend = state(SAID, ["Avel is a town.", "Ada is its mayor."])
    assert [item.kind for item, _ in pairs] == ["text", "text"]
    assert pairs[0][0].chosen == "Avel was founded in 1711.\nAda leads Avel."
    assert pairs[0][1].completion.text == SAID
    turns = [request.prompt.chat[-1].content for request in backend.history]
    assert turns[1].startswith("Ada is its mayor.")
    assert "Write 3 statements" in turns[1]


def test_a_text_without_statements_is_left_out():
    assert state(" \n", ["Avel is a town."])[0] == []
