"""Send requests to a server: bounded, repeated if that helps, cancelled at once.

A request for an answer changes nothing on the server, so it may be repeated. Nothing is
stored before a whole step is answered, so a repeated request never doubles a record.
"""

import asyncio
import json
import os
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar

import httpx2

from autolearn.core.errors import BackendError, InputError
from autolearn.core.server_addresses import ServerAddress
from autolearn.endpoints import replies
from autolearn.endpoints.replies import Unusable

T = TypeVar("T")

KEY = "AUTOLEARN_SERVER_KEY"
"""The environment variable with the key of the server; it is never stored."""
LARGEST_ANSWER = 16 << 20
"""Bytes that are read of an answer at most."""
_MOMENTARY = {408, 429, 500, 502, 503, 504}
"""States after which the same request may succeed."""
_ABOUT_REQUEST = {400, 413, 422}
"""States that a request gets for what is in it."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is repeated, and how long a server is waited for."""

    tries: int = 6
    first_delay: float = 0.5
    """Seconds before the second try; doubled for each further one."""
    longest_delay: float = 30.0
    """Seconds, even if the server asks for more."""
    connect: float = 5.0
    """Seconds."""
    read: float = 300.0
    """Seconds without a byte. An answer comes as a whole, when it is written; while the
    server answers other requests, this one may wait in its queue."""

    def delay(self, n_tries: int, retry_after: str | None) -> float:
        """Return the seconds to wait; ``retry_after``: the header ``Retry-After``."""
        delay = self.first_delay * 2.0 ** (n_tries - 1)
        if retry_after and retry_after.strip().isdecimal():
            delay = max(delay, float(retry_after))
        return min(delay, self.longest_delay)


