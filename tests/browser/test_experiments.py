"""The Experiments tab by clicks: a comparison from its start to its report."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.pages import PATIENCE, done, open_tab, until

pytestmark = pytest.mark.torch_model

expect.set_options(timeout=PATIENCE)


def test_a_comparison_runs_by_one_button_and_shows_its_claims(visit, small_app):
    page = visit(small_app)
    open_tab(page, "Experiments")
    expect(page.locator("#experiments-list")).to_contain_text("No experiment yet")
    arms = page.locator("#experiments-arms")
    for title in ("retrieval (BM25)", "SFT on unfiltered pairs", "AL, stage 1"):
        arms.get_by_label(title, exact=True).uncheck()
    arms.get_by_label("AL, stages 1 and 2").uncheck()
    page.locator("#experiments-seeds input").fill("1")
    page.locator("#experiments-steps input").fill("4")
    page.locator("#experiments-compare").click()
    expect(page.locator("#experiments-list")).to_contain_text("Comparison 1")
    until(lambda: done(small_app), lambda runs: len(runs) == 6, seconds=300)
    result = page.locator("#experiments-result")
    expect(result).to_contain_text("both papers combined over continued pre-training")
    expect(page.locator("#experiments-list")).to_contain_text("6 of 6 runs")
    result.get_by_text("All", exact=False).filter(has_text="questions").first.click()
    expect(result.get_by_text("Gold:").first).to_be_attached()
    page.locator("#experiments-html").click()
    expect(page.locator("#experiments-file")).to_contain_text("experiment-1 .html")
    violations = Axe().run(page).response["violations"]
    assert not [v["id"] for v in violations if v["impact"] in ("serious", "critical")]


def test_what_cannot_be_compared_is_refused_in_a_sentence(visit, small_app):
    page = visit(small_app)
    open_tab(page, "Experiments")
    page.locator("#experiments-seeds input").fill("0")
    page.locator("#experiments-compare").click()
    expect(page.locator("#notice")).to_contain_text("Give the number of seeds")
    page.get_by_text("Evolve over rounds (SELF)").click()
    page.locator("#experiments-evolve").click()
    expect(page.locator("#notice")).to_contain_text("There are no instructions")
