"""Models come from a hub on this computer, by the real client and a real downloader."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from autolearn.core.errors import BackendError, InputError
from autolearn.core.ports import Cancelled
from autolearn.core.run_settings import DownloadRunSettings
from autolearn.models import files as model_files
from autolearn.models.sources import hub, local
from autolearn.services import model_actions
from tests.support.hub import (
    LFS_FROM,
    NAME,
    WEIGHTS,
    Repository,
    blob_id,
    incomplete,
    snapshot,
)


def fetch(name=NAME, stop=lambda: False, on_progress=lambda *_: None):
    return hub.fetch(name, stop, on_progress)


def refusal(name=NAME):
    with pytest.raises(BackendError) as error:
        hub.fetch_offer(name)
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


# --- looking ------------------------------------------------------------------


def test_looking_tells_size_licence_and_files_and_downloads_nothing(server, cache):
    offer = hub.fetch_offer(NAME)
    files = server.repositories[NAME].files
    names = {part.name for part in offer.parts}
    assert WEIGHTS in names
    assert not names & {
        "pytorch_model.bin",
        "modeling_tiny.py",
        "generated_instructions.jsonl",
    }
    assert offer.n_bytes == sum(len(files[name]) for name in names)
    assert (offer.licence, offer.bytes_missing) == ("apache-2.0", offer.n_bytes)
    assert offer.fits
    assert offer.cache == str(cache)
    assert not list(cache.rglob("*.json"))
    assert not any("/resolve/" in path for path in server.paths())


def test_the_hub_is_told_nothing_about_this_computer(server):
    hub.fetch_offer(NAME)
    fetch()
    assert server.asked
    for _, _, headers in server.asked:
        agent = headers["user-agent"]
        assert not any(word in agent for word in ("torch", "agent/"))
        assert "authorization" not in headers


def test_a_full_disk_is_reported_before_anything_is_downloaded(server, lab):
    server.repositories[NAME].files[WEIGHTS] = Long(1 << 60)
    offer = hub.fetch_offer(NAME)
    assert not offer.fits
    with pytest.raises(BackendError, match=r"needs 1073741824\.0 GiB more and .* free"):
        model_actions.download(lab, offer)
    with pytest.raises(BackendError, match="free some space, or put the hub's cache"):
        fetch()


class Long(bytes):
    """Stands for a content that would be too long to be kept."""

    length: int

    def __new__(cls, length):
        content = super().__new__(cls, bytes(2 << 20))
        content.length = length
        return content

    def __len__(self):
        return self.length


@pytest.mark.parametrize("token", ["", "reader", "other"])
def test_a_private_or_missing_model_raises_an_error(server, monkeypatch, token):
    server.repositories[NAME].private = True
    server.repositories[NAME].readers = ("reader",)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    if token == "reader":
        assert hub.fetch_offer(NAME).name == NAME
        return
    for name in (NAME, "org/none"):
        text = refusal(name)
        assert f"has no model {name}, or it is private; check the name" in text
        assert ("another token" if token else "HF_TOKEN") in text


@pytest.mark.parametrize("token", ["", "reader", "other"])
def test_a_gated_model_is_reported_with_where_to_accept_its_conditions(
    server, monkeypatch, token
):
    server.repositories[NAME].gated = True
    server.repositories[NAME].readers = ("reader",)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    if token == "reader":
        assert hub.fetch_offer(NAME).gated
        assert fetch().is_dir()
        with_token = {path for _, path, h in server.asked if "authorization" in h}
        assert any("/resolve/" in path for path in with_token)
        assert not any("/cdn/" in path for path in with_token), "another host"
        return
    text = refusal()
    assert (
        f"is gated: accept the conditions of its owner at {server.url}/{NAME}" in text
    )
    assert ("no access to it yet" if token else "HF_TOKEN") in text


def test_errors_of_network_and_hub_are_reported(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "expired")
    assert "does not accept the token" in refusal()
    monkeypatch.delenv("HF_TOKEN")
    server.status = 429
    assert "received too many requests" in refusal()
    server.status = 503
    assert "answers with an error (503); try again later" in refusal()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in refusal()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in refusal()


def test_a_hub_that_never_answers_is_given_up(server, monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 2.0)
    server.silent = True
    assert "has not answered for 2 seconds" in refusal()
    with pytest.raises(BackendError, match="has not answered"):
        fetch()
    server.silent = False


def test_a_name_that_is_no_id_is_refused_without_a_request(server):
    with pytest.raises(InputError, match="is not an id of a model"):
        model_actions.fetch_offer("../../etc/passwd")
    assert server.asked == []


def test_a_repository_without_safetensors_is_refused(server):
    del server.repositories[NAME].files[WEIGHTS]
    assert "pickle files only" in refusal()


# --- fetching -----------------------------------------------------------------


def test_a_model_comes_whole_and_is_found_by_its_id(server, cache, monkeypatch):
    progress: list[tuple[str, int, int]] = []
    folder = fetch(on_progress=lambda *counts: progress.append(counts))
    assert folder == snapshot(cache)
    model_files.check(folder)
    names = {path.name for path in folder.iterdir()}
    assert not names & {"pytorch_model.bin", "modeling_tiny.py"}
    for path in folder.iterdir():
        assert path.read_bytes() == server.repositories[NAME].files[path.name]
    assert model_files.digest(folder) == model_files.digest(model_files.BUILT_IN)
    stages = {stage for stage, _, _ in progress}
    assert {WEIGHTS, f"checking {WEIGHTS}"} <= stages
    assert [n_done for _, n_done, _ in progress] == sorted(
        n_done for _, n_done, _ in progress
    )
    (own,) = local.in_hub_cache(cache)
    assert (own.name, own.problem) == (NAME, None)
    n = len(server.asked)
    assert fetch() == folder
    assert not any("/resolve/" in path for path in server.paths()[n:])


def test_a_model_with_a_former_name_is_kept_and_found_under_its_own(server, cache, lab):
    renamed = replace(server.repositories[NAME], name=NAME)
    server.repositories["former/name"] = renamed
    offer = model_actions.fetch_offer("former/name")
    assert offer.name == "former/name"
    run = model_actions.download(lab, offer)
    assert DownloadRunSettings.of(run).name == NAME
    assert fetch("former/name") == snapshot(cache)


def test_a_tokenizer_that_is_kept_as_large_files_are_comes_before_the_weights(server):
    files = server.repositories[NAME].files
    files["tokenizer.json"] += b" " * LFS_FROM
    model_files.check(fetch())
    names = [path.rsplit("/", 1)[-1] for path in server.paths() if "/cdn/" in path]
    assert names == ["tokenizer.json", WEIGHTS]


def test_a_download_that_breaks_off_continues_by_itself(server, cache):
    server.break_after = 3 << 20
    model_files.check(fetch())
    cdn = [h for method, path, h in server.asked if "/cdn/" in path]
    assert [h.get("range") for h in cdn] == [None, f"bytes={3 << 20}-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_stopped_download_continues_where_it_was(server, cache, ranges):
    server.seconds_a_slice = 0.05
    progress: list[tuple[str, int, int]] = []

    def stop():
        return bool(progress) and progress[-1][1] > 2 << 20

    with pytest.raises(Cancelled):
        fetch(stop=stop, on_progress=lambda *counts: progress.append(counts))
    partial = incomplete(cache).stat().st_size
    assert partial >= 1 << 20
    size = len(server.repositories[NAME].files[WEIGHTS])
    offer = hub.fetch_offer(NAME)
    assert offer.bytes_missing == size - partial
    (own,) = local.in_hub_cache(cache)
    assert "is not finished; download it again to continue" in str(own.problem)
    server.ranges, server.bytes_sent, server.seconds_a_slice = ranges, 0, 0.0
    model_files.check(fetch())
    assert (server.bytes_sent < size) == ranges


def test_a_network_that_hangs_does_not_keep_a_download_from_being_stopped(server):
    server.hang_after = 1 << 20
    server.seconds_a_slice = 0.05
    start: list[float] = []

    def stop():
        return bool(start) and time.monotonic() - start[0] > 2

    def tell(stage, n_done, total):
        if n_done > 1 << 19 and not start:
            start.append(time.monotonic())

    with pytest.raises(Cancelled):
        fetch(stop=stop, on_progress=tell)
    server.hang_after = None
    assert time.monotonic() - start[0] < 20


def test_what_is_not_what_the_hub_announced_is_removed(server, cache):
    repository = server.repositories[NAME]
    server.seconds_a_slice = 0.05
    progress: list[tuple[str, int, int]] = []
    with pytest.raises(Cancelled):
        fetch(
            stop=lambda: bool(progress) and progress[-1][1] > 1 << 20,
            on_progress=lambda *counts: progress.append(counts),
        )
    partial = incomplete(cache)
    with partial.open("r+b") as file:
        file.write(b"damaged")
    server.seconds_a_slice = 0.0
    with pytest.raises(BackendError, match="is not what the hub announced"):
        fetch()
    assert not partial.exists()
    folder = fetch()
    assert (folder / WEIGHTS).read_bytes() == repository.files[WEIGHTS]


@pytest.mark.parametrize("n_spaces", [0, LFS_FROM])
def test_small_files_are_checked_as_well(server, n_spaces):
    server.repositories[NAME].files["tokenizer.json"] += b" " * n_spaces
    server.damaged = "tokenizer.json"
    with pytest.raises(BackendError, match=r"tokenizer\.json is not what the hub anno"):
        fetch()
    assert not any(path.endswith(WEIGHTS) for path in server.paths())
    server.damaged = None
    model_files.check(fetch())


def test_a_base_model_is_refused_before_its_weights_are_fetched(server):
    files = server.repositories[NAME].files
    del files["chat_template.jinja"]
    with pytest.raises(BackendError, match="instruct version"):
        fetch()
    assert not any(path.endswith(WEIGHTS) for path in server.paths())


def test_a_read_only_cache_raises_an_error(server, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where a folder should be")
    with pytest.raises(BackendError, match="cannot be written"):
        fetch()


def test_one_gguf_file_comes_when_it_is_asked_for(server):
    server.repositories["org/packed"] = Repository({"q4.gguf": bytes(2 << 20)})
    assert "org/packed/FILE.gguf (q4.gguf)" in refusal("org/packed")
    file = fetch("org/packed/q4.gguf")
    assert file.name == "q4.gguf"
    assert file.stat().st_size == 2 << 20


def test_blobs_are_named_as_git_does():
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_process_that_is_killed_within_a_line_is_one_sentence(monkeypatch):
    lines = '{"stage": "a", "done": 1, "total": 2}\n{"fol'
    command = [sys.executable, "-c", f"print({lines!r}, end='')"]
    start, until = subprocess.Popen, time.monotonic() + 60
    monkeypatch.setattr(subprocess, "Popen", lambda _, **more: start(command, **more))
    with pytest.raises(BackendError, match="ended unexpectedly"):
        hub.fetch("a/b", lambda: time.monotonic() > until, lambda *_: None)
