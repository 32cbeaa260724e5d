"""A client that asks the page's server for what a browser asks, without a browser."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import httpx2

TIMEOUT_SECONDS = 120.0


class Visitor:
    """Loads the page, stays connected, and opens tabs until it leaves."""

    def __init__(self, address: str) -> None:
        """Take the address of the page, with the token where it needs one."""
        self.key = secrets.token_hex(8)
        """How the server knows this visit."""
        self._address = address
        self._stack = ExitStack()
        origin = address.partition("/?")[0]
        self._client = httpx2.Client(
            base_url=origin, timeout=TIMEOUT_SECONDS, follow_redirects=True
        )
        self._config: dict[str, Any] = {}
        self._beats: Iterator[str] = iter(())

    def __enter__(self) -> Self:
        """Load the page, as a browser does that begins with it."""
        self._stack.enter_context(self._client)
        self._client.get(self._address).raise_for_status()
        self._config = self._client.get("/config").json()
        beat = self._client.stream("GET", f"/gradio_api/heartbeat/{self.key}")
        # Kept, or the connection would end with it.
        self._beats = self._stack.enter_context(beat).iter_lines()
        next(self._beats)
        self.look()
        return self

    def __exit__(self, *of_error: object) -> None:
        """Leave; the server sees that the connection ends."""
        self._stack.close()

    def look(self) -> None:
        """Ask for what a page draws when it begins."""
        self._events(lambda target: target[1] == "load")

    def open_tab(self, name: str) -> float:
        """Open a tab; return the seconds until everything was drawn."""
        (number,) = (
            part["id"]
            for part in self._config["components"]
            if part["type"] == "tabitem" and part["props"].get("id") == name
        )
        begin = time.perf_counter()
        self._events(lambda target: target == [number, "select"])
        return time.perf_counter() - begin

    def type_into(self, elem_id: str, text: str) -> float:
        """Type into a field, then Enter; return the seconds until all was drawn."""
        (part,) = (
            part
            for part in self._config["components"]
            if part["props"].get("elem_id") == elem_id
        )
        part["props"]["value"] = text
        begin = time.perf_counter()
        self._events(lambda target: target == [part["id"], "submit"])
        return time.perf_counter() - begin

    def _events(self, is_wanted: Any) -> None:
        """Ask for the answers of all events of a kind, one after the other."""
        events = [
            event
            for event in self._config["dependencies"]
            if event["backend_fn"] and any(map(is_wanted, event["targets"]))
        ]
        assert events
        parts = {part["id"]: part for part in self._config["components"]}
        for event in events:
            inputs = (parts[number] for number in event["inputs"])
            # The server holds the states itself.
            data = [
                None if part["type"] == "state" else part["props"].get("value")
                for part in inputs
            ]
            body = {"data": data, "fn_index": event["id"], "session_hash": self.key}
            answer = self._client.post("/gradio_api/run/predict", json=body)
            answer.raise_for_status()
