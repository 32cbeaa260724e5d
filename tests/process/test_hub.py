"""Models come from a hub on this computer, by the real client and a real fetcher."""

import os
import signal
import time

import pytest

from autolearn.cli.main import main
from autolearn.core.errors import BackendError, InputError, JobError
from autolearn.core.ports import Cancelled
from autolearn.core.run_results import DownloadResult
from autolearn.models import files as model_files
from autolearn.models.sources import hub, local
from autolearn.runs import queues
from autolearn.services import model_actions
from autolearn.store import Store
from tests.support.hub import LFS_FROM, Repository, blob_id, files_of, serve

NAME = "org/tiny-instruct"
WEIGHTS = "model.safetensors"
PLAIN_ENVIRONMENT = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HTTP_PROXY")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub with the built-in model, and an empty cache of its own."""
    for name in PLAIN_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve() as server:
        files = files_of(model_files.BUILT_IN)
        others = {"pytorch_model.bin": b"pickle", "modeling_tiny.py": b"import os"}
        server.repositories[NAME] = Repository(files | others)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "hf" / "hub"


@pytest.fixture
def lab(tmp_path, server):
    """A workspace with a fetcher of its own."""
    with Store.open(tmp_path / "lab") as store:
        yield store
        assert queues.stop_worker(store.folder, queue=queues.DOWNLOAD_QUEUE)


def fetch(name=NAME, stop=lambda: False, tell=lambda *_: None):
    return hub.fetch(name, stop, tell)


def refusal(name=NAME):
    with pytest.raises(BackendError) as error:
        hub.look(name)
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def snapshot(cache):
    (folder,) = (cache / "models--org--tiny-instruct" / "snapshots").iterdir()
    return folder


def incomplete(cache):
    (path,) = (cache / "models--org--tiny-instruct" / "blobs").glob("*.incomplete")
    return path


# --- looking ------------------------------------------------------------------


def test_looking_tells_size_licence_and_files_and_downloads_nothing(server, cache):
    offer = hub.look(NAME)
    files = server.repositories[NAME].files
    names = {part.name for part in offer.parts}
    assert WEIGHTS in names
    assert not names & {"pytorch_model.bin", "modeling_tiny.py", "imagined.jsonl"}
    assert offer.n_bytes == sum(len(files[name]) for name in names)
    assert (offer.licence, offer.bytes_missing) == ("apache-2.0", offer.n_bytes)
    assert offer.fits
    assert offer.cache == str(cache)
    assert not list(cache.rglob("*.json"))
    assert not any("/resolve/" in path for path in server.paths())


def test_the_hub_is_told_nothing_about_this_computer(server):
    hub.look(NAME)
    fetch()
    assert server.asked
    for _, _, headers in server.asked:
        agent = headers["user-agent"]
        assert not any(word in agent for word in ("torch", "agent/"))
        assert "authorization" not in headers


def test_a_disk_without_room_is_told_before_anything_is_fetched(server, lab):
    server.repositories[NAME].files[WEIGHTS] = Long(1 << 60)
    offer = hub.look(NAME)
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
def test_a_private_or_missing_model_is_told(server, monkeypatch, token):
    server.repositories[NAME].private = True
    server.repositories[NAME].readers = ("reader",)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    if token == "reader":
        assert hub.look(NAME).name == NAME
        return
    for name in (NAME, "org/none"):
        text = refusal(name)
        assert f"has no model {name}, or it is private; check the name" in text
        assert ("another token" if token else "HF_TOKEN") in text


@pytest.mark.parametrize("token", ["", "reader", "other"])
def test_a_gated_model_is_told_with_where_to_accept_its_conditions(
    server, monkeypatch, token
):
    server.repositories[NAME].gated = True
    server.repositories[NAME].readers = ("reader",)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    if token == "reader":
        assert hub.look(NAME).gated
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


def test_what_the_network_and_the_hub_refuse_is_told(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "expired")
    assert "does not accept the token" in refusal()
    monkeypatch.delenv("HF_TOKEN")
    server.status = 429
    assert "asks to wait" in refusal()
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
    with pytest.raises(InputError, match="is no id of a model"):
        model_actions.look("../../etc/passwd")
    assert server.asked == []


def test_a_repository_without_safetensors_is_refused(server):
    del server.repositories[NAME].files[WEIGHTS]
    assert "pickle files only" in refusal()


# --- fetching -----------------------------------------------------------------


def test_a_model_comes_whole_and_is_found_by_its_id(server, cache, monkeypatch):
    progress: list[tuple[str, int, int]] = []
    folder = fetch(tell=lambda *told: progress.append(told))
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


def test_a_tokenizer_that_is_kept_as_large_files_are_comes_before_the_weights(server):
    files = server.repositories[NAME].files
    files["tokenizer.json"] += b" " * LFS_FROM
    model_files.check(fetch())
    names = [path.rsplit("/", 1)[-1] for path in server.paths() if "/cdn/" in path]
    assert names == ["tokenizer.json", WEIGHTS]


