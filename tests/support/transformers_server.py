"""``transformers serve`` in a process of its own, with a model of this computer."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

PATIENCE = 180
"""Seconds until a server that does not answer is given up."""


class TransformersServer:
    """A server that can be killed, and started again at the same address."""

    def __init__(self, model: Path, place: Path) -> None:
        self._model, self._place = model, place
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return the address as a person types it, without a model."""
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Start it, and wait until it has loaded the model.

        Raises:
            AssertionError: It ended before that, or takes too long; with its log.
        """
        program = [sys.executable, "-m", "transformers.cli.transformers"]
        place = ["--host", "127.0.0.1", "--port", str(self._port)]
        device = ["--device", "cpu", "--dtype", "float32"]
        # It has all files, so it needs no network; it keeps its notes out of the home.
        offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
        log = self._place / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*program, "serve", str(self._model), *place, *device],
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


@contextmanager
def serving(model: Path, place: Path) -> Iterator[TransformersServer]:
    """Serve a model; ``place`` is a folder for what the server writes."""
    server = TransformersServer(model, place)
    try:
        server.start()
        yield server
    finally:
        server.kill()
