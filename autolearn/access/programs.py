"""Programs on this computer: a token of the workspace, sent with each request."""

import hashlib
import hmac

from starlette.requests import HTTPConnection

PATHS = "/api/"
"""What the token gives access to; the page itself does not accept it."""


class ProgramToken:
    """A token that stays the same for as long as the key of the workspace does.

    Only a user who can read the key, a private file of the workspace, can know it. It
    is sent as ``Authorization: Bearer``, which a browser never does for another page.
    """

    def __init__(self, key: bytes) -> None:
        self.text = hmac.digest(key, b"programs", hashlib.sha256).hex()

    def admits(self, request: HTTPConnection) -> bool:
        """Return whether a request carries the token to a path that it opens."""
        if not request.scope["path"].startswith(PATHS):
            return False
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(text.strip().encode(), self.text.encode())
        return kind.lower() == "bearer" and is_right
