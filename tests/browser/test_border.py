"""Other pages in the same browser reach nothing: foreign, rebinding, framing ones.

The victim has the page open in this browser, so its cookie is there to be misused.
"""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.support.pages import PATIENCE, App, load_anew, open_tab

expect.set_options(timeout=PATIENCE)

REBINDING = "evil.test"
"""A name of somebody else that resolves to this computer."""

READ = """async (target) => {
  const answer = await fetch(target, {credentials: 'include'}).catch(() => null);
  return answer && [answer.status, await answer.text()];
}"""
SEND_BLINDLY = """async (target) => {
  const form = new FormData();
  form.append('files', new Blob(['stolen']), 'stolen.txt');
  const options = {method: 'POST', mode: 'no-cors', credentials: 'include'};
  await fetch(`${target}/gradio_api/upload`, {...options, body: form}).catch(() => 0);
  const event = JSON.stringify({data: [], fn_index: 0, session_hash: 'x'});
  for (const path of ['run/predict', 'queue/join', 'api/predict'])
    await fetch(`${target}/gradio_api/${path}`, {...options, body: event})
      .catch(() => 0);
  navigator.sendBeacon(`${target}/gradio_api/upload`, form);
  await new Promise((done) => {
    const socket = new WebSocket(target.replace('http', 'ws') + '/queue/join');
    socket.onopen = () => { document.title = 'socket'; done(); };
    socket.onerror = done;
  });
}"""
EMBED = """async (target) => {
  const load = (name, place) => new Promise((done) => {
    const element = document.createElement(name);
    element.onload = () => done(name);
    element.onerror = () => done('');
    element[place] = target;
    document.body.append(element);
  });
  const loaded = [];
  for (const path of ['/favicon.ico', '/static/img/logo.svg'])
    loaded.push(await load('img', 'src'));
  return loaded.filter(Boolean);
}"""


FRAME = """async (target) => {
  const load = (name, place) => new Promise((done) => {
    const part = document.createElement(name);
    part.onload = part.onerror = done;
    setTimeout(done, 3000);  // not all tell that they were refused
    part[place] = target;
    document.body.append(part);
  });
  const places = [['iframe', 'src'], ['object', 'data'], ['embed', 'src']];
  await Promise.all(places.map(([name, place]) => load(name, place)));
}"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>other</title><body></body>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    """Another server of this computer, whose page is hostile."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def app(start_shared: Callable[[], App]) -> App:
    """An app that nobody but its owner should reach."""
    return start_shared()


