"""What the page shows of prompts, and that texts in them stay texts."""

from autolearn.core.model_calls import Message
from autolearn.services import prompt_editor
from autolearn.services.prompt_editor import PromptPreview
from autolearn.study import prompts
from autolearn.ui.views import prompts as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def test_a_prompt_says_when_it_is_used_and_whether_it_is_changed(workspace):
    states = prompt_editor.states(workspace)
    drawn = views.about(states, "closed_book")
    assert "from memory" in drawn
    assert "made anew" in drawn
    assert "Changed in this workspace" not in drawn
    text = prompts.default_text("closed_book").replace("full", "short")
    prompt_editor.save(workspace, "closed_book", text)
    states = prompt_editor.states(workspace)
    assert "Changed in this workspace: closed_book." in views.about(states, "ask")
    assert "al-pending" in views.about(states, "closed_book")


def test_a_file_broken_by_hand_is_named(workspace):
    (workspace / "prompts").mkdir(parents=True)
    (workspace / "prompts" / "ask.md").write_text(HOSTILE)
    drawn = views.about(prompt_editor.states(workspace), None)
    assert "needs the parts" in drawn
    assert drawn.count("<tr>") == 1 + len(prompts.names())


def test_a_preview_shows_each_turn_and_obeys_none():
    chat = (
        Message("system", HOSTILE),
        Message("user", HOSTILE),
        Message("assistant", HOSTILE),
    )
    made = PromptPreview("trained", "guided", chat, ("question",))
    drawn = views.preview(made, f"{HOSTILE}, passage 1")
    assert drawn.count("<pre") == 3
    assert "beginning of the answer" in drawn
    assert "does not use this prompt" in drawn
    assert "<img" not in drawn
    assert "${" not in drawn
    assert "{{" not in drawn
