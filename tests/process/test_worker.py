"""A real worker in a real process; this file is also the program that it runs."""

import errno
import logging
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from autolearn.core.errors import InputError, ProcessLost, WorkerLost
from autolearn.core.ports import Cancelled
from autolearn.core.records import Question, Run, Skip
from autolearn.core.run_results import RunResult
from autolearn.runs import run_control, waiting, worker_locks, worker_processes
from autolearn.runs.context import Handlers
from autolearn.runs.worker import main
from autolearn.services import prompt_editor
from autolearn.store import QuestionFilter, Store
from autolearn.study import prompts

N_STEPS = 30


@dataclass(frozen=True)
class Texts(RunResult):
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Digests(RunResult):
    digests: tuple[str, ...]


def study(context):
    """Make two records a step, slowly, and sum them up."""
    journal = context.store.journal(context.run.id)

    def make(step):
        if context.stop():
            raise Cancelled
        time.sleep(context.run.settings["seconds"])
        return [
            Question(f"question {step}", "study", "model"),
            Skip("ask", f"nothing in {step}"),
        ]

    texts = []
    for step in range(N_STEPS):
        texts += [
            record.text
            for record in journal.step(f"step {step}", lambda: make(step))  # noqa: B023
            if isinstance(record, Question)
        ]
        context.progress("ask", step + 1, N_STEPS)
    return Texts(tuple(texts))


def fail(context):
    raise InputError("The library is empty; add a text first.")


def quiz(context):
    """Load a prompt twice; in between, wait until it was changed."""
    if prompts.CHANGED not in context.run.settings:
        fail(context)
    before = prompts.load("closed_book").digest
    until((context.workspace / "changed").exists)
    return Digests((before, prompts.load("closed_book").digest))


def crash(context):
    sys.stdout.write("printed by a library\n")
    warnings.warn("warned by a library", stacklevel=1)
    logging.getLogger("library").warning("logged by a library")
    raise ZeroDivisionError("deep inside")


def chat(context):
    while not context.stop():
        time.sleep(0.01)
    raise Cancelled


def train(context):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "adapters/round-1")


def panic(context):
    """Let a library of Rust panic, as a tokenizer does on some texts."""
    tokenizer = Tokenizer(WordLevel({"a": 0}, unk_token="a"))
    tokenizer.pre_tokenizer = Split(Regex("(?:[b-z]+[b-z]+)+!"), "isolated")
    tokenizer.encode("b" * 60)
    return Texts(())


def lose(context):
    raise ProcessLost("Process 2 of 2 of this training ended; resume the run.")


