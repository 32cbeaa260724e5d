"""Downloads are runs: queued, cancelled, resumed, by page or command."""

import os
import signal
import time

import pytest

from autolearn.cli.main import main
from autolearn.core.errors import JobError
from autolearn.core.run_results import DownloadResult
from autolearn.runs import queues, run_control, worker_locks, worker_processes
from autolearn.services import model_actions
from tests.support.hub import NAME, WEIGHTS, incomplete, snapshot


def order(lab, name=NAME):
    run = model_actions.download(lab, model_actions.fetch_offer(name))
    worker_processes.ensure_workers(lab)
    return run


def until(lab, run, condition):
    deadline = time.monotonic() + 60
    while not condition(last := lab.runs.get(run.id)):
        assert time.monotonic() < deadline, last
        time.sleep(0.02)


def test_a_download_runs_beside_the_worker_and_the_reader(lab, cache):
    with (
        worker_locks.worker_lock(lab.folder),
        worker_locks.worker_lock(lab.folder, queue=queues.IMPORT_QUEUE),
    ):
        last = run_control.wait(lab, order(lab).id)
    assert last.state == "done", last.error
    assert last.result["path"] == str(snapshot(cache))
    assert DownloadResult.of(last).bytes > 6_000_000


def test_a_cancelled_download_ends_soon_and_is_resumed(lab, server, cache):
    server.seconds_a_slice = 0.2  # twenty seconds: time for a slow machine to cancel it
    run = order(lab)
    with pytest.raises(JobError, match="is being downloaded already; wait for run 1"):
        order(lab)
    until(lab, run, lambda r: r.done > 512)
    run_control.cancel(lab, run.id)
    assert run_control.wait(lab, run.id).state == "cancelled"
    partial = incomplete(cache).stat().st_size
    server.seconds_a_slice, server.bytes_sent = 0.0, 0
    run_control.resume(lab, run.id)
    worker_processes.ensure_workers(lab)
    last = run_control.wait(lab, run.id)
    assert last.state == "done", last.error
    assert server.bytes_sent < len(server.repositories[NAME].files[WEIGHTS])
    assert partial > 0


def test_a_killed_downloader_leaves_no_process_behind_and_is_resumed(
    lab, server, cache
):
    server.seconds_a_slice = 0.05
    run = order(lab)
    until(lab, run, lambda r: r.done > 512)
    os.kill(lab.runs.get(run.id).pid, signal.SIGKILL)
    until(lab, run, lambda _: queues.DOWNLOAD_QUEUE not in worker_locks.recover(lab))
    assert lab.runs.get(run.id).state == "interrupted"
    sizes: list[int] = []
    while len(sizes) < 3 or sizes[-1] != sizes[-3]:
        sizes.append(incomplete(cache).stat().st_size)
        time.sleep(0.4)
        assert len(sizes) < 20, "the process of the killed downloader goes on"
    server.seconds_a_slice = 0.0
    run_control.resume(lab, run.id)
    worker_processes.ensure_workers(lab)
    assert run_control.wait(lab, run.id).state == "done"


def test_a_download_that_fails_says_why_and_can_be_resumed(lab, server):
    offer = model_actions.fetch_offer(NAME)
    server.status = 503
    run = model_actions.download(lab, offer)
    worker_processes.ensure_workers(lab)
    last = run_control.wait(lab, run.id)
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
    assert worker_processes.stop_worker(tmp_path / "lab", queue=queues.DOWNLOAD_QUEUE)


def test_a_refused_download_is_one_sentence_and_exit_1(server, tmp_path, capsys):
    place = ["--workspace", str(tmp_path / "lab")]
    assert main(["download", "org/none", *place]) == 1
    text = capsys.readouterr().err.strip()
    assert "has no model org/none" in text
    assert len(text.splitlines()) == 1
