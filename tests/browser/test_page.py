"""A researcher does the whole job in the browser, with the real model and worker."""

import os
import re
import shutil
import signal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from autolearn.core.model_calls import Message, Sampling
from autolearn.core.records import Decision
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.runs import queues, run_control, worker_locks, worker_processes
from autolearn.services import actions
from autolearn.store import Store
from autolearn.ui import page
from tests.support.pages import PATIENCE, load_anew, open_tab, until
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

TABS = tuple(module.TITLE for module in page.TABS)
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}} ![b](https://x.invalid/b)"
HOSTILE_PLACES = {
    "library-documents": "Library",
    "ask-conversation": "Chat",
    "history-exports": "History",
}
expect.set_options(timeout=PATIENCE)


def counts(app):
    with app.store() as store:
        return store.samples.counts()


def kinds(app, *states):
    with app.store() as store:
        return [run.kind for run in store.runs.in_state(*states)]


@pytest.fixture(scope="module")
def used_workspace(tmp_path_factory):
    """A workspace with a study, 12 of its samples approved, and a short round."""
    folder = tmp_path_factory.mktemp("worked") / "workspace"
    model = ModelSettings()
    with Store.open(folder) as store:
        text = "## Orlo\n\nOrlo was founded in 1711. Orlo has 340 inhabitants."
        put_text(store, "<b>orlo</b>.md", text)
        settings = StudySettings(ask_rounds=1, paraphrases=1)
        for run in (actions.study(store, model, settings),):
            worker_processes.ensure_worker(folder)
            assert run_control.wait(store, run.id).state == "done"
        ids = [sample.id for sample in store.samples.find()]
        actions.decide(store, ids[1:], Decision(0, "approve", "person"))
        training = TrainSettings(max_steps=4, replay_share=0.0, only_gaps=False)
        run = actions.train(store, model, training)
        assert run_control.wait(store, run.id).state == "done"
        after = {"chosen": HOSTILE, "feedback": HOSTILE, "refined": HOSTILE}
        actions.decide(store, ids[:1], Decision(0, "edit", "person", after=after))
        for column in ("left", "right"):
            origin = actions.ChatOrigin(1, 1, column)
            messages = [Message("user", f"Orlo {HOSTILE}")]
            chat = actions.chat(store, model, messages, Sampling(), origin=origin)
            assert run_control.wait(store, chat.id).state == "done"
        store.runs.save_partial_result(
            chat.id, {"answer": HOSTILE, "evidence": HOSTILE}
        )
        run_settings = {"what": HOSTILE, "target": HOSTILE, "round_id": None}
        failed_run = store.runs.create("export", run_settings)
        store.runs.finish(failed_run.id, "failed", HOSTILE)
    assert worker_processes.stop_worker(folder)
    return folder


@pytest.fixture(scope="module")
def used_app(start_shared, used_workspace):
    """An app on a copy of the used workspace, which tests leave as it was."""
    folder = used_workspace.with_name("shared")
    shutil.copytree(used_workspace, folder)
    return start_shared(folder)


def test_the_first_start_has_a_library_and_one_button_does_everything(
    start, visit, small
):
    app = start(small)
    page = visit(app)
    expect(page.locator("#start-about")).to_contain_text("reads your texts")
    page.locator("#whole").click()
    until(lambda: kinds(app, "running"))
    expect(page.locator("#whole")).to_be_disabled()
    load_anew(page, app)
    expect(page.locator(".al-running")).to_be_visible()
    open_tab(page, "Study")
    expect(page.locator("#study-documents")).to_be_hidden()
    # Samples come once their passages have passed all stages.
    samples = page.locator("#study-found .al-pick")
    expect(samples.first).to_be_visible(timeout=4 * PATIENCE)
    until(lambda: kinds(app, "done") == ["study", "quiz", "train", "quiz"], 300)
    open_tab(page, "Evaluation")
    expect(page.locator("#proof-result")).to_contain_text("closed-book")
    with app.store() as store:
        (round_,) = store.rounds.all()
        assert round_.scores["gold_closed_book"]["right"] > 0.5
        assert store.runs.newest()[0].error is None


def fill(page, place, value):
    page.locator(f"#{place}").get_by_role("spinbutton").last.fill(str(value))


def ended(app, kind):
    """Return whether all runs of a kind are done, and there is one."""
    with app.store() as store:
        states = [run.state for run in store.runs.newest() if run.kind == kind]
    assert not {"failed", "interrupted"} & set(states)
    return bool(states) and set(states) == {"done"}


def test_a_round_is_made_by_hand(start, visit, small):
    app = start(small)
    page, other = visit(app), visit(app)
    study_by_hand(app, page, other)
    review_by_hand(app, page)
    train_by_hand(app, page)
    open_tab(page, "Evaluation")
    page.locator("#proof-take").click()
    until(lambda: ended(app, "quiz"))
    expect(page.locator("#proof-result")).to_contain_text("Gold quiz, closed-book")
    page.locator("#proof-keep").click()
    expect(page.get_by_text("Round 1 is kept")).to_be_visible()
    ask_by_hand(app, page)
    export_by_hand(app, page)
    open_tab(other, "Evaluation")
    expect(other.locator("#status")).to_contain_text("round 1")
    expect(other.locator("#proof-result")).to_contain_text("kept")
    with app.store() as store:
        kinds = [run.kind for run in reversed(store.runs.newest())]
    assert kinds == ["study", "train", "quiz", "quiz", "chat", "chat", "export"]


def study_by_hand(app, page, other):
    """Study while a page is loaded anew and another one looks on."""
    open_tab(page, "Study")
    fill(page, "study-ask_rounds", 1)
    fill(page, "study-paraphrases", 1)
    page.locator("#study").click()
    until(lambda: kinds(app, "running"))
    load_anew(page, app)
    open_tab(other, "Study")
    until(lambda: ended(app, "study"))
    open_tab(page, "Study")
    for one in (page, other):
        expect(one.locator("#study-found .al-row")).to_have_count(
            counts(app)["pending"]
        )
    page.locator("#study-found .al-pick").first.click()
    expect(page.locator("#study-detail")).to_contain_text("Open-book answer")
    page.keyboard.press("Escape")
    expect(page.locator("#study-detail .al-drawer")).to_have_count(0)


def review_by_hand(app, page):
    """Approve by key, edit, reject, take back, then decide all the others at once."""
    open_tab(page, "Review")
    n = counts(app)["pending"]
    card = page.locator("#review-card .al-card")
    first = card.get_attribute("aria-label")
    page.keyboard.press("a")
    until(lambda: counts(app)["approved"] == 1)
    expect(card).not_to_have_attribute("aria-label", first)
    page.keyboard.press("e")
    box = page.locator("#review-answer").get_by_role("textbox")
    expect(box).to_be_focused()
    box.fill("aaa rrr in the words of a person")
    page.keyboard.press("Control+Enter")
    expect(card).to_contain_text("person edited the answer")
    assert counts(app)["approved"] == 1, "keys are silent while one types"
    page.keyboard.press("r")
    until(lambda: counts(app)["rejected"] == 1)
    page.keyboard.press("u")
    until(lambda: counts(app)["rejected"] == 0)
    page.locator("#review-filter button").first.click()
    page.locator("#review-approve-all").click()
    expect(page.locator("#review-confirm")).to_contain_text(f"approve {n - 1} samples")
    page.locator("#review-confirm").click()
    until(lambda: counts(app)["approved"] == n)
    expect(page.locator("#review-card")).to_contain_text("are decided")


def train_by_hand(app, page):
    """Look at the tokens, train a few steps, load the page anew in the middle."""
    open_tab(page, "Train")
    fill(page, "train-replay_weight", 0)
    fill(page, "train-max_steps", 12)
    page.locator("#train-look").click()
    learned = page.locator("#train-tokens .al-learned")
    expect(learned.nth(1)).to_be_visible(timeout=3 * PATIENCE)  # a child loads torch
    page.locator("#train-go").click()
    until(lambda: "train" in kinds(app, "running"))
    load_anew(page, app)
    open_tab(page, "Train")
    until(lambda: ended(app, "train"))
    expect(page.locator("#train-live")).to_contain_text("Loss")
    expect(page.locator("#train-live")).to_contain_text("12 of 12")


def ask_by_hand(app, page):
    open_tab(page, "Chat")
    question = page.locator("#ask-question").get_by_role("textbox")
    question.fill("Who are you?")
    question.press("Enter")
    until(lambda: ended(app, "chat"))
    expect(page.locator("#ask-conversation article")).to_have_count(2)
    expect(page.locator("#ask-conversation")).not_to_contain_text("Writing")


def export_by_hand(app, page):
    open_tab(page, "History")
    page.locator("#export-go").click()
    until(lambda: ended(app, "export"))
    page.locator("#history-exports").get_by_role("button").first.click()
    expect(page.locator("#export-file")).to_contain_text("approved-chat")
    page.locator("#history-rounds .al-pick").first.click()
    expect(page.locator("#history-round")).to_contain_text("Digest of the base")


def test_a_reader_decides_by_key_and_takes_it_back(visit, used_app):
    app = used_app
    page = visit(app)
    with app.store() as store:
        ids = [sample.id for sample in store.samples.find()]
        actions.decide(store, ids, Decision(0, "edit", "person", after={"gap": True}))
        store.decisions.undo_batch(store.decisions.last().id)
        before = store.samples.counts()
    open_tab(page, "Review")
    expect(page.locator("#review-card .al-card").first).to_be_visible()
    page.keyboard.press("r")
    until(lambda: counts(app)["rejected"] == before["rejected"] + 1)
    page.keyboard.press("u")
    until(lambda: counts(app) == before)
    page.locator("#review-keys input").click()
    page.keyboard.press("r")
    page.wait_for_timeout(500)
    assert counts(app) == before


def test_closing_the_page_or_killing_the_app_loses_nothing(start, visit, small):
    app = start(small)
    with app.store() as store:
        model = ModelSettings()
        settings = StudySettings(ask_rounds=1, paraphrases=1)
        study = actions.study(store, model, settings)
        worker_processes.ensure_worker(app.folder)
        page, other = visit(app), visit(app)
        page.close()
        until(lambda: store.runs.get(study.id).state == "done")
        expect(other.locator("#status")).to_contain_text("To review")
        actions.approve(store, "open-book")
        training = TrainSettings(max_steps=4000, replay_share=0.0, validation_share=0)
        run = actions.train(store, model, training)
        until(lambda: store.runs.metrics(run.id, "loss"))
        app.end(signal.SIGKILL)
        other.close()
        app.strays.clear()  # the page that was open tells that its app is gone
        assert store.runs.get(run.id).state == "running", "the worker goes on"
        os.kill(
            int((app.folder / queues.MODEL_QUEUE.pid_file).read_text()), signal.SIGKILL
        )
        until(lambda: not worker_locks.worker_alive(app.folder))
        again = start(app.folder)
        page = visit(again)
        assert store.runs.get(run.id).state == "interrupted"
        expect(page.locator("#status")).to_contain_text("interrupted")
        n_samples = len(store.samples.find())
        run_control.resume(store, run.id)
        worker_processes.ensure_worker(app.folder)
        until(lambda: store.runs.get(run.id).state == "running")
        run_control.cancel(store, run.id)
        until(lambda: store.runs.get(run.id).state == "cancelled")
        assert len(store.samples.find()) == n_samples


def test_hostile_texts_are_shown_as_texts_in_every_tab(visit, used_app):
    app = used_app
    page = visit(app)
    page.on("dialog", lambda dialog: app.strays.append(f"dialog: {dialog.message}"))
    expect(page.locator("#status")).to_contain_text(HOSTILE)
    for place, tab in HOSTILE_PLACES.items():
        open_tab(page, tab)
        expect(page.locator(f"#{place}")).to_contain_text("<")
        page.wait_for_timeout(300)
        assert page.locator("img[src=x]").count() == 0
    open_tab(page, "Library")
    expect(page.locator("#library-documents")).to_contain_text("<b>orlo<")
    open_tab(page, "Review")
    expect(page.locator("#review-card")).to_contain_text(HOSTILE)


def test_texts_come_in_by_paste_and_by_file_and_bad_ones_say_why(
    start, visit, tmp_path
):
    page = visit(start())
    open_tab(page, "Library")
    page.locator("#library-text").get_by_role("textbox").fill(
        "Avel was founded in 1711."
    )
    page.locator("#library-name").get_by_role("textbox").fill("avel.txt")
    page.locator("#library-add").click()
    expect(page.locator("#library-report")).to_contain_text("Added: avel.txt")
    expect(page.locator("#library-documents")).to_contain_text("avel.txt")
    empty, good = tmp_path / "empty.txt", tmp_path / "good.md"
    empty.write_text(" ")
    good.write_text("# Good\n\nGood was founded in 1811.")
    chooser = page.locator("#library-files input[type=file]")
    chooser.set_input_files([str(empty), str(good)])
    expect(page.locator("#library-files")).to_contain_text("good .md")
    page.locator("#library-add").click()
    expect(page.locator("#library-report")).to_contain_text("empty.txt is empty")
    expect(page.locator("#library-documents")).to_contain_text("good.md")
    page.locator("#library-add").click()
    expect(page.get_by_text("Choose files or paste a text first.")).to_be_visible()


def test_every_tab_can_be_used_by_everybody_in_both_schemes(visit, used_app):
    page = visit(used_app, color_scheme="dark")
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(1500)
        for scheme in ("dark", "light"):
            page.evaluate(
                "dark => document.body.classList.toggle('dark', dark)", scheme == "dark"
            )
            page.wait_for_timeout(300)  # colours change by and by
            assert violations(page) == [], (tab, scheme)


def violations(page):
    """Return the rules of accessibility that the page breaks, and where."""
    response = Axe().run(page).response
    assert response["passes"], "nothing was examined"
    return [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:5])
        for rule in response["violations"]
    ]


def test_a_second_app_on_the_workspace_says_where_the_first_is(start, used_app):
    with pytest.raises(
        AssertionError, match=re.escape(f"open already, at {used_app.url}")
    ):
        start(used_app.folder)


def test_a_document_that_a_round_has_learned_from_is_deleted(
    start, visit, used_workspace
):
    folder = used_workspace.with_name("without the document")
    shutil.copytree(used_workspace, folder)
    app = start(folder)
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
    expect(page.locator("#history-round")).to_contain_text("Digest of the base")
    page.keyboard.press("Escape")
    open_tab(page, "Evaluation")
    expect(page.locator("#proof-rounds")).to_contain_text("trained")
    with app.store() as store:
        assert store.library.document_sizes() == []
        assert store.samples.counts()["approved"] == before
        assert store.rounds.get(1).adapter
