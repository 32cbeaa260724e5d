"""Servers with a real model, each in a process of its own that can be killed."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from autolearn.core import server_addresses
from autolearn.endpoints.client import RetryPolicy
from autolearn.endpoints.detection import detect
from autolearn.endpoints.facts import ServerFacts

PATIENCE = 180
"""Seconds until a server that does not answer is given up."""
TWICE = RetryPolicy(tries=2, first_delay=0.1)


class RealServer:
    """A server that can be killed, and started again at the same address."""

    def __init__(self, place: Path) -> None:
        self._place = place
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return the address as a person types it, without a model."""
        return f"http://127.0.0.1:{self._port}/v1"

    def _arguments(self, port: int) -> Sequence[str]:
        """Return what follows the interpreter on the command line."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it has loaded the model.

        Raises:
            AssertionError: It ended before that, or takes too long; with its log.
        """
        # It has all files, so it needs no network; it keeps its notes out of the home.
        offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
        log = self._place / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments(self._port)],
                env={**os.environ, **offline, "HF_HOME": str(self._place)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            text = log.read_text(encoding="utf-8", errors="replace")
            assert self._process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.2)

    def _answers(self) -> bool:
        url = f"http://127.0.0.1:{self._port}/health"
        try:
            return httpx2.get(url, timeout=5, trust_env=False).is_success
        except httpx2.RequestError:
            return False

    def kill(self) -> None:
        """Kill it, as the system does if memory is short."""
        if self._process:
            self._process.kill()
            self._process.wait(60)


class TransformersServer(RealServer):
    """``transformers serve`` with a folder of this computer."""

    def __init__(self, model: Path, place: Path) -> None:
        super().__init__(place)
        self._model = model

    def _arguments(self, port: int) -> Sequence[str]:
        return (
            *("-m", "transformers.cli.transformers", "serve", str(self._model)),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--device", "cpu", "--dtype", "float32"),
        )


LLAMA = """
import sys, threading, xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_parallel, params.n_ctx = 4, 4 * 4096
server = xllamacpp.Server(params)
threading.Event().wait()
"""


class LlamaServer(RealServer):
    """The server of llama.cpp with a GGUF file."""

    def __init__(self, model: Path, place: Path) -> None:
        super().__init__(place)
        self._model = model

    def _arguments(self, port: int) -> Sequence[str]:
        return ("-c", LLAMA, str(self._model), str(port))


@contextmanager
def serving(server: RealServer) -> Iterator[RealServer]:
    """Let a server run."""
    try:
        server.start()
        yield server
    finally:
        server.kill()


def facts_of(server: RealServer, name: str = "") -> ServerFacts:
    """Ask a server what it is, and for the model of this name."""
    return detect(server_addresses.parse(f"{server.address}#{name}"), TWICE)