HANDLERS: Handlers = {
    "convert": lose,
    "study": study,
    "train": train,
    "quiz": quiz,
    "export": crash,
    "chat": chat,
    "import": fail,
    "skills": panic,
}
COMMAND = (sys.executable, __file__, "--idle", "30")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A workspace with a worker that stays."""
    with Store.open(tmp_path_factory.mktemp("shared")) as store:
        process = worker_processes.ensure_worker(store.folder, COMMAND)
        yield store
        assert worker_processes.stop_worker(store.folder)
        assert process
        assert process.wait(30) == 0


@pytest.fixture
def start(store):
    """A way to start workers of the workspace, all of which end with the test."""
    processes = []

    def start(command=COMMAND):
        process = worker_processes.ensure_worker(store.folder, command)
        if process:
            processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_running(store, run):
    return store.runs.get(run.id).state == "running"


def kept(store, run):
    """What a run has made, in the order in which it was kept."""
    return (
        [q.text for q in store.library.questions(QuestionFilter(run_id=run.id))],
        [skip.reason for skip in store.runs.skips(run.id)],
    )


def test_a_run_is_done_and_shows_how_it_continues(lab):
    run = lab.runs.create("study", {"seconds": 0.05})
    states: list[Run] = []
    last = run_control.wait(lab, run.id, states.append)
    assert (last.state, last.error, last.pid) == ("done", None, None)
    assert last.result["texts"] == kept(lab, run)[0]
    assert (last.stage, last.done, last.total) == ("ask", N_STEPS, N_STEPS)
    assert any(0 < run.done < N_STEPS and run.rate > 0 for run in states)


def test_a_refusal_ends_the_run_with_its_sentence(lab):
    run = run_control.wait(lab, lab.runs.create("quiz", {}).id)
    assert run.state == "failed"
    assert run.error == "The library is empty; add a text first."


def test_a_run_keeps_its_prompts_and_the_next_one_has_the_change(lab):
    default = prompts.default_text("closed_book")
    texts = [default.replace("full", word) for word in ("short", "long")]
    prompts.use(lab.folder / prompts.FOLDER)
    try:
        digests = []
        for text in texts:
            prompt_editor.save(lab.folder, "closed_book", text)
            run = lab.runs.create("quiz", prompts.of_run())
            until(lambda run=run: lab.runs.get(run.id).state != "queued")
            prompt_editor.save(lab.folder, "closed_book", texts[1])
            (lab.folder / "changed").touch()
            digests.append(run_control.wait(lab, run.id).result["digests"])
    finally:
        prompts.use(None)
    own = [prompts.parse("closed_book", text).digest for text in texts]
    assert digests == [[own[0]] * 2, [own[1]] * 2]


def test_a_panic_of_a_library_fails_its_run_and_the_worker_continues(lab):
    first, second = (lab.runs.create(kind, {}) for kind in ("skills", "train"))
    run = run_control.wait(lab, first.id)
    assert run.state == "failed"
    assert run.error == (
        f"Unexpected error (PanicException); details in logs/run-{run.id}.log."
    )
    assert run_control.wait(lab, second.id).pid == run.pid


def test_a_run_with_a_broken_prompt_fails_with_its_sentence(lab):
    settings = {prompts.CHANGED: {"closed_book": "## system\nx\n"}}
    run = run_control.wait(lab, lab.runs.create("quiz", settings).id)
    assert run.state == "failed"
    assert "'closed_book' needs the parts" in str(run.error)
    assert "reset it to its default" in str(run.error)


def test_a_full_disk_ends_the_run_with_a_sentence(lab):
    run = run_control.wait(lab, lab.runs.create("train", {}).id)
    assert run.state == "failed"
    assert "adapters/round-1 cannot be read or written: No space left" in str(run.error)
    assert "nothing committed is lost" in str(run.error)


def test_an_unexpected_error_ends_the_run_and_is_in_its_log(lab):
    run = run_control.wait(lab, lab.runs.create("export", {}).id)
    logs = lab.folder / "logs"
    assert run.state == "failed"
    assert run.error == (
        f"Unexpected error (ZeroDivisionError); details in logs/run-{run.id}.log."
    )
    log = (logs / f"run-{run.id}.log").read_text()
    assert "Traceback" in log
    assert "deep inside" in log
    assert "warned by a library" in log
    assert "logged by a library" in log
    until(lambda: "warned by a library" in (logs / "worker.log").read_text())


def test_a_run_that_lost_a_process_is_interrupted_with_its_sentence(lab):
    run = run_control.wait(lab, lab.runs.create("convert", {}).id)
    assert run.state == "interrupted"
    assert run.error == "Process 2 of 2 of this training ended; resume the run."
    assert run_control.resume(lab, run.id).state == "queued"
    assert run_control.wait(lab, run.id).state == "interrupted"


def test_a_run_is_cancelled_soon(lab):
    run = lab.runs.create("chat", {})
    until(lambda: is_running(lab, run))
    began = time.monotonic()
    run_control.cancel(lab, run.id)
    until(lambda: lab.runs.get(run.id).state == "cancelled")
    assert time.monotonic() - began < 5  # a second where nothing else is at work


def test_the_heartbeat_moves(lab):
    run = lab.runs.create("chat", {})
    until(lambda: is_running(lab, run))
    first = lab.runs.get(run.id).heartbeat_at
    until(lambda: lab.runs.get(run.id).heartbeat_at > first)
    run_control.cancel(lab, run.id)
    assert run_control.wait(lab, run.id).state == "cancelled"


def test_a_second_worker_is_refused_before_it_loads_anything(lab):
    until(lambda: worker_locks.worker_alive(lab.folder))
    second = subprocess.run(
        [sys.executable, "-m", "autolearn.runs.worker", "--workspace", lab.folder],
        check=False,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert second.stderr == (
        f"Another worker is already at work in {lab.folder}; one is enough.\n"
    )


def test_a_killed_run_is_resumed_with_nothing_lost_or_repeated(store, start):
    moments = random.Random(5)
    run = store.runs.create("study", {"seconds": 0.05})
    for _ in range(3):
        n_kept = len(kept(store, run)[0])
        start()
        until(lambda n=n_kept: len(kept(store, run)[0]) > n)
        time.sleep(moments.uniform(0.0, 0.2))
        os.kill(store.runs.get(run.id).pid, signal.SIGKILL)
        with pytest.raises(WorkerLost) as refusal:
            run_control.wait(store, run.id)
        assert refusal.value.command == f"resume {run.id}"
        run_control.resume(store, run.id)
    start()
    second = run_control.wait(store, run.id)
    whole = run_control.wait(store, store.runs.create("study", {"seconds": 0}).id)
    assert second.state == whole.state == "done"
    assert second.result == whole.result
    assert kept(store, second) == kept(store, whole)
    assert len(kept(store, second)[0]) == N_STEPS


def test_a_worker_that_is_asked_to_end_leaves_a_run_to_be_resumed(store, start):
    run = store.runs.create("study", {"seconds": 0.05})
    process = start()
    until(lambda: kept(store, run)[0])
    assert worker_processes.stop_worker(store.folder)
    assert process.wait(30) == 0
    assert store.runs.get(run.id).state == "interrupted"
    before = kept(store, run)[0]
    assert 0 < len(before) < N_STEPS
    run_control.resume(store, run.id)
    start()
    run_control.wait(store, run.id)
    assert kept(store, run)[0][: len(before)] == before
    assert len(kept(store, run)[0]) == N_STEPS


WAIT = """
import sys
from pathlib import Path
from autolearn.runs import waiting
from autolearn.store import Store

