"""Gold corpora by clicks: they come in, are left out, go into a round, and go."""

import json

import pytest
from playwright.sync_api import expect

from tests.support.corpora import rows
from tests.support.pages import PATIENCE, fill, open_tab

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)


def test_a_corpus_comes_in_is_shown_under_train_and_is_removed(start, visit, tmp_path):
    app = start(tmp_path / "new")
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
