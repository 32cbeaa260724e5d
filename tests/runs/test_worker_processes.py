import subprocess
import sys
from threading import Thread

from autolearn.runs import queues, worker_locks, worker_processes


def test_no_worker_is_started_beside_another(store):
    with worker_locks.worker_lock(store.folder):
        assert (
            worker_processes.ensure_worker(store.folder, ["never", "started"]) is None
        )


def test_a_worker_that_ends_while_the_next_begins_is_reaped_too(store):
    ending = (sys.executable, "-c", "import time; time.sleep(0.3)")
    first = worker_processes.ensure_worker(store.folder, ending)
    assert first
    (store.folder / queues.MODEL_QUEUE.pid_file).write_text(str(first.pid))
    second = worker_processes.ensure_worker(store.folder, ending)
    assert worker_processes.stop_worker(store.folder)
    assert second
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_worker_may_be_started_while_another_thread_looks_for_one(store, monkeypatch):
    """The dictionary of workers changed while it was walked."""
    elsewhere = store.folder.with_name("elsewhere")
    elsewhere.mkdir()
    other_thread = Thread(target=worker_processes.ensure_worker, args=(elsewhere,))

    class Alive:
        """A process; when it is looked at, the other thread starts one elsewhere."""

        def __init__(self, *arguments, **options):
            pass

        def wait(self, timeout):
            raise subprocess.TimeoutExpired("worker", timeout)

        @property
        def pid(self):
            if other_thread.ident is None:
                other_thread.start()
                other_thread.join()
            return 1

    monkeypatch.setattr(worker_processes, "_processes", {})
    monkeypatch.setattr(subprocess, "Popen", Alive)
    assert worker_processes.ensure_worker(store.folder)
    (store.folder / queues.MODEL_QUEUE.pid_file).write_text("1")
    assert not worker_processes.is_starting(store.folder, queues.MODEL_QUEUE)
    assert worker_processes.is_starting(elsewhere, queues.MODEL_QUEUE)


def test_no_worker_is_started_beside_one_that_is_slow_to_begin(store, monkeypatch):
    """On a busy computer, one more every five seconds made it ever slower."""
    monkeypatch.setattr(worker_processes, "RESTART_SECONDS", 0.0)
    slow = (sys.executable, "-c", "import time; time.sleep(60)")
    store.runs.create("study", {})
    first = worker_processes.ensure_worker(store.folder, slow)
    assert first
    for _ in range(5):
        assert worker_processes.ensure_worker(store.folder, slow) is None
        worker_processes.replace_dead_workers(store)
    first.kill()
    first.wait()
    second = worker_processes.ensure_worker(store.folder, ["true"])
    assert second
    second.wait()
    assert worker_processes.stop_worker(store.folder)


def test_why_a_worker_ended_is_told_until_another_does_a_run(store, monkeypatch):
    """Runs stayed queued, and no word on the page said why."""
    monkeypatch.setattr(worker_processes, "RESTART_SECONDS", 0.0)
    queue = queues.MODEL_QUEUE
    run = store.runs.create("study", {})
    fails = (sys.executable, "-c", "raise SystemExit('No module is named torch.')")
    for command, error in (
        (fails, "No module is named torch."),
        (("sh", "-c", "kill -9 $$"), "signal 9 (Killed)"),
    ):
        process = worker_processes.ensure_worker(store.folder, command)
        assert process
        process.wait()
        with worker_locks.worker_lock(store.folder):  # so no other one is started
            worker_processes.replace_dead_workers(store)
        assert worker_processes.why_ended(store, queue) == error
    store.runs.claim(1, ["study"])
    assert worker_processes.why_ended(store, queue) == ""
    store.runs.finish(run.id, "done")
    assert worker_processes.stop_worker(store.folder)
