"""A person gets a model: from a hub or a server on this computer, by clicks alone."""

import re

import pytest
from playwright.sync_api import expect

from autolearn.models import files as model_files
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store
from tests.support import model_server
from tests.support.hub import Repository, files_of, serve
from tests.support.pages import PATIENCE, LateAnswer, load_anew, name_model, open_tab
from tests.support.texts import put_text

pytestmark = pytest.mark.torch_model

NAME = "org/tiny-instruct"
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, serve() as server:
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
            patch.delenv(name, raising=False)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        server.repositories[NAME] = Repository(files_of(model_files.BUILT_IN))
        server.repositories["org/gated"] = Repository({}, gated=True)
        patch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture(scope="module")
def app(server, start_shared, tmp_path_factory):
    """An app with a text, whose hub is on this computer."""
    folder = tmp_path_factory.mktemp("models") / "workspace"
    with Store.open(folder) as store:
        put_text(store, "avel.md", "Ada leads Avel.")
    return start_shared(folder)


def ask_for(page, name):
    page.locator("#hub-name").get_by_role("textbox").fill(name)
    page.locator("#hub-look").click()


def test_a_model_is_looked_up_downloaded_cancelled_resumed_and_chosen(
    app, visit, server
):
    page = visit(app)
    open_tab(page, "Model")
    expect(page.locator("#model-about h3")).to_have_text("built-in")
    assert server.asked == [], "the hub is asked only when a person asks"
    ask_for(page, "org/gated")
    expect(page.locator("#notice")).to_contain_text("org/gated is gated")
    ask_for(page, NAME)
    offer = page.locator("#hub-offer")
    for words in ("apache-2.0", "6 MiB", "Free on the disk", "fits"):
        expect(offer).to_contain_text(words)
    server.seconds_a_slice = 0.3  # half a minute: time for a slow page to cancel it
    page.locator("#hub-download").click()
    progress = page.locator("#hub-progress")
    # A part has come. How fast it comes is shown only after twenty seconds.
    expect(progress).to_contain_text(re.compile("[1-5] MiB of 6 MiB"))
    load_anew(page, app)
    # Not by the mouse: the panel may be drawn anew between its two events.
    progress.get_by_text("Cancel", exact=True).dispatch_event("click")
    expect(progress).to_contain_text("they are kept")
    expect(page.locator("#model-local")).to_contain_text("1 that cannot be used yet")
    server.seconds_a_slice, server.bytes_sent = 0.0, 0
    progress.get_by_text("Resume", exact=True).click()
    downloaded = page.locator("#hub-downloaded")
    expect(downloaded).to_contain_text(f"{NAME} is on this computer")
    assert server.bytes_sent < len(server.repositories[NAME].files["model.safetensors"])
    expect(page.locator("#model-local table")).to_contain_text(NAME)
    downloaded.get_by_text("Use it").click()
    expect(page.locator("#status")).to_contain_text(NAME.rsplit("/")[-1])
    expect(downloaded).to_be_empty()
    with app.store() as store:
        assert chosen_model(store).model == NAME
    page.locator("#model-own").click()
    expect(page.locator("#model-answer")).to_contain_text("Now in use: built-in")
    expect(page.locator("#model-about h3")).to_have_text("built-in")
    with app.store() as store:
        assert chosen_model(store).model == "built-in"
    expect(page.locator("#status")).not_to_contain_text(NAME.rsplit("/")[-1])
    page.locator("#model-local").get_by_text(NAME, exact=True).click()
    expect(page.locator("#model-about")).to_contain_text("not in use")


def test_a_server_is_chosen_answers_and_is_missed_when_it_has_gone(app, visit):
    with model_server.running("vllm") as server:
        server.chat = lambda body: model_server.streamed(
            "Orlo was ", "founded in 1711."
        )
        page = visit(app)
        address = f"{server.address}#tiny"
        name_model(page, address)
        page.locator("#model-use").click()
        about = page.locator("#model-about")
        expect(about).to_contain_text("vLLM 0.11.2")
        expect(about).to_contain_text("Training does not")
        expect(page.locator("#status")).to_contain_text("tiny")
        open_tab(page, "Start")
        offer = page.locator("#start-offer")
        offer.get_by_text("questions of general knowledge").click()
        expect(page.locator("#notice")).to_contain_text("has 171 questions")
        expect(offer).to_be_empty()
        late = LateAnswer(page, "chat-send", "click")
        send_question(page, "When was Orlo founded?")
        late.wait()
        box = page.locator("#chat-question").get_by_role("textbox")
        box.press("End")
        box.press_sequentially("By")
        late.arrive()
        expect(box).to_have_value("By")  # what was typed meanwhile stays
        chat = page.locator("#chat-conversation")
        expect(chat).to_contain_text("founded in 1711", timeout=4 * PATIENCE)
        assert server.requests[-1]["messages"][-1]["content"].endswith("founded?")
    send_question(page, "Who founded it?")
    expect(page.locator("#notice")).to_contain_text("cannot be reached")
    expect(box).to_have_value("Who founded it?")


def send_question(page, text):
    open_tab(page, "Chat")
    page.locator("#chat-question").get_by_role("textbox").fill(text)
    page.locator("#chat-send").click()
