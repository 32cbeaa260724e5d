"""How a session begins: with the token of the address, or with user and password."""

import asyncio
import logging
import math
from typing import Protocol
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from autolearn.access import pages
from autolearn.access.attempts import FailedAttempts
from autolearn.access.credentials import Credentials
from autolearn.access.hosts import Authority
from autolearn.access.sessions import Sessions, Token

WRONG_SECONDS = 1.0
"""How long a wrong password waits for its answer."""
MOST_FORM_BYTES = 8192

_log = logging.getLogger(__name__)


class Entrance(Protocol):
    """Answers requests that may begin a session."""

    async def answer(
        self, request: Request, authority: Authority, *, inside: bool
    ) -> Response | None:
        """Return the answer; None if the page itself is to answer.

        ``inside``: the request belongs to a session already.
        """


class TokenEntrance:
    """On loopback: anyone with the address and its token may enter, as in Jupyter."""

    def __init__(self, sessions: Sessions, token: Token) -> None:
        self._sessions, self._token = sessions, token

    async def answer(
        self, request: Request, authority: Authority, *, inside: bool
    ) -> Response | None:
        """Begin a session and redirect to the address without its token, or refuse."""
        token = request.query_params.get("token")
        if token is None or request.scope["path"] != "/" or request.method != "GET":
            return None if inside else _refusal_page(request)
        if not (self._token.admits(token) or inside):
            return _refusal_page(request)
        response = pages.unstored(_lead_to(request, _without_token(request)))
        self._sessions.begin(request, authority, response)
        return response


def _refusal_page(request: Request) -> Response:
    again = _without_token(request) if request.scope["path"] == "/" else ""
    return pages.sentence(
        request,
        403,
        "Open the address that the terminal shows, which contains the token of this "
        "start.",
        again=again,
    )


def _without_token(request: Request) -> str:
    others = [p for p in request.query_params.multi_items() if p[0] != "token"]
    return f"./?{urlencode(others)}" if others else "./"


def _lead_to(request: Request, target: str) -> Response:
    """Return a redirect, or a page that redirects if another page links here."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return pages.forward(target)
    return RedirectResponse(target, 303)


class PasswordEntrance:
    """User and password, if others can reach the page; wrong ones must wait."""

    def __init__(self, sessions: Sessions, credentials: Credentials) -> None:
        self._sessions, self._credentials = sessions, credentials
        self._failed = FailedAttempts()

    async def answer(
        self, request: Request, authority: Authority, *, inside: bool
    ) -> Response | None:
        """Check a password that is sent, or ask for it."""
        path, method = request.scope["path"], request.method
        if path == "/login" and method == "POST":
            return await self._check(request, authority)
        if inside:
            return RedirectResponse("./", 303) if path == "/login" else None
        if path in ("/", "/login") and method == "GET":
            return pages.sign_in(403)
        return pages.sentence(request, 403, "Open the page and sign in first.")

    async def _check(self, request: Request, authority: Authority) -> Response:
        """Begin a session, unless the password is wrong or the client has to wait."""
        form = await _form(request)
        client = request.client.host if request.client else ""
        # Nothing is awaited from here until a failure is counted, so many requests at
        # once do not get more tries.
        if wait := math.ceil(self._failed.seconds_to_wait(client) / 60):
            text = f"Too many wrong passwords; try again in {wait} minutes."
            return pages.sign_in(429, text)
        if self._credentials.match(form.get("user", ""), form.get("password", "")):
            response = RedirectResponse("./", 303)
            self._sessions.begin(request, authority, response)
            return response
        n_wrong = self._failed.add(client)
        _log.warning("Wrong password, number %d from %s.", n_wrong, ascii(client))
        await asyncio.sleep(WRONG_SECONDS)
        return pages.sign_in(403, "User or password is wrong.")


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; none if it is larger than any of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("latin-1"))
    return {name: values[0] for name, values in fields.items()}
