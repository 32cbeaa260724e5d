"""Changed prompts of a workspace: kept, refused, previewed and reset."""

from dataclasses import replace

import pytest

from autolearn.core.errors import PromptError
from autolearn.core.records import Answer, Feedback, Question
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.services import actions, prompt_editor
from autolearn.study import prompts
from autolearn.study.prompts.usage import USAGES
from tests.support.texts import put_passages

TEXT = "Faust is a play in verse. It was written by Goethe in Weimar."


@pytest.fixture(autouse=True)
def defaults_again():
    yield
    prompts.use(None)


@pytest.fixture
def passage(store):
    return put_passages(store, "faust.txt", [TEXT])[0]


def shorter(name="closed_book"):
    return prompts.default_text(name).replace("one full sentence", "one word")


def guided(monkeypatch, protocol="guided"):
    monkeypatch.setattr(prompt_editor, "study_protocol", lambda *_: protocol)


def test_only_changed_prompts_lie_in_the_workspace_and_can_be_reset(workspace):
    file = workspace / "prompts" / "closed_book.md"
    state = prompt_editor.save(workspace, "closed_book", shorter())
    assert state.is_changed
    assert file.read_text() == shorter()
    names = [s.name for s in prompt_editor.states(workspace) if s.is_changed]
    assert names == ["closed_book"]
    assert not prompt_editor.reset(workspace, "closed_book").is_changed
    assert list(file.parent.iterdir()) == []
    prompt_editor.save(workspace, "closed_book", shorter())
    default = prompts.default_text("closed_book").replace("\n", "\r\n")
    assert not prompt_editor.save(workspace, "closed_book", default).is_changed
    assert list(file.parent.iterdir()) == []


def test_a_refused_text_leaves_what_there_was(workspace):
    prompt_editor.save(workspace, "closed_book", shorter())
    with pytest.raises(PromptError, match=r"\$question"):
        prompt_editor.save(workspace, "closed_book", shorter().replace("$q", "q"))
    assert prompt_editor.read(workspace, "closed_book") == shorter()
    with pytest.raises(PromptError, match=r"no prompt '../x'"):
        prompt_editor.save(workspace, "../x", shorter())


def test_a_run_is_queued_with_the_changed_prompts_and_their_digests(store, passage):
    prompts.use(store.folder / prompts.FOLDER)
    prompt_editor.save(store.folder, "closed_book", shorter())
    run = actions.study(store, ModelSettings(), StudySettings())
    settings = store.runs.get(run.id).settings
    assert settings[prompts.CHANGED] == {"closed_book": shorter()}
    digest = prompts.parse("closed_book", shorter()).digest
    assert settings["prompts"]["closed_book"] == digest
    (store.folder / "prompts" / "ask.md").write_text("broken")
    with pytest.raises(PromptError, match="reset it to its default"):
        actions.study(store, ModelSettings(), StudySettings())


@pytest.mark.parametrize("protocol", ["trained", "guided", "taught"])
def test_every_prompt_has_a_preview_by_a_protocol_that_uses_it(
    store, passage, protocol, monkeypatch
):
    guided(monkeypatch, protocol)
    assert prompts.names()
    for name in prompts.names():
        text = prompts.default_text(name)
        preview = prompt_editor.preview(store, ModelSettings(), name, text, passage)
        is_own = USAGES[name].way in (
            "any",
            "trained" if protocol == "trained" else "guided",
        )
        assert (preview.shown_by == protocol) is is_own
        assert (
            preview.chat[0]
            == prompts.load(name)
            .render(**dict.fromkeys(prompts.load(name).variables, ""))
            .chat[0]
        )
        assert preview.chat[-1].role in ("user", "assistant")
        assert "$" not in preview.chat[-1].content


def test_a_preview_has_the_text_that_is_not_saved_yet(store, passage, monkeypatch):
    guided(monkeypatch)
    text = prompts.default_text("ask_sentence").replace(
        "Copy a short answer from the sentence, then", "Then"
    )
    model = ModelSettings()
    preview = prompt_editor.preview(store, model, "ask_sentence", text, passage)
    roles = [turn.role for turn in preview.chat]
    assert roles == ["system", *["user", "assistant"] * 4]
    assert preview.chat[-2].content.startswith(TEXT)
    assert preview.chat[-2].content.endswith("Then write its question.")
    assert preview.chat[-1].content == "Answer:"
    assert preview.stand_ins == ()
    assert prompt_editor.read(store.folder, "ask_sentence") != text
    german = replace(passage, text="Der Faust ist ein Stück, das von Goethe ist.")
    preview = prompt_editor.preview(store, model, "ask_sentence", text, german)
    assert "Bäckerei" in preview.chat[1].content


def test_a_preview_names_what_only_a_study_makes(store, passage, monkeypatch):
    guided(monkeypatch)
    text = prompts.default_text("mend")
    preview = prompt_editor.preview(store, ModelSettings(), "mend", text, passage)
    assert "First answer: [answer from memory]" in preview.chat[-2].content
    assert set(preview.stand_ins) == {"question", "answer from memory", "feedback"}


def test_a_preview_has_what_a_study_made_of_the_passage(store, passage, monkeypatch):
    guided(monkeypatch)
    journal = store.journal(store.runs.create("study", {}).id)
    draft = Question("Who wrote Faust?", "study", "model", passage.id)
    (question,) = journal.step("ask", lambda: [draft])
    closed_book, open_book = journal.step(
        "answer",
        lambda: [
            Answer(question.id, "closed_book", "Schiller."),
            Answer(question.id, "open_book", "Goethe.", "By Goethe.", 1.0, 0, 6),
        ],
    )
    critique = Feedback(
        closed_book.id, "critique", "By Goethe.", "incorrect", 0.1, open_book.id
    )
    journal.step("judge", lambda: [critique])
    text = prompts.default_text("mend")
    preview = prompt_editor.preview(store, ModelSettings(), "mend", text, passage)
    assert preview.chat[-2].content == (
        f"{TEXT}\n\nQuestion: Who wrote Faust?\nFirst answer: Schiller.\n"
        "Feedback: By Goethe.\nWrite a better answer, which says what the text says."
    )
    assert preview.stand_ins == ()
