"""The way in: ports, hosts, a first start; and the page's process stays light."""

import socket
import subprocess
import sys

import pytest

from autolearn.core.errors import InputError
from autolearn.services import pipeline
from autolearn.store import Store
from autolearn.ui import launch


@pytest.fixture
def busy_port():
    with socket.socket() as busy:
        busy.bind((launch.HERE, 0))
        busy.listen()
        yield busy.getsockname()[1]


def test_a_port_in_use_is_skipped_with_a_message(busy_port, capsys):
    port = launch.free_port(launch.HERE, busy_port)
    assert port > busy_port
    assert capsys.readouterr().out == f"Port {busy_port} is taken; using {port}.\n"


RACED = """
import sys
from autolearn.ui import launch
port, folder = sys.argv[1:]
launch.free_port = lambda *_: int(port)
sys.exit(launch.main(["--workspace", folder, "--no-browser"]))
"""


def test_a_port_that_another_program_takes_meanwhile_is_reported(busy_port, tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", RACED, str(busy_port), str(tmp_path / "w")],
        capture_output=True,
        text=True,
        check=False,
    )
    sentence = f"Another program has just taken port {busy_port}; start again.\n"
    assert (process.returncode, process.stderr) == (1, sentence)


def test_a_host_of_another_computer_is_refused():
    with pytest.raises(InputError, match="No port from 7860 on"):
        launch.free_port("203.0.113.7", None)


@pytest.mark.parametrize("auth", [None, "user", "user:", ":word"])
def test_others_need_a_name_and_a_password(auth, tmp_path, capsys):
    flags = ["--host", "0.0.0.0", "--workspace", str(tmp_path / "w"), "--no-browser"]
    assert launch.main(flags + (["--auth", auth] if auth else [])) == 1
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
    *fields, torch = process.stdout.splitlines()
    assert len(fields) > 40
    assert [line for line in fields if line.endswith("True")] == []
    assert torch == "torch False"


def test_a_workspace_is_served_by_one_page_and_the_second_says_where(tmp_path):
    with (
        launch.only_page(tmp_path, "http://127.0.0.1:7860"),
        pytest.raises(InputError, match=r"open already, at http://127.0.0.1:7860"),
        launch.only_page(tmp_path, "http://127.0.0.1:7861"),
    ):
        pass
    with launch.only_page(tmp_path, "http://127.0.0.1:7861"):
        assert (tmp_path / "page.url").read_text() == "http://127.0.0.1:7861"


def test_a_page_whose_note_is_gone_is_still_told(tmp_path):
    with launch.only_page(tmp_path, "http://127.0.0.1:7860"):
        (tmp_path / "page.url").unlink()
        with (
            pytest.raises(InputError, match="open already, at the address in the term"),
            launch.only_page(tmp_path, "http://127.0.0.1:7861"),
        ):
            pass


def test_a_first_start_that_was_killed_is_stocked_by_the_next(tmp_path, monkeypatch):
    def die(store):
        stock_texts(store, None)
        raise KeyboardInterrupt

    stock_texts = pipeline.stock_texts
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "stock", die)
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