def test_a_download_that_breaks_off_goes_on_by_itself(server, cache):
    server.break_after = 3 << 20
    model_files.check(fetch())
    cdn = [h for method, path, h in server.asked if "/cdn/" in path]
    assert [h.get("range") for h in cdn] == [None, f"bytes={3 << 20}-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_stopped_download_goes_on_where_it_was(server, cache, ranges):
    server.seconds_a_slice = 0.02
    progress: list[tuple[str, int, int]] = []

    def stop():
        return bool(progress) and progress[-1][1] > 2 << 20

    with pytest.raises(Cancelled):
        fetch(stop=stop, tell=lambda *told: progress.append(told))
    partial = incomplete(cache).stat().st_size
    assert partial >= 1 << 20
    size = len(server.repositories[NAME].files[WEIGHTS])
    offer = hub.look(NAME)
    assert offer.bytes_missing == size - partial
    (own,) = local.in_hub_cache(cache)
    assert "is not finished; download it again to go on" in str(own.problem)
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
        fetch(stop=stop, tell=tell)
    server.hang_after = None
    assert time.monotonic() - start[0] < 4


def test_what_is_not_what_the_hub_announced_is_removed(server, cache):
    repository = server.repositories[NAME]
    server.seconds_a_slice = 0.02
    progress: list[tuple[str, int, int]] = []
    with pytest.raises(Cancelled):
        fetch(stop=lambda: len(progress) > 8, tell=lambda *told: progress.append(told))
    partial = incomplete(cache)
    with partial.open("r+b") as file:
        file.write(b"damaged")
    server.seconds_a_slice = 0.0
    with pytest.raises(BackendError, match="is not what the hub announced"):
        fetch()
    assert not partial.exists()
    folder = fetch()
    assert (folder / WEIGHTS).read_bytes() == repository.files[WEIGHTS]


def test_a_base_model_is_refused_before_its_weights_are_fetched(server):
    files = server.repositories[NAME].files
    del files["chat_template.jinja"]
    with pytest.raises(BackendError, match="instruct version"):
        fetch()
    assert not any(path.endswith(WEIGHTS) for path in server.paths())


def test_a_cache_that_cannot_be_written_is_told(server, cache):
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


# --- runs ---------------------------------------------------------------------


def order(lab, name=NAME):
    run = model_actions.download(lab, model_actions.look(name))
    queues.ensure_workers(lab)
    return run


def until(lab, run, condition):
    deadline = time.monotonic() + 30
    while not condition(lab.runs.get(run.id)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_download_runs_beside_the_worker_and_the_reader(lab, cache):
    with (
        queues.worker_lock(lab.folder),
        queues.worker_lock(lab.folder, queue=queues.IMPORT_QUEUE),
    ):
        last = queues.wait(lab, order(lab).id)
    assert last.state == "done", last.error
    assert last.result["path"] == str(snapshot(cache))
    assert DownloadResult.of(last).bytes > 6_000_000


def test_a_cancelled_download_ends_soon_and_is_resumed(lab, server, cache):
    server.seconds_a_slice = 0.05
    run = order(lab)
    with pytest.raises(JobError, match="is being downloaded already, by run 1"):
        order(lab)
    until(lab, run, lambda r: r.done > 1024)
    queues.cancel(lab, run.id)
    assert queues.wait(lab, run.id).state == "cancelled"
    partial = incomplete(cache).stat().st_size
    server.seconds_a_slice, server.bytes_sent = 0.0, 0
    queues.resume(lab, run.id)
    queues.ensure_workers(lab)
    last = queues.wait(lab, run.id)
    assert last.state == "done", last.error
    assert server.bytes_sent < len(server.repositories[NAME].files[WEIGHTS])
    assert partial > 0


def test_a_killed_fetcher_leaves_no_process_behind_and_is_resumed(lab, server, cache):
    server.seconds_a_slice = 0.05
    run = order(lab)
    until(lab, run, lambda r: r.done > 512)
    os.kill(lab.runs.get(run.id).pid, signal.SIGKILL)
    while queues.DOWNLOAD_QUEUE in queues.recover(lab):
        time.sleep(0.02)
    assert lab.runs.get(run.id).state == "interrupted"
    sizes: list[int] = []
    while len(sizes) < 3 or sizes[-1] != sizes[-3]:
        sizes.append(incomplete(cache).stat().st_size)
        time.sleep(0.4)
        assert len(sizes) < 20, "the process of the killed fetcher goes on"
    server.seconds_a_slice = 0.0
    queues.resume(lab, run.id)
    queues.ensure_workers(lab)
    assert queues.wait(lab, run.id).state == "done"


def test_a_download_that_fails_says_why_and_can_be_resumed(lab, server):
    offer = model_actions.look(NAME)
    server.status = 503
    run = model_actions.download(lab, offer)
    queues.ensure_workers(lab)
    last = queues.wait(lab, run.id)
    assert (last.state, "error (503)" in str(last.error)) == ("failed", True)


# --- the command line ---------------------------------------------------------


def test_a_model_is_downloaded_and_listed_by_command(server, tmp_path, capsys):
    place = ["--workspace", str(tmp_path / "lab")]
    assert main(["download", NAME, "--dry-run", *place]) == 0
    offer_text = capsys.readouterr().out
    assert "licence: apache-2.0" in offer_text
    assert WEIGHTS in offer_text
    assert main(["download", NAME, *place]) == 0
    text = capsys.readouterr()
    assert "size mib: 6" in text.err
    assert f"model: {NAME}" in text.out
    assert queues.stop_worker(tmp_path / "lab", queue=queues.DOWNLOAD_QUEUE)


def test_a_refused_download_is_one_sentence_and_exit_1(server, tmp_path, capsys):
    place = ["--workspace", str(tmp_path / "lab")]
    assert main(["download", "org/none", *place]) == 1
    text = capsys.readouterr().err.strip()
    assert "has no model org/none" in text
    assert len(text.splitlines()) == 1


def test_blobs_are_named_as_git_does():
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
