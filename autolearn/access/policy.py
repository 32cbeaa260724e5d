"""What a browser may do with the answers: headers, and the policy of Gradio's page."""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOWHERE_FRAMED = "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
STRICT_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; {_NOWHERE_FRAMED}"
"""For all answers except Gradio's page: no scripts at all."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    f"{_NOWHERE_FRAMED}"
)
"""For Gradio's page (6.31). It compiles the scripts of events and components from
strings, and writes style elements and attributes, so these two have to be allowed.
Scripts in a text, such as an ``onerror``, do not run, as they lack the nonce."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_headers(message: Message, *, is_trustworthy: bool) -> None:
    """Add to the start of an answer what all answers have in common.

    ``is_trustworthy``: reached by HTTPS or loopback; elsewhere browsers ignore an
    opener policy and call it an error.
    """
    headers = MutableHeaders(scope=message)
    headers.update(_HEADERS)
    headers.setdefault("Content-Security-Policy", STRICT_POLICY)
    if is_trustworthy:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"


class PagePolicy:
    """ASGI middleware inside of Gradio's own: marks the scripts of its page.

    The markup is changed before it is compressed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the page at the root gets a nonce and the policy that names it."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                marked = _mark(start, bytes(body))
                await send(start)
                await send({"type": "http.response.body", "body": marked})

        await self._app(scope, receive, collect)


def _mark(start: Message, body: bytes) -> bytes:
    """Return the markup with a nonce, and add the policy to the start of the answer.

    The browser asks for the manifest of the installed app with the cookie, as for all
    else.
    """
    nonce = secrets.token_urlsafe(16)
    # Gradio's data are in a script too, where every "<" is escaped.
    body = re.sub(rb"<script\b", b'<script nonce="%b"' % nonce.encode(), body)
    body = body.replace(
        b'<link rel="manifest"', b'<link rel="manifest" crossorigin="use-credentials"'
    )
    headers = MutableHeaders(scope=start)
    headers["Content-Length"] = str(len(body))
    headers["Content-Security-Policy"] = PAGE_POLICY.format(nonce=nonce)
    headers["Cache-Control"] = "no-store"
    return body
