"""A researcher does the whole job in the browser, with the real model and worker."""

import os
import re
import signal
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import DEFAULT_OPTIONS, Axe
from playwright.sync_api import expect

from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Decision
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import queues, run_control, worker_locks, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from autolearn.ui import page
from tests.support.labs import finish_here
from tests.support.pages import (
    PATIENCE,
    counts,
    load_anew,
    open_review,
    open_tab,
    until,
    until_begun,
    until_done,
    until_is,
    wait_until,
)
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

TABS = tuple(module.TITLE for module in page.TABS)
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}} ![b](https://x.invalid/b)"
HOSTILE_PLACES = {
    "library-documents": "Library",
    "chat-conversation": "Chat",
    "history-exports": "History",
}
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def used_workspace(tmp_path_factory):
    """A workspace with a study, 12 of its samples approved, and a short round."""
    folder = tmp_path_factory.mktemp("worked") / "workspace"
    model = ModelSettings()
    with Store.open(folder) as store:
        text = "## Orlo\n\nOrlo was founded in 1711. Orlo has 340 inhabitants."
        put_text(store, "<b>orlo</b>.md", text)
        settings = StudySettings(ask_rounds=1, paraphrases=1)
        finish_here(store, actions.study(store, model, settings))
        ids = [sample.id for sample in store.samples.find()]
        actions.decide(store, ids[1:], Decision(0, "approve", "person"))
        training = TrainSettings(max_steps=4, replay_share=0.0, only_gaps=False)
        finish_here(store, actions.train(store, model, training))
        after = {"chosen": HOSTILE, "feedback": HOSTILE, "refined": HOSTILE}
        actions.decide(store, ids[:1], Decision(0, "edit", "person", after=after))
        for column in ("left", "right"):
            origin = actions.ChatOrigin(1, 1, column)
            messages = [Message("user", f"Orlo {HOSTILE}")]
            chat = actions.chat(store, model, messages, Sampling(), origin=origin)
            finish_here(store, chat)
        store.runs.save_partial_result(
            chat.id, {"answer": HOSTILE, "evidence": HOSTILE}
        )
        run_settings = {"what": HOSTILE, "target": HOSTILE, "round_id": None}
        failed_run = store.runs.create("export", run_settings)
        store.runs.finish(failed_run.id, "failed", HOSTILE)
    return folder


@pytest.fixture(scope="module")
def used_app(start_shared, used_workspace):
    """An app on the used workspace, which all tests but the last leave as it was."""
    return start_shared(used_workspace)


def test_a_reader_decides_by_key_and_takes_it_back(visit, used_app):
    app = used_app
    page = visit(app)
    with app.store() as store:
        ids = [sample.id for sample in store.samples.find()]
        actions.decide(store, ids, Decision(0, "edit", "person", after={"gap": True}))
        store.decisions.undo_batch(store.decisions.last().id)
        before = store.samples.counts()
    open_review(page)
    page.keyboard.press("r")
    until_is(before["rejected"] + 1, lambda: counts(app)["rejected"])
    page.keyboard.press("u")
    until_is(before, lambda: counts(app))
    page.locator("#review-keys input").click()
    page.keyboard.press("r")
    page.wait_for_timeout(500)
    assert counts(app) == before


def test_forms_keep_to_their_width_in_a_narrow_window(visit, used_app):
    """The label of a checkbox shrank to a column of single letters."""
    page = visit(used_app)
    page.set_viewport_size({"width": 800, "height": 900})
    for tab, form, last in (
        ("Train", "train-settings", "train-tracker"),
        ("Review", "review-filter", "review-rule"),
    ):
        open_tab(page, tab)
        page.locator(f"#{form} button").first.click()
        expect(page.locator(f"#{last}")).to_be_visible()
        expect(page.locator(".sidebar.open")).to_be_visible()
        assert page.locator(f"#{form}").evaluate(CROWDED) == [], tab
    open_tab(page, "Chat")
    row = page.locator(".row").filter(has=page.get_by_label("Open book")).first
    expect(row).to_be_visible()
    assert row.evaluate(CROWDED) == []


CROWDED = """form => [form, ...form.querySelectorAll(
    ".row, .form, .form > .block, label:has(> [type=checkbox])")]
  .filter((part) => part.checkVisibility() && (part.matches(".form > .block")
    ? part.clientWidth < 150 : part.scrollWidth > part.clientWidth + 1))
  .map((part) => part.outerHTML.slice(0, 200))"""
"""Returns what is wider than its place in a form, and fields that are too narrow."""


def test_the_title_of_the_chosen_method_is_shown_whole(visit, used_app):
    """It was cut in a narrow column."""
    page = visit(used_app)
    page.set_viewport_size({"width": 1280, "height": 800})
    open_tab(page, "Train")
    field = page.locator("#train-method input")
    expect(field).not_to_have_value("")
    fits = "(field) => field.scrollWidth <= field.clientWidth"
    wait_until(page, partial(field.evaluate, fits))


def test_tables_fit_a_narrow_window(visit, used_app):
    """They had scrollbars of their own, with the scores of the rounds out of sight."""
    page = visit(used_app)
    page.set_viewport_size({"width": 800, "height": 900})
    expect(page.locator(".sidebar.open")).to_be_visible()

    def fits(tab, panel):
        open_tab(page, tab)
        tables = page.locator(f"#{panel} .al-scroll")
        expect(tables).not_to_have_count(0)
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        expect(tables.first).to_be_visible()
        narrow = "(t) => t.scrollWidth <= t.clientWidth + 1"
        wait_until(page, partial(tables.first.evaluate, narrow))

    fits("Evaluation", "evaluation-rounds")
    fits("History", "history-runs")
    page.locator(".sidebar.open .toggle-button").click()
    expect(page.locator(".sidebar.open")).to_have_count(0)
    fits("Library", "library-documents")
    fits("Study", "study-found")


def test_back_and_forward_go_from_tab_to_tab_and_a_reload_stays(visit, used_app):
    page = visit(used_app)

    def is_open(name):
        tab = page.get_by_role("tab", name=name, exact=True)
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(page).to_have_url(re.compile(f"#{name}$"))

    open_tab(page, "Library")
    is_open("Library")
    open_tab(page, "Chat")
    is_open("Chat")
    page.go_back()
    is_open("Library")
    page.go_forward()
    is_open("Chat")
    # The first tab opens before: the address must not name it, not even for a moment.
    page.add_init_script(
        "window.written = []; const { replaceState } = history;"
        "history.replaceState = function (...step) {"
        "window.written.push(step[2]); replaceState.apply(this, step); }"
    )
    load_anew(page, used_app)
    is_open("Chat")
    assert page.evaluate("window.written") == []
    page.go_back()
    is_open("Library")


def n_steps(store, run):
    return len(store.runs.metrics(run.id, "loss"))


def test_closing_the_page_or_killing_the_app_loses_nothing(start, visit, small):
    app = start(small)
    page, other = visit(app), visit(app)
    with app.store() as store:
        model = ModelSettings()
        settings = StudySettings(ask_rounds=1, paraphrases=1)
        actions.study(store, model, settings)
        worker_processes.ensure_worker(app.folder)
        until_begun(app, "study")
        page.close()
        until_done(app, "study")
        other.evaluate("window.dispatchEvent(new Event('focus'))")
        n_pending = counts(app)["pending"]
        assert n_pending
        expect(other.locator("#status")).to_contain_text(f"To review{n_pending}")
        actions.approve(store, "open-book")
        training = TrainSettings(max_steps=4000, replay_share=0.0, validation_share=0)
        run = actions.train(store, model, training)
        until(lambda: n_steps(store, run))
        app.end(signal.SIGKILL)
        other.close()
        app.strays.clear()  # the page that was open tells that its app is gone
        begun = n_steps(store, run)  # the worker goes on
        until(lambda: n_steps(store, run), lambda n: n > begun)
        os.kill(
            int((app.folder / queues.MODEL_QUEUE.pid_file).read_text()), signal.SIGKILL
        )
        until_is(False, lambda: worker_locks.worker_alive(app.folder))
        again = start(app.folder)
        page = visit(again)
        assert store.runs.get(run.id).state == "interrupted"
        expect(page.locator("#status")).to_contain_text("interrupted")
        n_samples = len(store.samples.find())
        run_control.resume(store, run.id)
        worker_processes.ensure_worker(app.folder)
        until_is("running", lambda: store.runs.get(run.id).state)
        run_control.cancel(store, run.id)
        until_is("cancelled", lambda: store.runs.get(run.id).state)
        assert len(store.samples.find()) == n_samples


def test_hostile_texts_are_shown_as_texts_in_every_tab(visit, used_app):
    app = used_app
    page = visit(app)
    page.on("dialog", lambda dialog: app.strays.append(f"dialog: {dialog.message}"))
    expect(page.locator("#status")).to_contain_text(HOSTILE)
    for place, tab in HOSTILE_PLACES.items():
        open_tab(page, tab)
        expect(page.locator(f"#{place}")).to_contain_text("<")
        assert page.locator("img[src=x]").count() == 0
    open_tab(page, "Library")
    expect(page.locator("#library-documents")).to_contain_text("<b>orlo<")
    open_tab(page, "Review")
    expect(page.locator("#review-card")).to_contain_text(HOSTILE)


COUNT_REQUESTS = """() => {
  const ask = window.fetch;
  window.pending = 0;
  window.fetch = (...request) => {
    window.pending += 1;
    return ask(...request).finally(() => { window.pending -= 1; });
  };
}"""
SETTLE = """() => new Promise((done) => {
  const begin = performance.now();
  let last = begin;
  const changes = new MutationObserver(() => { last = performance.now(); });
  const all = {attributes: true, characterData: true, childList: true, subtree: true};
  changes.observe(document.body, all);
  const look = () => {
    const now = performance.now();
    const is_busy = window.pending || now - last < 500;
    if (is_busy && now - begin < 10000) return setTimeout(look, 50);
    changes.disconnect();
    done();
  };
  look();
})"""
"""Waits until all requests are answered and the page has stopped to change."""


def test_every_tab_can_be_used_by_everybody_in_both_schemes(visit, used_app):
    page = visit(used_app, color_scheme="dark")
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    page.evaluate(COUNT_REQUESTS)
    for tab in TABS:
        open_tab(page, tab)
        page.evaluate(SETTLE)
        assert violations(page) == [], (tab, "dark")
        page.evaluate("document.body.classList.remove('dark')")
        page.wait_for_timeout(300)  # colours change by and by
        assert violations(page, runOnly=COLOUR_RULES) == [], (tab, "light")
        page.evaluate("document.body.classList.add('dark')")


COLOUR_RULES = ["color-contrast", "link-in-text-block"]
"""What a scheme can break; all other rules hold in both or in none."""


def violations(page, **options):
    """Return the rules of accessibility that the page breaks, and where."""
    response = Axe().run(page, options=DEFAULT_OPTIONS | options).response
    assert response["passes"], "nothing was examined"
    return [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:5])
        for rule in response["violations"]
    ]