@pytest.fixture(scope="module")
def victim(browser: Browser, app: App) -> Iterator[tuple[App, BrowserContext]]:
    """The app, and the browser of a person who has its page open all the time."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator(".al-status")).to_be_visible()
    assert page.url.partition("#")[0] == f"{app.origin}/"
    yield app, context
    expect(page.locator(".al-status")).to_be_visible()
    context.close()


@pytest.fixture
def elsewhere(victim: tuple[App, BrowserContext]) -> Iterator[Page]:
    """Another page in the browser of this person."""
    _, context = victim
    page = context.new_page()
    yield page
    page.close()


def state_of(app: App) -> tuple[object, ...]:
    """Return everything that another page might have changed."""
    with app.store() as store:
        runs = [run.kind for run in store.runs.newest()]
        documents = [document.name for document in store.library.documents()]
    files = sorted(str(p) for p in (app.folder / "temporary").rglob("*") if p.is_file())
    return runs, documents, files


def attack(app: App, page: Page, target: str) -> None:
    """Try from a page to read, to write and to start something."""
    before = state_of(app)
    for path in ("/", "/config", "/gradio_api/info", "/assets/", "/manifest.json"):
        answer = page.evaluate(READ, target + path)
        assert answer is None or answer[0] in (403, 421), (path, answer)
    page.evaluate(SEND_BLINDLY, target)
    assert page.title() != "socket"
    assert page.evaluate(EMBED, target) == []
    assert state_of(app) == before


@pytest.mark.parametrize("host", ["foreign.test", "127.0.0.1", "localhost"])
def test_another_page_reads_writes_and_starts_nothing(
    victim, elsewhere, other_port, host
):
    app, _ = victim
    elsewhere.goto(f"http://{host}:{other_port}")
    attack(app, elsewhere, app.origin)


def test_a_rebinding_name_reads_writes_and_starts_nothing(victim, elsewhere):
    app, context = victim
    target = app.origin.replace("127.0.0.1", REBINDING)
    page = elsewhere
    answer = page.goto(f"{target}/")
    assert answer
    assert answer.status == 421
    expect(page.locator("body")).to_contain_text("--allow-host")
    attack(app, page, target)
    attack(app, page, app.origin)
    answer = page.goto(app.url.replace("127.0.0.1", REBINDING))
    assert answer
    assert answer.status == 421
    assert [c for c in context.cookies() if c["domain"] != "127.0.0.1"] == []


@pytest.mark.parametrize("host", ["foreign.test", "127.0.0.1"])
def test_no_page_can_show_it_in_a_frame(victim, elsewhere, other_port, host):
    app, _ = victim
    page = elsewhere
    page.goto(f"http://{host}:{other_port}")
    page.evaluate(FRAME, f"{app.origin}/")
    for frame in page.frames:
        with suppress(Error):  # it has been removed: it was refused
            assert not frame.locator("gradio-app").count()


def test_a_link_from_elsewhere_leads_in_with_one_click_more(
    victim, elsewhere, other_port
):
    app, _ = victim
    page = elsewhere
    page.goto(f"http://foreign.test:{other_port}")
    page.evaluate("(target) => { location.href = target; }", f"{app.origin}/")
    page.get_by_role("link", name="Open autolearn").click()
    expect(page.locator(".al-status")).to_be_visible()


def test_without_the_token_a_browser_is_told_what_to_open(victim, browser):
    app, _ = victim
    stranger = browser.new_context()
    page = stranger.new_page()
    answer = page.goto(f"{app.origin}/")
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("alert")).to_contain_text("address that the terminal shows")
    page.get_by_role("link", name="Open autolearn").click()
    expect(page.get_by_role("alert")).to_be_visible()
    stranger.close()


def test_a_script_in_a_text_does_not_run(victim):
    _, context = victim
    ran = context.pages[0].evaluate(
        "() => { window.ran = 0; const part = document.createElement('div');"
        'part.innerHTML = \'<img src=data:, onerror="window.ran = 1">'
        '<a href="javascript:window.ran = 1">x</a>\'; document.body.append(part);'
        "part.querySelector('a').click();"
        "return new Promise((done) => setTimeout(() => done(window.ran), 1000)); }"
    )
    assert ran == 0


def test_a_reload_and_the_installed_app_need_no_token(app, visit):
    page = visit(app)
    assert page.url.partition("#")[0] == f"{app.origin}/"
    load_anew(page, app)
    manifest = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert '"name":"autolearn"' in manifest["data"].replace(" ", "")
    assert manifest["errors"] == []


def test_uploads_wait_in_the_workspace_and_go_with_the_page(start, visit, tmp_path):
    app = start()
    page = visit(app)
    file = tmp_path / "orlo.md"
    file.write_text("# Orlo\n\nOrlo was founded in 1711.")
    open_tab(page, "Library")
    page.locator("#library-files input[type=file]").set_input_files(str(file))
    expect(page.locator("#library-files")).to_contain_text("orlo .md")
    names = [p.name for p in (app.folder / "temporary").rglob("*") if p.is_file()]
    assert names == ["orlo.md"]
    page.locator("#library-add").click()
    expect(page.locator("#library-documents")).to_contain_text("orlo.md")
    app.end()
    page.close()
    app.strays.clear()  # the page tells that its app is gone
    assert not (app.folder / "temporary").exists()
    assert not (app.folder / "page.url").exists()
