"""An action that cannot be done is refused on the page, with its reason."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.support.pages import PATIENCE, name_model, open_review, open_tab

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def app(start_shared):
    """An app on a new workspace, in which nothing has been studied."""
    return start_shared()


def test_what_cannot_be_done_says_why_and_the_page_continues(app, visit):
    page = visit(app)
    name_model(page, "/nowhere")
    page.keyboard.press("Enter")
    expect(page.locator("#model-about")).to_contain_text("There is no folder /nowhere")
    page.locator("#model-use").click()
    expect(page.locator("#notice")).to_contain_text("There is no folder /nowhere")
    open_review(page)
    expect(page.locator("#review-card")).to_contain_text("study a text first")
    page.keyboard.press("a")
    expect(page.get_by_text("No sample is shown")).to_be_visible()
    open_tab(page, "Train")
    expect(page.locator("#train-plan")).to_contain_text("No sample is approved")
    page.locator("#train-go").click()
    expect(page.locator("#notice")).to_contain_text("No sample is approved")
    open_tab(page, "Evaluation")
    expect(page.get_by_text("No round is finished yet. Train one")).to_be_visible()
    for button in ("take", "keep", "back"):
        expect(page.locator(f"#evaluation-{button}")).to_be_disabled()
    open_tab(page, "Library")
    expect(page.get_by_role("button", name="Exclude").first).to_be_visible()
    with closing(sqlite3.connect(app.folder / "autolearn.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        page.locator("#library-text").get_by_role("textbox").fill("Avel is a town.")
        page.locator("#library-add").click()
        expect(page.get_by_text("Another program has kept")).to_be_visible()
    page.locator("#library-add").click()
    expect(page.locator("#library-report")).to_contain_text("Added: pasted text")


def test_a_notice_disappears_after_twelve_seconds(app, visit):
    page = visit(app)
    page.clock.install()
    open_tab(page, "Train")
    shown = page.locator("#notice .al-notice")
    message = shown.get_by_text("No sample is approved")
    page.locator("#train-go").click()
    expect(message).to_be_visible()
    first = shown.get_attribute("data-time") or ""
    page.clock.fast_forward(8000)
    page.locator("#train-go").click()
    expect(shown).not_to_have_attribute("data-time", first)
    page.clock.fast_forward(8000)
    expect(message).to_be_visible()
    page.clock.fast_forward(5000)
    expect(message).to_be_hidden()
    page.locator("#train-go").click()
    expect(message).to_be_visible()
    message.click()
    expect(message).to_be_hidden()
