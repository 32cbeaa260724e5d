"""The way in: ports, hosts, a first start; and the page's process stays light."""

import os
import socket
import subprocess
import sys
import tempfile

import pytest

from autolearn.access.sessions import Token
from autolearn.core.errors import InputError
from autolearn.services import demo_library
from autolearn.store import Store
from autolearn.ui import launch
from autolearn.ui import listener as page_listener
from autolearn.ui.temporary import DELETE_CACHE, temporary_files
from tests.support.pages import until


@pytest.fixture
def busy_port():
    with socket.socket() as busy:
        busy.bind((launch.HERE, 0))
        busy.listen()
        yield busy.getsockname()[1]


def test_a_port_in_use_is_skipped_with_a_message(busy_port, capsys):
    with page_listener.listen(launch.HERE, busy_port) as listener:
        port = listener.getsockname()[1]
    assert port > busy_port
    assert capsys.readouterr().out == f"Port {busy_port} is taken; using {port}.\n"


def test_a_host_of_another_computer_is_refused():
    with pytest.raises(InputError, match="No port from 7860 on"):
        page_listener.listen("203.0.113.7", None)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("LOCALHOST", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("::", "127.0.0.1"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host, name):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this computer")
    with page_listener.listen(host, None) as listener:
        port = listener.getsockname()[1]
        assert page_listener.address_of(host, listener) == f"http://{name}:{port}"
        with socket.create_connection((name.strip("[]"), port), 5):
            pass


@pytest.mark.parametrize("auth", [None, "user", "user:", ":word", ""])
def test_others_need_a_name_and_a_password(auth, tmp_path, capsys):
    flags = ["--host", "0.0.0.0", "--workspace", str(tmp_path / "w"), "--no-browser"]
    options = [] if auth is None else ["--auth", auth]
    assert launch.main(flags + options) == 1
    assert "--auth" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()


def test_a_model_that_is_not_there_is_refused_in_one_sentence(tmp_path, capsys):
    flags = ["--model", "nowhere", "--workspace", str(tmp_path / "w"), "--no-browser"]
    assert launch.main(flags) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_new_workspace_has_the_built_in_library_and_an_old_one_is_left(tmp_path):
    launch.prepare(tmp_path, None)
    with Store.open(tmp_path) as store:
        assert len(store.library.documents()) == 8
    empty = tmp_path / "empty"
    Store.open(empty).close()
    launch.prepare(empty, None)
    with Store.open(empty) as store:
        assert store.library.documents() == []


BUILT = """
import sys
from pathlib import Path
from autolearn.ui import page

drawing = {"load", "change", "select"}
built = page.build(Path(sys.argv[1]))
for event in built.fns.values():
    if drawing & {name for _, name in event.targets}:
        for field in event.inputs:
            print(field.elem_id, getattr(field, "value", None) is None)
print("old files go", built.delete_cache)
print("torch", "torch" in sys.modules)
"""


def test_the_page_is_built_without_torch_and_drawn_from_fields_that_are_filled(
    tmp_path,
):
    process = subprocess.run(
        [sys.executable, "-c", BUILT, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    *fields, old_files, torch = process.stdout.splitlines()
    assert len(fields) > 40
    assert [line for line in fields if line.endswith("True")] == []
    assert torch == "torch False"
    assert old_files == f"old files go {DELETE_CACHE}"


ADDRESS = "http://127.0.0.1:7860/?token=secret"


def test_a_workspace_is_served_by_one_page_and_the_second_says_where(tmp_path):
    note = tmp_path / "page.url"
    with (
        launch.only_page(tmp_path, ADDRESS),
        pytest.raises(
            InputError, match=r"open already, at http://127.0.0.1:7860/\?tok"
        ),
        launch.only_page(tmp_path, "http://127.0.0.1:7861"),
    ):
        pass
    assert not note.exists()
    with launch.only_page(tmp_path, "http://127.0.0.1:7861"):
        assert note.read_text() == "http://127.0.0.1:7861"


@pytest.mark.skipif(os.name != "posix", reason="no modes")
def test_only_the_owner_may_read_the_address_with_the_token(tmp_path):
    note = tmp_path / "page.url"
    note.write_text("of an earlier start")
    note.chmod(0o644)
    with launch.only_page(tmp_path, ADDRESS):
        assert note.read_text() == ADDRESS
        assert note.stat().st_mode & 0o777 == 0o600


def test_a_running_page_without_an_address_is_reported_in_one_sentence(tmp_path):
    with launch.only_page(tmp_path, ADDRESS):
        (tmp_path / "page.url").unlink()
        with (
            pytest.raises(InputError, match="open already, at the address in the term"),
            launch.only_page(tmp_path, ADDRESS),
        ):
            pass


def test_a_second_start_opens_the_page_with_a_ticket_and_not_with_the_token(
    tmp_path, monkeypatch, capsys
):
    addresses: list[str] = []
    monkeypatch.setattr("webbrowser.open", addresses.append)
    with launch.only_page(tmp_path, ADDRESS):
        assert launch.main(["--workspace", str(tmp_path)]) == 1
        assert ADDRESS in capsys.readouterr().err
        assert launch.main(["--workspace", str(tmp_path), "--no-browser"]) == 1
    until(lambda: addresses)
    (address,) = addresses
    page, _, ticket = address.partition("?token=")
    assert page == "http://127.0.0.1:7860/"
    assert ticket != "secret"
    assert Token("secret").admits(ticket)


def test_temporary_files_are_in_the_workspace_and_go_with_the_page(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    left = tmp_path / "temporary" / "of a killed page"
    left.mkdir(parents=True)
    with temporary_files(tmp_path) as folder:
        assert not left.exists()
        assert folder == tmp_path / "temporary"
        assert tempfile.mkdtemp().startswith(str(folder))
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
        assert os.name != "posix" or folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert tempfile.tempdir is None


def test_without_a_place_in_the_workspace_temporary_files_go_to_one_of_the_system(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "temporary").write_text("no folder")
    with temporary_files(tmp_path) as folder:
        assert not folder.is_relative_to(tmp_path)
        assert folder.is_dir()
    assert not folder.exists()


def test_a_first_start_that_was_killed_is_stocked_by_the_next(tmp_path, monkeypatch):
    def die(store):
        demo_library.add_texts(store, None)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo_library, "add", die)
        with pytest.raises(KeyboardInterrupt):
            launch.prepare(tmp_path / "lab", None)
    for _ in range(2):
        launch.prepare(tmp_path / "lab", None)
    launch.prepare(tmp_path / "other", None)
    counts = []
    for name in ("lab", "other"):
        with Store.open(tmp_path / name) as store:
            questions = store.library.questions()
            counts.append((len(store.library.documents()), len(questions)))
    assert counts[0] == counts[1]
    assert counts[0][1] > 0
