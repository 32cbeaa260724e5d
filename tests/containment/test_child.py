"""Work in a child ends with a result or with one sentence, and always ends."""

import os
import sys
import threading
import time

import psutil
import pytest

from autolearn import containment
from autolearn.containment import Child, Limits, interrupt, interruptible, stopped_by
from autolearn.containment import child as child_module
from autolearn.containment.limits import limited_memory
from autolearn.core.errors import ChildFailed, InputError, ModelNotFound
from autolearn.core.ports import Cancelled

CALLS = "tests.support.calls"
LIMITS = Limits(seconds=2.0, memory=256 << 20)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux")


@pytest.fixture(scope="module")
def child():
    with Child() as child:
        yield child


def call(child, name, *arguments, limits=LIMITS, **options):
    return child.call(f"{CALLS}:{name}", *arguments, limits=limits, **options)


def failure(child, name, *arguments, **options):
    with pytest.raises(ChildFailed) as error:
        call(child, name, *arguments, **options)
    return str(error.value), error.value.how


def ends_soon(pid, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(pid):
            return True
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_child_is_kept_from_call_to_call(child):
    pids = {call(child, "pid") for _ in range(3)}
    assert len(pids) == 1
    assert os.getpid() not in pids
    assert call(child, "same", {"a": [1, "é"]}) == {"a": [1, "é"]}


def test_reports_come_in_order_before_the_result(child):
    reports: list[int] = []
    assert call(child, "count", 5, on_report=reports.append) == 5
    assert reports == [0, 1, 2, 3, 4]


def test_what_a_library_prints_is_no_message(child):
    assert call(child, "talk") == 1


def test_an_error_of_ours_comes_back_as_it_is(child):
    before = call(child, "pid")
    with pytest.raises(ModelNotFound, match=r"^There is none\.$"):
        call(child, "refuse")
    assert call(child, "pid") == before


@pytest.mark.parametrize(
    ("name", "sentence", "how"),
    [
        ("compute_for_ever", "takes longer than 1 seconds", "time"),
        ("crash", "ended its reader by signal 11 (SIGSEGV)", "signal"),
        ("fail", "cannot be read (RuntimeError: Two lines)", "error"),
        ("leave", "cannot be read (SystemExit: bye)", "error"),
        ("recurse", "cannot be read (RecursionError: maximum recursion", "error"),
    ],
)
def test_each_bad_end_is_one_sentence(child, name, sentence, how):
    text, kind = failure(child, name, limits=Limits(1.0, 256 << 20))
    assert text.startswith(sentence)
    assert "\n" not in text
    assert kind == how
    assert call(child, "same", 1) == 1


@ON_LINUX
def test_memory_is_limited_to_what_the_call_may_add(child):
    text, kind = failure(child, "fill_memory")
    assert (text, kind) == ("needs more than 256 MiB of memory", "memory")
    assert call(child, "same", 1) == 1


def test_a_wait_ends_at_the_deadline_too(child):
    begin = time.monotonic()
    text, _ = failure(child, "wait_for_ever", limits=Limits(0.5), on_report=print)
    assert text == "takes longer than 1 seconds"
    assert time.monotonic() - begin < 25


def test_stop_ends_a_call_soon_and_all_that_it_started():
    pids: list[int] = []
    times: list[float] = []

    def stop():
        if pids and not times:
            times.append(time.monotonic())
        return bool(pids)

    with Child() as child, pytest.raises(Cancelled):
        call(child, "start_and_wait", on_report=pids.append, stop=stop)
    assert time.monotonic() - times[0] < 5  # a second where nothing else is at work
    assert ends_soon(pids[0])


def test_a_run_that_is_cancelled_ends_calls_that_know_nothing_of_it():
    pids: list[int] = []
    with stopped_by(lambda: bool(pids)), Child() as child, pytest.raises(Cancelled):
        call(child, "wait_for_ever", on_report=pids.append)
    assert ends_soon(pids[0])


def test_an_error_while_a_report_is_taken_ends_the_call():
    pids: list[int] = []

    def take(pid):
        pids.append(pid)
        raise Cancelled

    with Child() as child, pytest.raises(Cancelled):
        call(child, "wait_for_ever", on_report=take)
    assert ends_soon(pids[0])


def test_a_child_that_was_killed_from_outside_is_replaced(child):
    pid = call(child, "pid")
    psutil.Process(pid).kill()
    assert ends_soon(pid)
    assert call(child, "pid") != pid


def test_several_threads_call_at_once():
    pids: list[int] = []

    def work():
        pids.append(containment.run(f"{CALLS}:pid", limits=LIMITS))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3


@ON_LINUX
def test_memory_of_a_block_is_limited_and_free_again_after_it():
    with pytest.raises(MemoryError), limited_memory(64 << 20):
        bytearray(512 << 20)
    assert len(bytearray(512 << 20)) == 512 << 20


def compute_until(end, timer):
    with interruptible():
        timer.start()  # not before: no block would be interrupted
        while time.monotonic() < end:
            pass


def test_python_code_is_interrupted_in_a_block_that_allows_it():
    timer = threading.Timer(0.2, interrupt)
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        compute_until(begin + 30, timer)
    assert time.monotonic() - begin < 25
    interrupt()  # nobody is in a block
    timer.join()


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_start_is_measured_in_computing_time_that_no_earlier_call_has_taken(
    monkeypatch,
):
    """On a busy computer a start may take minutes, and a kept child has computed."""
    monkeypatch.setattr(child_module, "START_SECONDS", 0.2)
    monkeypatch.setattr(child_module, "START_FACTOR", 1000)
    compute(0.4)
    watch = child_module._Watch(os.getpid(), LIMITS)
    time.sleep(0.3)
    watch.check()
    compute(0.4)
    with pytest.raises(ChildFailed, match="does not start"):
        watch.check()
    monkeypatch.setattr(child_module, "START_FACTOR", 1)
    waiting = child_module._Watch(os.getpid(), LIMITS)
    time.sleep(0.3)
    with pytest.raises(ChildFailed, match="does not start"):
        waiting.check()


def test_no_call_gets_the_answer_of_one_before_it():
    """One that its caller gave up went on, and its result was that of the next."""

    def give_up(report):
        raise InputError("The progress cannot be stored.")

    with Child() as child:
        with pytest.raises(InputError, match="cannot be stored"):
            call(child, "count", 1, on_report=give_up)
        assert call(child, "same", "asked later") == "asked later"