@dataclass(frozen=True)
class HttpAnswer:
    """A status and the body that came with it."""

    status: int
    body: bytes
    retry_after: str | None = None

    def json(self) -> object:
        """Return the JSON value of the body.

        Raises:
            Unusable: It has none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = "a web page" if self._is_page else "broken JSON"
            raise Unusable(f"sent {what} instead of an answer") from error

    @property
    def message(self) -> str:
        """Return the error message of the server, which may be plain text."""
        try:
            return replies.message_of(self.json())
        except Unusable:
            text = "" if self._is_page else self.body.decode(errors="replace")
            return replies.message_of(text)

    @property
    def _is_page(self) -> bool:
        return self.body.lstrip()[:1] == b"<"


class ServerRefused(BackendError):
    """The server refuses a request, and would refuse it again."""

    def __init__(self, sentence: str, status: int, message: str) -> None:
        super().__init__(sentence)
        self.status, self.message = status, message

    @property
    def is_about_request(self) -> bool:
        """Return whether another server of the model would refuse it as well."""
        return self.status in _ABOUT_REQUEST


class ServerClient:
    """A connection to one server; an asynchronous context manager."""

    def __init__(
        self, address: ServerAddress, retries: RetryPolicy | None = None
    ) -> None:
        self.address = address
        self._retries = retries or RetryPolicy()
        key = _key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        times = httpx2.Timeout(self._retries.read, connect=self._retries.connect)
        # Redirects are refused: the user did not enter the address that they lead to.
        # Neither proxies nor passwords are taken from the environment.
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=times,
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None),
        )
        self._last_byte = -inf
        """When part of an answer came last, on the clock of the loop."""

    async def __aenter__(self) -> "ServerClient":
        """Open the connections."""
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, url: str, *, may_be_page: bool = False) -> object | None:
        """Return the JSON value at an address; None: there is none.

        ``may_be_page``: something else may be there, such as a page for browsers, which
        some programs send for all addresses that they do not know.

        Raises:
            BackendError: The server cannot be reached, or refuses the key.
        """

        async def read() -> object | None:
            try:
                return (await self._read("GET", url)).json()
            except Unusable:
                if may_be_page:
                    return None
                raise

        try:
            return await self._patiently(read)
        except ServerRefused as error:
            if error.status in (401, 403):
                raise
            return None

    async def post(
        self, url: str, body: Mapping[str, Any], read: Callable[[object], T]
    ) -> T:
        """Return the answer to a request, parsed by ``read``.

        ``read`` may raise ``Unusable``, after which the request is repeated.

        Raises:
            ServerRefused: The request is refused.
            BackendError: The server cannot be reached, or answers nothing usable.
        """

        async def send() -> T:
            return read((await self._read("POST", url, body)).json())

        return await self._patiently(send)

    async def order(self, url: str, body: Mapping[str, Any]) -> None:
        """Send a request whose answer may be any text: only its status counts.

        Raises:
            ServerRefused: The request is refused.
            BackendError: The server cannot be reached.
        """
        await self._patiently(lambda: self._read("POST", url, body))

    async def events(
        self, url: str, body: Mapping[str, Any], read: Callable[[object], T]
    ) -> AsyncGenerator[T, None]:
        """Yield each event of a streamed answer, parsed by ``read``.

        It is not repeated once the first event has come.

        Raises:
            ServerRefused: The request is refused.
            BackendError: The server cannot be reached, or breaks off.
        """
        response = await self._patiently(lambda: self._open("POST", url, body))
        response.encoding = "utf-8"  # that of all event streams, whatever it declares
        n_bytes = 0
        try:
            async for event in httpx2.EventSource(response, LARGEST_ANSWER):
                if event.data.strip() == "[DONE]":
                    return
                data = event.data.encode()
                n_bytes += len(data)
                if n_bytes > LARGEST_ANSWER:
                    raise _oversized()
                yield read(HttpAnswer(200, data).json())
        except (httpx2.RequestError, Unusable) as error:
            raise BackendError(self._sentence(error)) from error
        finally:
            await response.aclose()

    async def _patiently(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return the result of ``send``; it is tried again after momentary errors."""
        for n_tries in range(1, self._retries.tries + 1):
            retry_after = None
            try:
                return await send()
            except _Busy as error:
                problem, retry_after = str(error), error.retry_after
            except (httpx2.RequestError, Unusable) as error:
                problem = self._sentence(error)
            if n_tries < self._retries.tries:
                await asyncio.sleep(self._retries.delay(n_tries, retry_after))
        raise BackendError(problem)

    def _sentence(self, error: Exception) -> str:
        server = f"The server {self.address.base}"
        match error:
            case Unusable():
                return f"{server} {error}; look at its log, or choose another server."
            case httpx2.ConnectError() | httpx2.ConnectTimeout():
                return f"{server} cannot be reached; start it, or check its address."
            case httpx2.TimeoutException():
                return (
                    f"{server} did not answer within {self._retries.read:g} seconds; "
                    "look at its log."
                )
            case httpx2.DecodingError():
                return f"{server} sent a damaged compressed answer; look at its log."
            case _:
                return f"{server} broke off the connection; look at its log."

    async def _read(
        self, method: str, url: str, body: Mapping[str, Any] | None = None
    ) -> HttpAnswer:
        """Return a whole answer that is not an error.

        Raises:
            httpx2.ReadTimeout: Nothing has come from the server for too long.
        """
        clock = asyncio.get_running_loop().time
        begin = clock()
        task = asyncio.ensure_future(self._whole(method, url, body))
        try:
            while not task.done():
                deadline = max(begin, self._last_byte) + self._retries.read
                if clock() >= deadline:
                    raise httpx2.ReadTimeout("nothing came")
                await asyncio.wait({task}, timeout=deadline - clock())
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})  # until it has closed its connection

    async def _whole(
        self, method: str, url: str, body: Mapping[str, Any] | None
    ) -> HttpAnswer:
        response = await self._open(method, url, body, is_timed=False)
        async with aclosing(response):
            return await self._answer(response)

    async def _open(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        *,
        is_timed: bool = True,
    ) -> httpx2.Response:
        """Return a response that is not an error, its body still to be read.

        ``is_timed``: whether it fails if no byte comes for ``RetryPolicy.read``.

        Raises:
            _Busy: The same request may succeed later.
            ServerRefused: It would be refused again.
            BackendError: The address is none.
        """
        try:
            request = self._http.build_request(method, url, json=body)
            if not is_timed:
                request.extensions["timeout"]["read"] = None
        except httpx2.InvalidURL as error:
            raise BackendError(
                f"{self.address.base} is not the address of a server; correct it."
            ) from error
        response = await self._http.send(request, stream=True)
        if response.status_code < 300:
            return response
        async with aclosing(response):
            answer = await self._answer(response)
        raise self._error(answer)

    async def _answer(self, response: httpx2.Response) -> HttpAnswer:
        body = bytearray()
        async for block in response.aiter_bytes():
            self._last_byte = asyncio.get_running_loop().time()
            body += block
            if len(body) > LARGEST_ANSWER:
                raise _oversized()
        retry_after = response.headers.get("Retry-After")
        return HttpAnswer(response.status_code, bytes(body), retry_after)

    def _error(self, answer: HttpAnswer) -> Exception:
        server, status = f"The server {self.address.base}", answer.status
        detail = f" ({answer.message})" if answer.message else ""
        if status in _MOMENTARY and self._retries.tries > 1:
            return _Busy(
                f"{server} still answers with the error {status}{detail} after "
                f"{self._retries.tries} tries; look at its log.",
                answer.retry_after,
            )
        if status < 400:
            text = f"{server} redirects to another address; type that address itself."
        elif status in (401, 403):
            text = f"{server} refuses the key; set {KEY} to a valid key, and restart."
        else:
            text = f"{server} refuses a request with the error {status}{detail}."
        return ServerRefused(text, status, answer.message)


def _key() -> str:
    """Return the key of the environment; empty: there is none.

    Raises:
        InputError: It cannot be sent.
    """
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            f"{KEY} has characters that no key has; set it to a valid key, and restart."
        )
    return key


class _Busy(Exception):
    """The server may answer later."""

    def __init__(self, sentence: str, retry_after: str | None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


def _oversized() -> Unusable:
    return Unusable(f"sent more than {LARGEST_ANSWER >> 20} MiB")


def run_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run an asynchronous function to its end.

    If a loop runs in this thread already, as in a notebook, it gets a thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(main())).result()
