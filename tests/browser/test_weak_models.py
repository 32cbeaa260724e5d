"""A study that yields nothing usable: of a senseless model, or of a foreign text."""

import shutil

import pytest
import torch
from playwright.sync_api import expect
from safetensors.torch import load_file, save_file

from autolearn.core.records import END_STATES
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.store import Store
from tests.support.pages import PATIENCE, open_tab, until
from tests.support.texts import put_passages

pytestmark = pytest.mark.torch_model
expect.set_options(timeout=PATIENCE)


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


def has_ended(run):
    return run and run.state in END_STATES


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
    until(lambda: last(app, "study"), has_ended, seconds=300)
    assert last(app, "study").state == "failed"
    open_tab(page, "Study")
    result = page.locator("#study-found")
    expect(result).to_contain_text("No passage gave a question")
    expect(result).to_contain_text("reads these texts poorly")
    expect(page.locator("#whole-round")).to_contain_text("No passage gave a question")
    expect(page.locator("#whole")).to_be_enabled()
    with app.store() as store:
        assert store.rounds.all() == []


def test_a_foreign_text_is_warned_of_before_and_during_its_study(
    start, visit, tmp_path
):
    folder = tmp_path / "workspace"
    with Store.open(folder) as store:
        put_passages(store, "bruecke.txt", ["Die Steinbrücke wurde 1874 errichtet."])
    app = start(folder)
    page = visit(app)
    open_tab(page, "Study")
    warning = page.locator("#study-effort .al-warning")
    expect(warning).to_contain_text("can hardly read bruecke.txt")
    page.get_by_role("button", name="Study", exact=True).click()
    result = page.locator("#study-found")
    expect(result).to_contain_text("reads these texts poorly", timeout=4 * PATIENCE)
    expect(result).to_contain_text("No passage gave a question", timeout=4 * PATIENCE)
    estimate = page.locator("#study-effort")
    expect(estimate).to_contain_text("1 passage; ")
    expect(estimate).to_contain_text("calibrated with run 1")
