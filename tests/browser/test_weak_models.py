"""A study that yields nothing usable, and texts that a model cannot read."""

import shutil

import pytest
import torch
from playwright.sync_api import expect
from safetensors.torch import load_file, save_file

from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.store import Store
from tests.support.pages import PATIENCE, open_tab, until

pytestmark = pytest.mark.torch_model
expect.set_options(timeout=PATIENCE)
GERMAN = (
    "Der alte Leuchtturm steht seit dem Herbst leer. Die Gemeinde will ihn im "
    "kommenden Jahr verkaufen, doch bisher hat sich niemand gemeldet."
)


@pytest.fixture
def senseless(tmp_path):
    """A model of the built-in one's shape, whose weights are noise."""
    folder = tmp_path / "senseless"
    shutil.copytree(model_files.BUILT_IN, folder)
    file = folder / "model.safetensors"
    torch.manual_seed(1)
    noise = {
        name: torch.randn(weights.shape).mul(0.02).to(weights.dtype)
        for name, weights in load_file(file).items()
    }
    save_file(noise, file, {"format": "pt"})
    return folder


def last(app, kind):
    with app.store() as store:
        return store.runs.last(kind)


def test_a_whole_round_of_a_model_that_writes_nonsense_says_why_it_ends(
    start, visit, small, senseless
):
    with Store.open(small) as store:
        store.choices.set("model", ModelSettings(str(senseless)).as_dict())
    app = start(small)
    page = visit(app)
    page.locator("#whole").click()
    until(lambda: last(app, "study") and last(app, "study").state == "done", 300)
    open_tab(page, "Study")
    found = page.locator("#study-found")
    expect(found).to_contain_text("no sample")
    until(lambda: not_busy(app), 300)
    strip = page.locator("#whole-round")
    expect(strip).to_contain_text("No sample is approved")
    expect(page.locator("#whole")).to_be_enabled()
    with app.store() as store:
        assert store.rounds.all() == []


def not_busy(app):
    with app.store() as store:
        return not store.runs.in_state("queued", "running")


def test_a_text_in_a_foreign_language_is_named_before_and_during_a_study(
    start, visit, tmp_path
):
    app = start(tmp_path / "workspace")
    page = visit(app)
    open_tab(page, "Library")
    page.locator("#library-text").get_by_role("textbox").fill(GERMAN)
    page.locator("#library-name").get_by_role("textbox").fill("leuchtturm.txt")
    page.locator("#library-add").click()
    warning = page.locator("#library-documents .al-warning")
    expect(warning).to_contain_text("can hardly read leuchtturm.txt")
    open_tab(page, "Study")
    page.locator("#study").click()
    until(lambda: last(app, "study") and last(app, "study").state == "done", 300)
    found = page.locator("#study-found")
    expect(found.locator(".al-warning")).to_contain_text("reads these texts poorly")
    with app.store() as store:
        flags = [sample.flags for sample in store.samples.find()]
        assert all(flags), "a sample that makes no sense has a flag"
