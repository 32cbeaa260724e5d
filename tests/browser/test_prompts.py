"""A person changes a prompt, sees what the model would be asked, and sets it back."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.pages import PATIENCE, open_tab

pytestmark = pytest.mark.torch_model
expect.set_options(timeout=PATIENCE)


def test_a_prompt_is_changed_previewed_and_set_back(start, visit, small):
    app = start(small)
    page = visit(app)
    open_tab(page, "Study")
    page.locator("#prompts > button").click()
    text = page.locator("#prompts-text textarea")
    expect(text).not_to_have_value("")  # filled in as the page is loaded
    choose(page, "closed_book")
    expect(text).to_have_value(re.compile(r"one full sentence"))
    about = page.locator("#prompts-about")
    expect(about).to_contain_text("default")
    default = text.input_value()
    text.fill(default.replace("$question", "Who?"))
    page.locator("#prompts-save").click()
    expect(page.locator("#notice")).to_contain_text("needs $question")
    text.fill(default.replace("one full sentence", "<b>one word</b>"))
    choose(page, "ask")
    expect(text).not_to_have_value(re.compile(r"one word"))
    choose(page, "closed_book")
    expect(text).to_have_value(re.compile(r"one word"))
    page.locator("#prompts-save").click()
    expect(about).to_contain_text("Changed in this workspace: closed_book.")
    page.locator("#prompts-look").click()
    expect(page.locator("#prompts-preview")).to_contain_text("<b>one word</b>")
    changed = app.folder / "prompts" / "closed_book.md"
    assert "one word" in changed.read_text()
    page.locator("#prompts-reset").click()
    expect(about).not_to_contain_text("Changed in this workspace")
    expect(text).to_have_value(default)
    assert not changed.exists()


def choose(page, name):
    page.locator("#prompts-choice input").fill(name)
    page.keyboard.press("Enter")
