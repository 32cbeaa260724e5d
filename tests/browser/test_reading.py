"""How documents and corpora come in, by clicks: a person sees doubts and decides."""

import json
import os
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.support.corpora import rows
from tests.support.pages import PATIENCE, fill, open_tab, runs, until

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)

SIZES = (800, 1280, 1920)


@pytest.fixture(scope="module")
def app(start_shared):
    """An app to which each test adds a document or a corpus of its own."""
    return start_shared()


def add(page, app, *files):
    """Add files on the page, and wait until they have been read."""
    open_tab(page, "Library")
    page.locator("#library-files input[type=file]").set_input_files(
        [str(file) for file in files]
    )
    expect(page.locator("#library-files")).to_contain_text(files[-1].stem)
    with new_run(app):
        page.locator("#library-add").click()


@contextmanager
def new_run(app):
    """Wait until a run that begins within the block has ended."""

    def states():
        return [run.state for run in runs(app)]

    n = len(states())
    yield
    until(states, lambda now: len(now) > n and set(now) == {"done"})


def texts(app):
    """Return the passages of the newest document."""
    with app.store() as store:
        newest = store.library.documents()[-1].id
        return [passage.text for passage in store.library.passages([newest])]


def picture(page, name):
    """Keep pictures of the tab in a folder that a person looks at, if one is named."""
    folder = os.environ.get("AUTOLEARN_PICTURES")
    if not folder:
        return
    for width in SIZES:
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(
                "dark => document.body.classList.toggle('dark', dark)",
                scheme == "dark",
            )
            page.screenshot(
                path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True
            )
    page.evaluate("document.body.classList.remove('dark')")
    page.set_viewport_size({"width": 1280, "height": 800})


def has_overflow(page):
    """Return whether something of the document is wider than its panel."""
    return page.evaluate(
        "() => { const p = document.querySelector('#library-passages');"
        " return p.scrollWidth > p.clientWidth + 1; }"
    )


def test_a_corpus_comes_in_is_shown_under_train_and_is_removed(app, visit, tmp_path):
    page = visit(app)
    open_tab(page, "Library")
    listing = page.locator("#library-corpora")
    expect(listing).to_contain_text("No gold corpus yet")
    page.get_by_text("Add gold examples to teach meta-skills").click()
    page.locator("#library-corpus-take").click()
    expect(page.locator("#notice")).to_contain_text("Choose a corpus file first")
    file = tmp_path / "towns.jsonl"
    file.write_text("\n".join(map(json.dumps, [*rows(), {"text": "no question"}])))
    page.locator("#library-corpus input[type=file]").set_input_files(str(file))
    expect(page.locator("#library-corpus")).to_contain_text("towns .jsonl")
    page.locator("#library-licence").get_by_role("textbox").fill("CC0")
    page.locator("#library-corpus-take").click()
    report = page.locator("#library-corpora-report")
    expect(report).to_contain_text("Added: corpus towns.jsonl, 30 examples on 30 texts")
    expect(report).to_contain_text("towns.jsonl: Line 31 lacks question.")
    expect(listing).to_contain_text("CC0")
    page.locator("#library-corpus-make").click()
    expect(listing).to_contain_text("invented world")
    listing.get_by_label("Exclude: corpus invented world").click()
    expect(listing).to_contain_text("excluded")
    open_tab(page, "Train")
    plan = page.locator("#train-plan")
    # Drawn together with the values of the preset.
    expect(plan).not_to_contain_text("Reading the approved samples")
    page.get_by_role("button", name="More settings").click()
    fill(page, "train-rank", 12)
    page.locator("#train-method input").click()
    page.get_by_role("option", name="SELF meta-skills").click()
    expect(plan).to_contain_text("towns.jsonl")
    expect(plan).not_to_contain_text("invented world")
    expect(plan).to_contain_text("ask ")
    expect(plan).to_contain_text("Ready to train")
    expect(page.locator("#train-rank input")).to_have_value("12")
    open_tab(page, "Library")
    page.on("dialog", lambda dialog: dialog.accept())
    for name in ("towns.jsonl", "invented world"):
        listing.get_by_label(f"Remove: corpus {name}").click()
    expect(listing).to_contain_text("No gold corpus yet")


def test_texts_come_in_by_paste_and_by_file_and_bad_ones_say_why(app, visit, tmp_path):
    page = visit(app)
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


