"""What the page shows of prompts, and that texts in them stay texts."""

from autolearn.core.model_calls import Message
from autolearn.services import prompt_editor
from autolearn.services.prompt_editor import PromptPreview
from autolearn.study import prompts
from autolearn.ui.session import Session
from autolearn.ui.tabs import prompts as prompts_tab
from autolearn.ui.views import prompts as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def test_a_prompt_says_when_it_is_used_and_whether_it_is_changed(workspace):
    states = prompt_editor.states(workspace)
    markup = views.about(states, "closed_book")
    assert "from memory" in markup
    assert "made again" in markup
    assert "Changed in this workspace" not in markup
    text = prompts.default_text("closed_book").replace("full", "short")
    prompt_editor.save(workspace, "closed_book", text)
    states = prompt_editor.states(workspace)
    assert "Changed in this workspace: closed_book." in views.about(states, "ask")
    assert "al-pending" in views.about(states, "closed_book")


def test_a_file_broken_by_hand_is_named(workspace):
    (workspace / "prompts").mkdir(parents=True)
    (workspace / "prompts" / "ask.md").write_text(HOSTILE)
    markup = views.about(prompt_editor.states(workspace), None)
    assert "needs the parts" in markup
    assert markup.count("<tr>") == 1 + len(prompts.names())


def test_a_preview_shows_each_turn_and_obeys_none():
    chat = (
        Message("system", HOSTILE),
        Message("user", HOSTILE),
        Message("assistant", HOSTILE),
    )
    preview = PromptPreview("trained", "guided", chat, ("question",))
    markup = views.preview(preview, f"{HOSTILE}, passage 1")
    assert markup.count("<pre") == 3
    assert "beginning of the answer" in markup
    assert "does not use this prompt" in markup
    assert "<img" not in markup
    assert "${" not in markup
    assert "{{" not in markup


def test_what_is_not_saved_is_there_when_the_prompt_is_chosen_again(workspace):
    """To look at another prompt lost what had been changed in this one."""
    session = Session(workspace)
    default, edits = prompts_tab._first(session)
    first, other = edits.name, "closed_book"
    mine = default + "mine"
    text, edits, *_ = prompts_tab._open(session, other, mine, edits)
    assert text == prompts.default_text(other)
    text, edits, *_ = prompts_tab._open(session, first, text, edits)
    assert text == mine
    text, edits, _ = prompts_tab._reset(session, first, edits)
    assert text == default
    text, edits, *_ = prompts_tab._open(session, other, text, edits)
    text, edits, *_ = prompts_tab._open(session, first, text, edits)
    assert text == default


def test_a_prompt_that_another_window_has_changed_is_replaced_after_a_question(
    workspace,
):
    """What the other had saved was lost without a word."""
    session, name = Session(workspace), "closed_book"
    default = prompts.default_text(name)
    theirs, mine = (
        default.replace("one full sentence", words) for words in ("a word", "a line")
    )
    _, edits, *_ = prompts_tab._open(session, name, "", prompts_tab._Edits())
    prompt_editor.save(workspace, name, theirs)
    edits, about = prompts_tab._save(session, name, mine, edits)
    assert "was changed elsewhere" in about
    assert prompt_editor.read(workspace, name) == theirs
    edits, about = prompts_tab._save(session, name, mine, edits)
    assert "was changed elsewhere" not in about
    assert prompt_editor.read(workspace, name) == mine
    prompts_tab._save(session, name, theirs, edits)
    assert prompt_editor.read(workspace, name) == theirs
