"""Functions that a child calls in tests."""

import ctypes
import os
import subprocess
import sys
import time

from autolearn.core.errors import ModelNotFound


def same(value):
    return value


def count(n, report):
    for i in range(n):
        report(i)
    return n


def pid():
    return os.getpid()


def compute_for_ever():
    while True:
        pass


def wait_for_ever(report):
    report(os.getpid())
    time.sleep(1000)


def start_and_wait(report):
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    report(sleeper.pid)
    sleeper.wait()


def fill_memory():
    return len([bytearray(1 << 20) for _ in range(10_000)])


def crash():
    ctypes.string_at(0)


def fail():
    raise RuntimeError("Two\nlines")


def leave():
    sys.exit("bye")


def recurse():
    return recurse()


def refuse():
    raise ModelNotFound("There is none.")


def talk():
    sys.stdout.write("what a library prints\n")
    sys.stdout.flush()
    os.write(1, b"no JSON\n")
    return 1


def write(path, n_bytes):
    with open(path, "wb") as file:
        file.truncate(n_bytes)
