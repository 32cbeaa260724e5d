"""A round in the browser with the real model and worker: by one button, by hand."""

import pytest
from playwright.sync_api import expect

from tests.support.pages import (
    PATIENCE,
    begin_short_study,
    counts,
    done,
    load_anew,
    open_review,
    open_tab,
    plan_short_round,
    until_begun,
    until_done,
    until_is,
)

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)


def test_the_first_start_has_a_library_and_one_button_does_everything(
    start, visit, small
):
    app = start(small)
    page = visit(app)
    expect(page.locator("#start-about")).to_contain_text("reads your texts")
    open_tab(page, "Study")
    expect(page.locator("#study-documents")).to_be_visible()
    page.locator("#whole").click()
    expect(page.locator("#study-documents")).to_be_hidden()
    expect(page.locator("#whole")).to_be_disabled()
    load_anew(page, app)
    expect(page.locator(".al-running")).to_be_visible()
    open_tab(page, "Study")
    # Samples come once their passages have passed all stages.
    samples = page.locator("#study-found .al-pick")
    expect(samples.first).to_be_visible(timeout=4 * PATIENCE)
    until_is(["study", "quiz", "train", "quiz"], lambda: done(app), seconds=300)
    open_tab(page, "Evaluation")
    expect(page.locator("#evaluation-result")).to_contain_text("closed-book")
    with app.store() as store:
        (round_,) = store.rounds.all()
        assert round_.scores["gold_closed_book"]["right"] > 0.5
        assert store.runs.newest()[0].error is None


def test_a_round_is_made_by_hand(start, visit, small):
    app = start(small)
    page, other = visit(app), visit(app)
    study_by_hand(app, page, other)
    review_by_hand(app, page)
    train_by_hand(app, page)
    open_tab(page, "Evaluation")
    page.locator("#evaluation-take").click()
    until_done(app, "quiz")
    expect(page.locator("#evaluation-result")).to_contain_text("Gold quiz, closed-book")
    page.locator("#evaluation-keep").click()
    expect(page.get_by_text("Round 1 is kept")).to_be_visible()
    ask_by_hand(app, page)
    export_by_hand(app, page)
    open_tab(other, "Evaluation")
    expect(other.locator("#status")).to_contain_text("round 1")
    expect(other.locator("#evaluation-result")).to_contain_text("kept")
    with app.store() as store:
        in_order = [run.kind for run in reversed(store.runs.newest())]
    assert in_order == ["study", "train", "quiz", "quiz", "chat", "chat", "export"]


def study_by_hand(app, page, other):
    """Study while a page is loaded anew and another one looks on."""
    begin_short_study(page)
    until_begun(app, "study")
    load_anew(page, app)
    open_tab(other, "Study")
    until_done(app, "study")
    open_tab(page, "Study")
    for one in (page, other):
        expect(one.locator("#study-found .al-row")).to_have_count(
            counts(app)["pending"]
        )
    page.locator("#study-found .al-pick").first.click()
    expect(page.locator("#study-detail")).to_contain_text("Open-book answer")
    page.keyboard.press("Escape")
    expect(page.locator("#study-detail .al-drawer")).to_be_hidden()


def review_by_hand(app, page):
    """Approve by key, edit, reject, take back, then decide all the others at once."""
    open_review(page)
    n = counts(app)["pending"]
    card = page.locator("#review-card .al-card")
    first = card.get_attribute("aria-label")
    page.keyboard.press("a")
    until_is(1, lambda: counts(app)["approved"])
    expect(card).not_to_have_attribute("aria-label", first)
    page.keyboard.press("e")
    box = page.locator("#review-answer").get_by_role("textbox")
    expect(box).to_be_focused()
    box.fill("aaa rrr in the words of a person")
    page.keyboard.press("Control+Enter")
    expect(card).to_contain_text("person edited the answer")
    assert counts(app)["approved"] == 1, "keys are silent while one types"
    page.keyboard.press("r")
    until_is(1, lambda: counts(app)["rejected"])
    page.keyboard.press("u")
    until_is(0, lambda: counts(app)["rejected"])
    page.locator("#review-filter button").first.click()
    page.locator("#review-approve-all").click()
    expect(page.locator("#review-confirm")).to_contain_text(f"approve {n - 1} samples")
    page.locator("#review-confirm").click()
    until_is(n, lambda: counts(app)["approved"])
    expect(page.locator("#review-card")).to_contain_text("are decided")


def train_by_hand(app, page):
    """Look at the tokens, train a few steps, load the page anew in the middle."""
    plan_short_round(page)
    page.locator("#train-look").click()
    learned = page.locator("#train-tokens .al-learned")
    expect(learned.nth(1)).to_be_visible(timeout=3 * PATIENCE)  # a child loads torch
    page.locator("#train-go").click()
    until_begun(app, "train")
    load_anew(page, app)
    open_tab(page, "Train")
    until_done(app, "train")
    expect(page.locator("#train-live")).to_contain_text("Loss")
    expect(page.locator("#train-live")).to_contain_text("12 of 12")


def ask_by_hand(app, page):
    open_tab(page, "Chat")
    question = page.locator("#chat-question").get_by_role("textbox")
    question.fill("Who are you?")
    question.press("Enter")
    until_done(app, "chat")
    expect(page.locator("#chat-conversation article")).to_have_count(2)
    expect(page.locator("#chat-conversation")).not_to_contain_text("Writing")


def export_by_hand(app, page):
    open_tab(page, "History")
    page.locator("#export-go").click()
    until_done(app, "export")
    page.locator("#history-exports").get_by_role("button").first.click()
    expect(page.locator("#export-file")).to_contain_text("approved-chat")
    page.locator("#history-rounds .al-pick").first.click()
    expect(page.locator("#history-detail")).to_contain_text("Digest of the base")
