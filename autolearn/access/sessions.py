"""Sessions: signed cookies, the token of a start, and tickets for a browser.

Token and cookie work as in Jupyter Server. The token is new at each start and is part
of the printed address. The cookie is signed with a key that stays in the workspace, so
an open page keeps working after a restart.
"""

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

from autolearn.access.hosts import DEFAULT_PORTS, Authority

SESSION_SECONDS = 30 * 24 * 3600
TICKET_SECONDS = 60
KEY_BYTES = 32
KEY_FILE = "page.key"
"""The file of a workspace with the key of its sessions."""


def read_key(path: Path) -> bytes:
    """Return the key of a workspace, which only its owner may read; make a missing one.

    A key that others could read is replaced, which ends all sessions. If nothing can
    be written, the key is that of this start alone.
    """
    if path.is_file():
        key = path.read_bytes()
        is_private = os.name != "posix" or not path.stat().st_mode & 0o077
        if len(key) == KEY_BYTES and is_private:
            return key
    key = secrets.token_bytes(KEY_BYTES)
    with suppress(OSError):
        write_private(path, key)
    return key


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, in place of the one before.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f"{path.name}.partial")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def signed(key: bytes, purpose: str) -> str:
    """Return a signed text with its purpose and the time of signing."""
    payload = f"{int(time.time())}.{secrets.token_urlsafe(12)}"
    return f"{payload}.{_signature(key, purpose, payload)}"


def is_signed(key: bytes, purpose: str, text: str, max_age: float) -> bool:
    """Return whether a text was signed for a purpose, not longer ago than ``max_age``.

    ``max_age`` is in seconds.
    """
    payload, _, signature = text.rpartition(".")
    expected = _signature(key, purpose, payload)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return False
    return 0 <= time.time() - int(payload.partition(".")[0]) <= max_age


def _signature(key: bytes, purpose: str, payload: str) -> str:
    return hmac.digest(key, f"{purpose}.{payload}".encode(), hashlib.sha256).hex()


class Sessions:
    """Signed cookies, one name for each port, since browsers mix those of all ports."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def has_session(self, request: HTTPConnection, authority: Authority) -> bool:
        """Return whether a request belongs to a session."""
        name = _cookie_name(request, authority)
        return any(
            is_signed(self._key, "session", value, SESSION_SECONDS)
            for value in _cookies(request, name)
        )

    def begin(
        self, request: HTTPConnection, authority: Authority, response: Response
    ) -> None:
        """Let a response begin a session."""
        response.set_cookie(
            _cookie_name(request, authority),
            signed(self._key, "session"),
            max_age=SESSION_SECONDS,
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="strict",
        )


def _cookie_name(request: HTTPConnection, authority: Authority) -> str:
    """Return the name for the port that the browser sees, which a tunnel may change."""
    secure = request.scope["scheme"] in ("https", "wss")
    port = authority.port or DEFAULT_PORTS["https" if secure else "http"]
    return f"autolearn-{port}"


def _cookies(request: HTTPConnection, name: str) -> list[str]:
    """Return all values of a cookie; a page at another port may have set one more."""
    pairs = (
        pair.partition("=")
        for header in request.headers.getlist("cookie")
        for pair in header.split(";")
    )
    return [value.strip() for key, _, value in pairs if key.strip() == name]


class Token:
    """The secret of one start, and the tickets that are signed with it.

    A browser is started with a ticket, which is good for one visit within a minute:
    others on the computer can see the command that starts it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._used: dict[str, float] = {}

    def ticket(self) -> str:
        """Return a ticket."""
        return signed(self.text.encode(), "ticket")

    def admits(self, text: str) -> bool:
        """Return whether a text is the token, or an unused ticket."""
        if hmac.compare_digest(text.encode(), self.text.encode()):
            return True
        if not is_signed(self.text.encode(), "ticket", text, TICKET_SECONDS):
            return False
        now = time.time()
        self._used = {t: end for t, end in self._used.items() if end > now}
        if text in self._used:
            return False
        self._used[text] = now + TICKET_SECONDS + 1
        return True