def test_a_document_that_a_round_has_learned_from_is_deleted(visit, used_app):
    app = used_app
    before = counts(app)["approved"]
    page = visit(app)
    open_tab(page, "Library")
    page.locator("#library-documents summary").click()
    page.locator("#library-documents .al-link").first.click()
    asked = []

    def answer(dialog):
        asked.append(dialog.message)
        dialog.accept()

    page.once("dialog", answer)
    page.locator("#library-passages [data-remove]").click()
    expect(page.locator("#library-documents")).to_contain_text("No text yet")
    assert "Round 1 learned from it" in asked[0]
    open_tab(page, "Review")
    page.locator("#review-filter button").first.click()
    page.locator("#review-filter").get_by_label("approved").check()
    expect(page.locator("#review-card")).to_contain_text("founded in 1711")
    open_tab(page, "History")
    page.locator("#history-rounds .al-pick").first.click()
    expect(page.locator("#history-detail")).to_contain_text("Digest of the base")
    page.keyboard.press("Escape")
    open_tab(page, "Evaluation")
    expect(page.locator("#evaluation-rounds")).to_contain_text("trained")
    with app.store() as store:
        assert store.library.document_sizes() == []
        assert store.samples.counts()["approved"] == before
        assert store.rounds.get(1).adapter
