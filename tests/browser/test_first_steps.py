"""What a new user meets first: the start page, a foreign text, details in sight."""

import re

import pytest
from playwright.sync_api import expect

from autolearn.core.records import Decision
from autolearn.core.settings import ModelSettings
from autolearn.store import Store
from tests.support.pages import PATIENCE, load_anew, open_review, open_tab, until
from tests.support.texts import put_passages
from tests.support.two_models import OTHER, study

expect.set_options(timeout=PATIENCE)
PROSE = (
    "The lighthouse keeper wrote every storm into a thick notebook. When the station "
    "closed, his daughter gave the notebook to the university."
)


@pytest.fixture(scope="module")
def review_app(start_shared, tmp_path_factory):
    """An app with samples of two models on one passage.

    All tests but the last two leave it as it was.
    """
    folder = tmp_path_factory.mktemp("review") / "workspace"
    with Store.open(folder) as store:
        (passage,) = put_passages(store, "orlo.md", ["Orlo was founded in 1711."])
        study(store, OTHER, 3, passage.id, approve=False)
        study(store, ModelSettings(), 2, passage.id, approve=False)  # so it is in use
    return start_shared(folder)


def names(app):
    with app.store() as store:
        return [document.name for document in store.library.documents()]


def test_a_reload_stays_on_the_open_tab_and_the_start_leads_on(visit, small_app):
    page = visit(small_app)
    expect(page.locator("#start-about")).to_contain_text("finds out what it does not")
    page.locator("#start-ways [data-pick=tab-Library]").click()
    expect(page.locator("#library-documents")).to_be_visible()
    expect(page).to_have_url(re.compile("#Library$"))
    load_anew(page, small_app)
    expect(page.locator("#library-documents")).to_be_visible()
    expect(page.get_by_role("tab", name="Library")).to_have_attribute(
        "aria-selected", "true"
    )


def test_a_text_that_the_model_cannot_read_is_named_before_a_study(visit, small_app):
    page = visit(small_app)
    open_tab(page, "Library")
    page.locator("#library-text").get_by_role("textbox").fill(PROSE)
    page.locator("#library-name").get_by_role("textbox").fill("keeper.txt")
    page.locator("#library-add").click()
    until(lambda: names(small_app), lambda texts: "keeper.txt" in texts)
    warning = page.locator("#library-documents .al-warning")
    expect(warning).to_contain_text("can hardly read keeper.txt")
    open_tab(page, "Study")
    warning = page.locator("#study-effort .al-warning")
    expect(warning).to_contain_text("keeper.txt")
    warning.locator("[data-pick=tab-Model]").click()
    expect(page.locator("#model-about")).to_be_visible()


def test_a_sample_opens_beside_the_page_and_escape_closes_it(visit, review_app):
    page = visit(review_app)
    open_tab(page, "Study")
    expect(page.locator("#study-found .al-row")).to_have_count(2)
    row = page.locator("#study-found .al-row").first
    row.scroll_into_view_if_needed()
    place = page.evaluate("window.scrollY")
    row.click()
    drawer = page.locator("#study-detail .al-drawer")
    expect(drawer).to_be_in_viewport()
    expect(drawer).to_be_focused()
    assert page.evaluate("window.scrollY") == place
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.locator("#study-found .al-row").first).to_be_focused()
    with review_app.store() as store:
        store.decisions.decide([Decision(max(store.samples.ids()), "reject", "person")])
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#study-found")).to_contain_text("rejected")
    expect(drawer).to_be_hidden()
    page.locator("#study-found .al-row").last.click()
    expect(drawer).to_be_focused()
    with review_app.store() as store:
        store.decisions.undo_batch(store.decisions.last().id)


def test_data_of_another_model_are_hidden_until_they_are_asked_for(visit, review_app):
    page = visit(review_app)
    expect(page.locator("#status")).to_contain_text("Data of other-7b are hidden")
    open_tab(page, "Review")
    expect(page.locator("#review-progress")).to_contain_text("0 of 2 decided")
    page.locator("#status [data-pick=all-models]").click()
    expect(page.locator("#review-progress")).to_contain_text("0 of 5 decided")
    page.locator("#status [data-pick=one-model]").click()
    expect(page.locator("#review-progress")).to_contain_text("0 of 2 decided")


def test_a_document_is_renamed_found_and_deleted(visit, review_app):
    app = review_app
    page = visit(app)
    open_review(page)
    page.locator("#review-filter button").first.click()
    page.get_by_role("combobox", name="Document").click()
    page.get_by_role("option", name="orlo.md").click()
    open_tab(page, "Library")
    page.locator("#library-search").get_by_role("textbox").fill("founded 17")
    expect(page.locator("#library-found mark")).to_have_text("founded")
    page.locator("#library-found [data-pick]").click()
    page.once("dialog", lambda dialog: dialog.accept("Towns"))
    page.locator("#library-passages [data-rename]").click()
    expect(page.locator("#library-documents")).to_contain_text("Towns")
    requests = []

    def answer(dialog):
        requests.append(dialog.message)
        dialog.accept()

    page.once("dialog", answer)
    page.locator("#library-passages [data-remove]").click()
    expect(page.locator("#library-documents")).to_contain_text("No text yet")
    assert "5 samples were made from it and will stay" in requests[0]
    with app.store() as store:
        assert store.library.document_sizes() == []
        assert store.samples.counts()["pending"] == 5
    open_tab(page, "Review")
    expect(page.get_by_role("combobox", name="Document")).to_have_value("any")
    expect(page.locator("#review-approve-all")).to_have_text(
        "Approve all 2 filtered samples"
    )


def test_a_person_adds_a_pair_by_key(visit, review_app):
    page = visit(review_app)
    open_review(page)
    page.keyboard.press("n")
    question = page.locator("#review-own-question").get_by_role("textbox")
    expect(question).to_be_focused()
    question.fill("When was Orlo founded?")
    page.locator("#review-own-answer").get_by_role("textbox").fill("In 1711.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#review-note")).to_contain_text(re.compile("is added"))
    with review_app.store() as store:
        assert store.samples.counts()["approved"] == 1
