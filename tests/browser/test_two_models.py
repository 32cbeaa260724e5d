"""Two models in one workspace: each has its own samples, rounds and chats."""

import shutil

import pytest
from playwright.sync_api import expect

from autolearn.core.run_settings import ChatRunSettings, StudyRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs.model_choice import choose_model
from autolearn.services import model_scope
from autolearn.store import Store
from tests.support.pages import (
    PATIENCE,
    begin_short_study,
    fill,
    name_model,
    open_tab,
    plan_short_round,
    until_begun,
    until_done,
    until_is,
)
from tests.support.two_models import OTHER, digest_of, finished_round, study

pytestmark = pytest.mark.torch_model
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """A model that works like the built-in one, and is another one to autolearn."""
    folder = tmp_path_factory.mktemp("models") / "twin"
    shutil.copytree(model_files.BUILT_IN, folder)
    with (folder / "generation_config.json").open("a") as file:
        file.write("\n")
    return folder


@pytest.fixture(scope="module")
def shared_app(start_shared, tmp_path_factory):
    """An app with two rounds of the built-in model and one of another."""
    folder = tmp_path_factory.mktemp("rounds") / "workspace"
    with Store.open(folder) as store:
        for model in (ModelSettings(), OTHER, ModelSettings()):
            study(store, model)
            store.runs.finish(finished_round(store, model).run_id, "done")
    return start_shared(folder)


@pytest.fixture
def rounds_app(shared_app):
    """This app, with the built-in model in use and only its data shown."""
    with shared_app.store() as store:
        choose_model(store, ModelSettings())
        model_scope.show_all_models(store, all_models=False)
    return shared_app


def use(page, name):
    """Choose a model, whatever goes on."""
    name_model(page, name)
    short = name.rsplit("/", maxsplit=1)[-1]
    # What is drawn about it once the field is left may move the button.
    page.keyboard.press("Tab")
    expect(page.locator("#model-about")).to_contain_text(short)
    page.locator("#model-use").click()
    expect(page.locator("#status")).to_contain_text(f"Model{short}")


def ask(page, question):
    open_tab(page, "Chat")
    box = page.locator("#chat-question").get_by_role("textbox")
    box.fill(question)
    box.press("Enter")
    expect(box).to_have_value("")


def chats(app):
    """Return model, round and state of the answers so far, the oldest first."""
    with app.store() as store:
        runs = [run for run in reversed(store.runs.newest()) if run.kind == "chat"]
    models = [ChatRunSettings.of(run).model for run in runs]
    return [(m.model, m.round_id, r.state) for m, r in zip(models, runs, strict=True)]


def test_the_model_changes_in_the_middle_of_everything(start, visit, small, twin):
    app = start(small)
    page = visit(app)
    study_and_turn_to(app, page, str(twin))
    with app.store() as store:
        (run,) = [run for run in store.runs.newest() if run.kind == "study"]
        assert StudyRunSettings.of(run).model_digest == digest_of(ModelSettings())
        n = store.samples.counts()["pending"]
    assert n
    nothing_of_the_other_is_offered(page)
    ask(page, "Who are you?")
    until_is([(str(twin), None, "done")], lambda: chats(app))
    use(page, "built-in")
    open_tab(page, "Review")
    expect(page.locator("#review-progress")).to_contain_text(f"0 of {n} decided")
    approve_all(page)
    train_and_turn_to(app, page, str(twin))
    with app.store() as store:
        assert store.rounds.all()[0].model.digest == digest_of(ModelSettings())
    open_tab(page, "Chat")
    expect(page.locator("#chat-conversation")).to_contain_text("Who are you?")
    ask(page, "And who else?")
    until_is([(str(twin), None, "done")], lambda: chats(app)[1:])
    use(page, "built-in")
    ask(page, "Who are you now?")
    both = [("built-in", None, "done"), ("built-in", 1, "done")]
    until_is(both, lambda: chats(app)[2:])
    expect(page.locator("#chat-conversation")).not_to_contain_text("And who else?")


def study_and_turn_to(app, page, other):
    """Choose another model while a study goes on, which keeps its own."""
    begin_short_study(page)
    until_begun(app, "study")
    use(page, other)
    until_done(app, "study")


def nothing_of_the_other_is_offered(page):
    expect(page.locator("#status")).to_contain_text("Data of built-in are hidden")
    open_tab(page, "Review")
    expect(page.locator("#review-card")).to_contain_text("study a text first")
    expect(page.locator("#review-card article")).to_have_count(0)
    open_tab(page, "Train")
    expect(page.locator("#train-plan")).to_contain_text("No sample is approved")
    page.locator("#train-go").click()
    expect(page.locator("#notice")).to_contain_text("No sample is approved")


def approve_all(page):
    page.locator("#review-filter button").first.click()
    page.locator("#review-approve-all").click()
    page.locator("#review-confirm").click()
    expect(page.locator("#review-card")).to_contain_text("are decided")


def train_and_turn_to(app, page, other):
    """Choose another model while a round is trained, which keeps its own."""
    plan_short_round(page)
    page.locator("#train-go").click()
    until_begun(app, "train")
    use(page, other)
    until_done(app, "train")


def test_rounds_of_another_model_are_neither_mixed_in_nor_lost(visit, rounds_app, twin):
    page = visit(rounds_app)
    open_tab(page, "History")
    tree = page.locator("#history-rounds")
    expect(tree.locator(".al-round")).to_have_count(2)
    expect(tree).not_to_contain_text("other-7b")
    for tab, place in (
        ("Evaluation", "#evaluation-round"),
        ("Train", "#train-parent"),
        ("Model", "#model-adapter"),
        ("History", "#export-of"),
    ):
        open_tab(page, tab)
        page.locator(f"{place} input").click()
        options = page.get_by_role("listbox")
        expect(options).to_contain_text("round 3")
        expect(options).not_to_contain_text("round 2")
        page.keyboard.press("Escape")
    page.locator("#status [data-pick=all-models]").click()
    expect(tree.locator(".al-round")).to_have_count(3)
    expect(tree.locator(".al-base")).to_have_count(2)
    expect(tree).to_contain_text("base model: other-7b")
    open_tab(page, "Model")
    page.locator("#model-adapter input").click()
    page.get_by_role("option", name="round 3").click()
    use(page, str(twin))
    expect(page.locator("#model-adapter input")).to_have_value("base model")


def test_what_was_chosen_of_another_model_is_dropped_with_it(visit, rounds_app, twin):
    page = visit(rounds_app)
    for tab, place in (
        ("Evaluation", "#evaluation-round"),
        ("Train", "#train-parent"),
        ("History", "#export-of"),
    ):
        open_tab(page, tab)
        page.locator(f"{place} input").click()
        page.get_by_role("option", name="round 3").click()
    use(page, str(twin))
    for tab, place, value in (
        ("Evaluation", "#evaluation-round", "the newest round"),
        ("History", "#export-of", "approved samples of twin"),
        ("Train", "#train-parent", "base model"),
    ):
        open_tab(page, tab)
        expect(page.locator(f"{place} input")).to_have_value(value)
    fill(page, "train-epochs", 3)
    expect(page.locator("#train-plan")).to_contain_text("3 approved samples were")
