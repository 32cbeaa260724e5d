"""What a workspace keeps beside its runs: backups of it, and prompts of its own."""

import re

import pytest
from playwright.sync_api import expect

from autolearn.store import Store
from tests.support.pages import PATIENCE, open_tab

expect.set_options(timeout=PATIENCE)


def test_a_workspace_is_checked_downloaded_and_restored_beside_the_open_one(
    visit, small_app, tmp_path
):
    page, beside = visit(small_app), small_app.folder.parent
    open_tab(page, "History")
    page.get_by_role("button", name="Backup and check").click()
    report = page.locator("#workspace-report")
    page.locator("#check-go").click()
    expect(report).to_contain_text("Nothing is damaged")
    page.locator("#restore-go").click()
    expect(page.locator("#notice")).to_contain_text("Choose a backup first")
    page.locator("#backup-download").click()
    expect(report).to_contain_text("download it below")
    with page.expect_download() as download:
        page.locator("#backup-file a[download]").first.click()
    backup = tmp_path / "mine.zip"
    download.value.save_as(backup)
    chooser = page.locator("#restore-file input[type=file]")
    chooser.set_input_files(str(backup))
    expect(page.locator("#restore-file")).to_contain_text("mine")
    page.locator("#restore-go").click()
    expect(report).to_contain_text("python app.py --workspace")
    (restored,) = beside.glob("workspace-restored-*")
    expect(report).to_contain_text(str(restored))
    with small_app.store() as store, Store.open(restored) as other:
        assert other.library.documents() == store.library.documents()
        assert len(other.library.questions()) == len(store.library.questions()) > 0
    foreign = tmp_path / "foreign.zip"
    foreign.write_bytes(b"PK nothing")
    expect(page.locator("#restore-file")).not_to_contain_text("mine")
    chooser.set_input_files(str(foreign))
    expect(page.locator("#restore-file")).to_contain_text("foreign")
    page.locator("#restore-go").click()
    expect(page.locator("#notice")).to_contain_text(
        re.compile("is damaged, or no backup of autolearn")
    )
    assert len(list(beside.glob("workspace-restored-*"))) == 1


@pytest.mark.torch_model
def test_a_prompt_is_changed_previewed_and_set_back(visit, small_app):
    page = visit(small_app)
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
    changed = small_app.folder / "prompts" / "closed_book.md"
    assert "one word" in changed.read_text()
    page.locator("#prompts-reset").click()
    expect(about).not_to_contain_text("Changed in this workspace")
    expect(text).to_have_value(default)
    assert not changed.exists()


def choose(page, name):
    page.locator("#prompts-choice input").fill(name)
    page.keyboard.press("Enter")
