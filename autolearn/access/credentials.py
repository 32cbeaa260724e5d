"""User and password of ``--auth``: their sources, and how they are compared."""

import getpass
import hashlib
import hmac
import os
import stat
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from autolearn.core.errors import InputError

VARIABLE = "AUTOLEARN_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """Who may enter."""

    user: str
    password: str = field(repr=False)

    def match(self, user: str, password: str) -> bool:
        """Compare in a time that does not depend on where they differ."""
        other = Credentials(user, password)
        return hmac.compare_digest(other.digest(b""), self.digest(b""))

    def digest(self, key: bytes) -> bytes:
        """Return 32 bytes that differ for other credentials or another key."""
        pair = f"{len(self.user)}:{self.user}:{self.password}"
        return hmac.digest(key, pair.encode(errors="replace"), hashlib.sha256)


def read(
    auth: str | None,
    password_file: Path | None,
    environment: MutableMapping[str, str] = os.environ,
) -> Credentials | None:
    """Return the credentials that ``--auth`` asks for; None without it.

    The password is read from a file, or from an environment variable, which is then
    removed so that no process started later inherits it, or typed in the terminal.

    Raises:
        InputError: There is no user or no password; the text says how to give them.
    """
    if auth is None:
        if password_file:
            raise InputError("--password-file needs a user: add --auth USER.")
        return None
    user, separator, password = auth.partition(":")
    if separator:
        sys.stderr.write(
            "Others on this computer can see a password in the command line; "
            f"give --auth USER, and set {VARIABLE}, name a --password-file, or type "
            "it.\n"
        )
    elif password_file:
        password = _first_line(password_file)
    elif VARIABLE in environment:
        password = environment.pop(VARIABLE)
    else:
        password = _ask_for_password(user)
    if not user or not password:
        raise InputError("User and password of --auth must not be empty; give both.")
    return Credentials(user, password)


def _first_line(path: Path) -> str:
    """Return the first line of a file, and warn if others can read it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The password cannot be read from {path}: {error}."
        ) from error
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        sys.stderr.write(f"Others on this computer can read {path}: chmod 600 {path}\n")
    return lines[0] if lines else ""


def _ask_for_password(user: str) -> str:
    if not sys.stdin.isatty():
        raise InputError(
            f"There is no password for --auth {user}: set {VARIABLE}, "
            "name a --password-file, or start autolearn in a terminal."
        )
    return getpass.getpass(f"Password for {user}: ")
