"""Requests to an ASGI app as they arrive, with whatever headers a client may send."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = "127.0.0.1:7860"
T = TypeVar("T")


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, in a thread of its own.

    Playwright keeps an event loop running in the thread of the tests, where another one
    cannot be started.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@dataclass(frozen=True)
class Answer:
    """What an app has sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Of a websocket: nothing."""

    @property
    def cookie(self) -> str:
        """The cookie that it sets, as the browser sends it back."""
        return self.headers.get("set-cookie", "").partition(";")[0]


@dataclass
class Inner:
    """The app behind a gate; it notes what reaches it."""

    paths: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})


def request(
    app: ASGIApp,
    target: str = "/",
    headers: Iterable[tuple[str, str]] = (),
    *,
    method: str = "GET",
    host: str | None = HERE,
    body: bytes = b"",
    **scope: Any,
) -> Answer:
    """Return the answer to one request."""
    return wait_for(
        send(app, target, headers, method=method, host=host, body=body, **scope)
    )


async def send(
    app: ASGIApp,
    target: str,
    headers: Iterable[tuple[str, str]],
    *,
    method: str = "GET",
    host: str | None = HERE,
    body: bytes = b"",
    **scope: Any,
) -> Answer:
    """Send one request; ``host`` None: without that header."""
    path, _, query = target.partition("?")
    pairs = [*headers] if host is None else [("host", host), *headers]
    full = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), v.encode("latin-1")) for name, v in pairs],
        "server": ("127.0.0.1", 7860),
        "client": ("127.0.0.1", 50000),
        **scope,
    }
    messages: list[Message] = []

    bodies = [body]

    async def receive() -> Message:
        if not bodies:
            await asyncio.Event().wait()  # the client stays
        bodies.pop()
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(full, receive, keep)
    if full["type"] == "websocket":
        is_accepted = messages[0]["type"] == "websocket.accept"
        return Answer(101 if is_accepted else 403, {}, b"")
    start, *rest = messages
    fields = {name.decode().lower(): v.decode() for name, v in start["headers"]}
    content = b"".join(message.get("body", b"") for message in rest)
    return Answer(start["status"], fields, content)
