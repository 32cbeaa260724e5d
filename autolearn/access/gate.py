"""The gate of the page: every request is checked here before Gradio sees it.

In this order: the name that it is sent to, the page that it comes from, its session.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from autolearn.access import pages
from autolearn.access.entrances import Entrance
from autolearn.access.hosts import (
    AllowedHosts,
    Authority,
    is_loopback,
    is_same_origin,
    parse,
)
from autolearn.access.policy import add_headers
from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import Sessions


@dataclass(frozen=True)
class Denial:
    """Why a request is not answered."""

    status: int
    sentence: str


MISDIRECTED = Denial(
    421,
    "autolearn does not serve this name; open the address that the terminal shows, or "
    "start it with --allow-host NAME.",
)
FOREIGN = Denial(403, "Requests from other pages are not answered.")


class Gate:
    """ASGI middleware around the whole app: HTTP, websockets, uploads, static files."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: AllowedHosts,
        sessions: Sessions,
        entrance: Entrance,
        programs: ProgramToken,
    ) -> None:
        self._app, self._programs = app, programs
        self._hosts, self._sessions, self._entrance = hosts, sessions, entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "http":
            await self._http(Request(scope, receive), send)
        elif scope["type"] == "websocket":
            await self._websocket(HTTPConnection(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, request: Request, send: Send) -> None:
        scope = request.scope
        authority = self._authority(request)
        is_trustworthy = scope["scheme"] == "https" or bool(
            authority and is_loopback(authority.host)
        )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, is_trustworthy=is_trustworthy)
            await send(message)

        response = await self._response(request, authority)
        app = response or self._app
        await app(scope, request.receive, send_with_headers)

    async def _response(
        self, request: Request, authority: Authority | None
    ) -> Response | None:
        """Return the answer of the gate; None if the request may pass."""
        if authority is None:
            return _refusal(request, MISDIRECTED)
        if not (_is_own(request, authority) or _is_link(request)):
            return _refusal(request, FOREIGN)
        inside = self._programs.admits(request) or self._sessions.has_session(
            request, authority
        )
        return await self._entrance.answer(request, authority, inside=inside)

    async def _websocket(
        self, request: HTTPConnection, receive: Receive, send: Send
    ) -> None:
        authority = self._authority(request)
        may_pass = (
            authority is not None
            and "origin" in request.headers
            and _is_own(request, authority)
            and self._sessions.has_session(request, authority)
        )
        app = self._app if may_pass else WebSocketClose(1008)
        await app(request.scope, receive, send)

    def _authority(self, request: HTTPConnection) -> Authority | None:
        """Return the name that the browser asked for; None if it is not ours.

        A proxy may give it as ``X-Forwarded-Host``; that has to be allowed as well.
        """
        hosts = request.headers.getlist("host")
        forwarded = [
            name.strip()
            for value in request.headers.getlist("x-forwarded-host")
            for name in value.split(",")
        ]
        # A path without a slash is a request to a proxy, with its own name.
        if len(hosts) != 1 or not request.scope["path"].startswith("/"):
            return None
        authorities = [parse(name) for name in (*forwarded, *hosts)]
        served_at = (request.scope.get("server") or ("",))[0]
        for authority in authorities:
            if not (authority and self._hosts.allow(authority.host, served_at)):
                return None
        return authorities[0]


def _refusal(request: Request, refusal: Denial) -> Response:
    return pages.sentence(request, refusal.status, refusal.sentence)


def _is_own(request: HTTPConnection, authority: Authority) -> bool:
    """Return whether a request comes from the page itself, or from no page.

    Browsers name the page in ``Origin`` if something may change, and newer ones say
    in ``Sec-Fetch-Site``, over HTTPS or to loopback, how it is related.
    """
    headers: Headers = request.headers
    scheme = request.scope["scheme"].replace("ws", "http")
    origins = headers.getlist("origin")
    sites = headers.getlist("sec-fetch-site")
    return all(is_same_origin(o, scheme, authority) for o in origins) and all(
        site in ("same-origin", "none") for site in sites
    )


def _is_link(request: Request) -> bool:
    """Return whether another page only links here, in a window and not in a frame."""
    headers = request.headers
    return (
        request.method in ("GET", "HEAD")
        and request.scope["path"] == "/"
        and "origin" not in headers
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