def test_another_encoding_is_chosen_by_its_preview(app, visit, tmp_path):
    page = visit(app)
    file = tmp_path / "kamil.txt"
    text = "Młyn spłonął w 1877 roku. Żółta łódź stoi przy moście.\n"
    file.write_bytes(text.encode("cp1250"))
    add(page, app, file)
    panel = page.locator("#library-passages")
    page.locator("#library-documents").get_by_text("kamil.txt").last.click()
    expect(panel).to_contain_text("chosen by likelihood")
    expect(panel).to_contain_text("Windows-1250, Central European")
    picture(page, "encoding")
    with new_run(app):
        panel.get_by_label("Use this encoding: Windows-1252").click()
    expect(panel.locator("[data-passage]")).to_contain_text("M³yn")
    expect(page.locator("#library-report")).to_contain_text("Read again: kamil.txt")
    panel.get_by_text("Encoding: Windows-1252").click()
    with new_run(app):
        panel.get_by_label("Use this encoding: Windows-1250").click()
    expect(panel.locator("[data-passage]")).to_contain_text("Młyn")
    assert texts(app) == [text]


def test_columns_are_mapped_and_rows_read_again(app, visit, tmp_path):
    page = visit(app)
    file = tmp_path / "towns.csv"
    file.write_text(
        "id,title,text,built\n1,Avel,The mill burned.,1712\n2,,,\n3,Orlo,It is old.,\n"
    )
    add(page, app, file)
    panel = page.locator("#library-passages")
    page.locator("#library-documents").get_by_text("towns.csv").last.click()
    expect(panel).to_contain_text("1 row was skipped: blank row (row 3).")
    expect(panel).to_contain_text("built: 1712")
    panel.get_by_text("Columns: 4").click()
    panel.get_by_label("built: Left out").click()
    expect(panel.get_by_label("built: Left out")).to_have_attribute(
        "aria-pressed", "true"
    )
    panel.get_by_label("id: “name: value”").click()
    expect(panel.locator(".al-card").first).to_contain_text("id: 1")
    picture(page, "columns")
    with new_run(app):
        panel.get_by_text("Read with these columns").click()
    expect(panel.locator("[data-passage]").first).to_contain_text("id: 1")
    assert texts(app) == [
        "## Avel\n\nid: 1\n\nThe mill burned.\n\n",
        "## Orlo\n\nid: 3\n\nIt is old.\n\n",
    ]


def test_exclusions_are_taken_in_and_stretches_left_out(app, visit, tmp_path):
    page = visit(app)
    file = tmp_path / "page.html"
    file.write_text(
        "<html><body><nav>Home News</nav><h1>Avel</h1><p>The mill burned in 1877. "
        "See page 7 for 🏭 more. Kell left.</p><footer>Printed in Orlo</footer></body>"
    )
    add(page, app, file)
    panel = page.locator("#library-passages")
    page.locator("#library-documents").get_by_text("page.html").last.click()
    expect(panel).to_contain_text("Left out: 2 parts: ")
    panel.get_by_text("Next to the text of the file").click()
    expect(panel.locator(".al-file del").first).to_contain_text("Home News")
    panel.locator(".al-file").get_by_label("Make a passage: foot").click()
    expect(panel).to_contain_text("made a passage by you")
    panel.get_by_text("Leave the selection out").click()
    expect(page.locator("#notice")).to_contain_text("Select text in the passages first")
    select(page, "See page 7 for 🏭 more. ")
    panel.get_by_text("Leave the selection out").click()
    expect(panel.locator("[data-passage]")).to_have_count(3)
    picture(page, "beside")
    assert texts(app) == [
        "# Avel\n\nThe mill burned in 1877. ",
        "Kell left.\n\n",
        "Printed in Orlo\n\n",
    ]
    for width in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        assert not has_overflow(page), width


def select(page, text):
    """Select a text of the passages as a mouse does."""
    marks = page.evaluate(
        """text => new Promise((done) => {
          for (const div of document.querySelectorAll('[data-passage]')) {
            const node = div.firstChild, at = node.data.indexOf(text);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at); range.setEnd(node, at + text.length);
            // The page has heard it before: it listens for longer.
            document.addEventListener('selectionchange', () => done(true));
            document.getSelection().removeAllRanges();
            document.getSelection().addRange(range);
            return;
          }
          done(false);
        })""",
        text,
    )
    assert marks


def test_chats_are_added_as_what_a_person_chooses(app, visit, tmp_path):
    page = visit(app)
    turns = [{"from": "human", "value": "Who built it?"}]
    turns.append({"from": "gpt", "value": "Kell did."})
    file = tmp_path / "talks.jsonl"
    file.write_text(json.dumps({"conversations": turns}))
    add(page, app, file)
    report = page.locator("#library-report")
    expect(report).to_contain_text("holds chats (ShareGPT or OpenAI messages)")
    picture(page, "chats")
    report.get_by_label("Add talks.jsonl as instructions").click()
    expect(page.locator("#library-told")).to_contain_text("New instructions: 1")
    report.get_by_label("Add talks.jsonl as quiz").click()
    expect(page.locator("#library-told")).to_contain_text(
        "Questions of the file in the quiz: 1"
    )
    with new_run(app):
        report.get_by_label("Add talks.jsonl as texts").click()
    expect(page.locator("#library-documents")).to_contain_text("talks.jsonl")
    assert texts(app) == ["User: Who built it?\n\nAssistant: Kell did.\n\n"]