with Store.open(Path(sys.argv[1])) as store:
    with waiting.waiting_for(store, int(sys.argv[2])):
        sys.stdin.read()
"""


@contextmanager
def waiting_process(store, run):
    """Let another process wait for a run, until it is killed."""
    arguments = [sys.executable, "-c", WAIT, store.folder, str(run.id)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as process:
        try:
            until(lambda: waiting.awaited_runs(store) == {run.id}, 60)
            yield
        finally:
            process.kill()


def left_running(store):
    """Stop the workers as a page that ends; return the runs that go on."""
    return [run.id for run in worker_processes.stop_unawaited(store)]


def test_only_runs_that_no_other_process_waits_for_are_stopped(store, start):
    run = store.runs.create("chat", {})
    behind = store.runs.create("study", {"seconds": 0})
    start()
    until(lambda: is_running(store, run))
    with waiting_process(store, run):
        assert left_running(store) == [run.id]
        assert is_running(store, run)
    with waiting.waiting_for(store, run.id):
        assert waiting.awaited_runs(store) == set(), "this process does not count"
    with waiting_process(store, behind):
        assert left_running(store) == [], "it starts another worker"
    assert store.runs.get(run.id).state == "interrupted"
    assert store.runs.get(behind.id).state == "queued"


def test_what_follows_a_run_that_is_waited_for_continues_too(store, start):
    first = store.runs.create("train", {})
    second = store.runs.create("chat", {"after": first.id})
    start()
    until(lambda: is_running(store, second))
    with waiting_process(store, first):
        assert left_running(store) == [second.id]


def test_a_dead_process_waits_for_nothing(store):
    run = store.runs.create("study", {})
    with waiting_process(store, run):
        pass
    assert waiting.awaited_runs(store) == set()
    assert list((store.folder / waiting.FOLDER).iterdir()) == []


def test_an_idle_worker_ends_by_itself(store, start):
    run = store.runs.create("study", {"seconds": 0})
    process = start((sys.executable, __file__, "--idle", "0.1"))
    assert run_control.wait(store, run.id).state == "done"
    assert process.wait(30) == 0
    assert not worker_locks.worker_alive(store.folder)


if __name__ == "__main__":
    main(load=lambda _: HANDLERS)
