"""Answers of the server that arrive late: what is seen is what a click acts on."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from autolearn.store import Store
from tests.support.pages import (
    EVENT_JS,
    PATIENCE,
    App,
    LateAnswer,
    number_of,
    open_tab,
    wait_until,
)
from tests.support.reviews import filled
from tests.support.texts import put_passages

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def app(start_shared, tmp_path_factory):
    """An app with three samples to decide on, and two runs."""
    folder = tmp_path_factory.mktemp("order") / "workspace"
    with Store.open(folder) as store:
        filled(store, 3)
        put_passages(store, "papers/a.txt", ["Orlo was founded in 1711."])
        store.runs.create("export", {"what": "chat", "target": "a", "round_id": None})
        for run in store.runs.in_state("queued"):
            store.runs.finish(run.id, "done")
    return start_shared(folder)


def reviewing(visit: Any, app: App) -> tuple[Page, int]:
    """Return a page that shows a sample to decide on, and its id."""
    page = visit(app)
    open_tab(page, "Review")
    return page, seen_sample(page)


def seen_sample(page: Page, other_than: int = 0) -> int:
    card = page.locator("#review-card .al-card").first
    expect(card).to_have_attribute("aria-label", re.compile(r"^Sample \d+$"))
    expect(card).not_to_have_attribute("aria-label", f"Sample {other_than}")
    return int((card.get_attribute("aria-label") or "").removeprefix("Sample "))


def next_decision(page: Page, app: App, version: int) -> tuple[int, str]:
    """Return the sample and the action of the decision after a version; undo it."""
    with app.store() as store:
        wait_until(page, lambda: store.decisions.version() > version)
        decision = store.decisions.last()
        assert decision
        store.decisions.undo_batch(decision.id)
    return decision.sample_id, decision.action


def test_a_decision_is_on_the_sample_that_is_seen(visit, app):
    """The server had gone on to the next sample, and the decision was on that one."""
    page, seen = reviewing(visit, app)
    with app.store() as store:
        version = store.decisions.version()
    late = LateAnswer(page, "review-skip", "click")
    page.locator("#review-skip").click()
    late.wait()
    assert seen_sample(page) == seen
    page.locator("#review-reject").click()
    assert next_decision(page, app, version) == (seen, "reject")
    late.arrive()


def test_texts_are_saved_to_the_sample_that_they_are_of(visit, app):
    """They replaced those of the sample that was shown in the meantime."""
    page, edited = reviewing(visit, app)
    with app.store() as store:
        version = store.decisions.version()
    late = LateAnswer(page, "review-edit", "click")
    page.locator("#review-edit").click()
    late.wait()
    page.locator("#review-next").click()
    seen_sample(page, other_than=edited)
    late.arrive()
    answer = page.locator("#review-answer textarea")
    expect(answer).not_to_have_value("")
    answer.fill("In the words of a person")
    page.locator("#review-save").click()
    assert next_decision(page, app, version) == (edited, "edit")


def test_of_two_choices_the_second_is_drawn(visit, app):
    """It was dropped while the first was being drawn."""
    page = visit(app)
    open_tab(page, "History")
    picks = page.locator("#history-runs .al-link")
    expect(picks.nth(1)).to_be_visible()
    chosen = picks.nth(1).inner_text()
    late = LateAnswer(page, "history-runs", "click", then=True)
    pick = page.evaluate(EVENT_JS, ["history-runs", "click", False])
    picks.nth(0).click()
    late.wait()
    with page.expect_response(lambda answer: number_of(answer.request) == pick):
        # Not by the mouse: a refresh may have drawn the first one above the list.
        picks.nth(1).dispatch_event("click")
    page.wait_for_timeout(300)  # it asks for its drawing
    late.arrive()
    drawer = page.locator("#history-detail .al-drawer")
    expect(drawer).to_have_attribute("aria-label", chosen)


def test_a_typed_model_is_drawn_while_the_one_before_is(visit, app):
    """The answer about the one before came later, and stayed."""
    page = visit(app)
    open_tab(page, "Model")
    about = page.locator("#model-about")
    expect(about.locator("h3")).to_have_text("built-in")
    late = LateAnswer(page, "model-loading", "change")
    with app.store() as store:
        store.runs.create("export", {"what": "chat", "target": "a", "round_id": None})
        for run in store.runs.in_state("queued"):
            store.runs.finish(run.id, "done")
    page.evaluate("document.querySelector('#look').click()")
    late.wait()
    page.locator("#model-name textarea").fill("nowhere")
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)  # it asks for its drawing
    late.arrive()
    expect(about).to_contain_text("nowhere")


def test_a_row_stays_pressed_and_focused_while_others_are_added(visit, app):
    """The button in its place had become that of another row."""
    page = visit(app)
    open_tab(page, "Study")
    page.locator("#study-show").get_by_label("All samples").check()
    rows = page.locator("#study-found .al-row")
    expect(rows).to_have_count(3)
    key = rows.first.get_attribute("data-pick") or ""
    rows.first.hover()
    page.mouse.down()
    with app.store() as store:
        filled(store, 1, words="more")
        for run in store.runs.in_state("queued"):
            store.runs.finish(run.id, "done")
    page.evaluate("document.querySelector('#look').click()")
    expect(rows).to_have_count(4)
    assert rows.first.get_attribute("data-pick") != key
    assert page.evaluate("document.activeElement.dataset.pick") == key
    page.mouse.up()
    drawer = page.locator("#study-detail .al-drawer")
    expect(drawer).to_have_attribute("aria-label", f"Sample {key.removeprefix('s')}")


def test_what_is_unfolded_stays_so_while_it_changes(visit, app):
    """Each step of a run folded it again."""
    page = visit(app)
    open_tab(page, "Library")
    folder = page.locator("#library-documents details").filter(has_text="papers/")
    folder.locator("summary").click()
    expect(folder.locator("table")).to_be_visible()
    with app.store() as store:
        put_passages(store, "papers/b.txt", ["Orlo was founded in 1711."])
    page.evaluate("document.querySelector('#look').click()")
    expect(folder).to_contain_text("2 documents")
    expect(folder.locator("table")).to_be_visible()
    folder.locator("summary").click()
    expect(folder.locator("table")).to_be_hidden()
