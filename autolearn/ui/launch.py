"""From flags to a running page: workspace, port, access, and shutdown."""

import argparse
import inspect
import logging
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from starlette.types import ASGIApp

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from autolearn.access import credentials, hosts
from autolearn.access.credentials import VARIABLE, Credentials
from autolearn.access.entrances import Entrance, PasswordEntrance, TokenEntrance
from autolearn.access.gate import Gate
from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import KEY_FILE, Sessions, Token, read_key, write_private
from autolearn.core.errors import AutolearnError, InputError
from autolearn.core.heavy_imports import heavy_imports
from autolearn.core.settings import ModelSettings
from autolearn.runs import model_choice, worker_locks, worker_processes
from autolearn.services import demo_library, model_actions
from autolearn.store import DEFAULT_WORKSPACE, Store, is_read_only, layout
from autolearn.study import prompts
from autolearn.ui.listener import address_of, listen
from autolearn.ui.temporary import temporary_files

HERE = "127.0.0.1"
_ADDING_LIBRARY = "stocking"
"""The stored choice that is true while the built-in library is being added."""


class AlreadyOpen(InputError):
    """Another page serves the workspace."""

    def __init__(self, folder: Path, address: str) -> None:
        """Take the workspace and the address of its page, empty if not known."""
        where = address or "the address in the terminal where it was started"
        super().__init__(
            f"{folder} is open already, at {where}; use that page, or another "
            "workspace with --workspace DIR."
        )
        self.address = address


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl-C; then stop what no other program waits for."""
    flags = _flags(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    try:
        return _serve(flags)
    except AlreadyOpen as error:
        sys.stderr.write(f"{error}\n")
        if error.address and not flags.no_browser:
            _open_browser(error.address)
        return 1
    except AutolearnError as error:
        sys.stderr.write(f"{error.for_terminal()}\n")
        return 1


def _flags(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="autolearn")
    parser.add_argument("--workspace", type=Path, default=DEFAULT_WORKSPACE)
    parser.add_argument("--model", help="built-in, a folder, or a hub id")
    parser.add_argument(
        "--host", default=HERE, help="the address to listen on; see --auth"
    )
    parser.add_argument("--port", type=int, help="default: 7860, or the next free one")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also accept this host name, such as a proxy's",
    )
    parser.add_argument(
        "--auth",
        metavar="USER",
        help=f"ask for a password: that of --password-file, of {VARIABLE}, or typed",
    )
    parser.add_argument("--password-file", type=Path, metavar="FILE")
    parser.add_argument("--no-browser", action="store_true")
    flags = parser.parse_args(arguments)
    flags.workspace = flags.workspace.absolute()
    return flags


def _serve(flags: argparse.Namespace) -> int:
    allowed = hosts.allowed_hosts(flags.host, flags.allow_host)
    owner = credentials.read(flags.auth, flags.password_file)
    if owner is None and not hosts.is_loopback(hosts.canonical(flags.host)):
        raise InputError(
            f"Others can reach {flags.host}; require a password with --auth USER."
        )
    with listen(flags.host, flags.port) as listener:
        address = address_of(flags.host, listener)
        secret = owner or Token(secrets.token_urlsafe(24))
        if isinstance(secret, Token):
            address = f"{address}/?token={secret.text}"
        with only_page(flags.workspace, address), temporary_files(flags.workspace):
            prepare(flags.workspace, flags.model)
            # Gradio takes seconds to import: refusals above come at once.
            with heavy_imports(), _without_stubs():
                from autolearn.ui import server  # noqa: PLC0415

                app = server.gradio_app(flags.workspace)

            def ready() -> None:
                sys.stdout.write(f"autolearn is at {address} (Ctrl-C ends it)\n")
                sys.stdout.flush()
                if not flags.no_browser:
                    _open_browser(address)

            gate = _gate(app, allowed, read_key(flags.workspace / KEY_FILE), secret)
            server.serve(gate, app, listener, ready)
            _stop_work(flags.workspace)
    return 0


def _stop_work(folder: Path) -> None:
    """Stop the workers at a checkpoint, but no run that a command waits for."""
    with Store.open(folder) as store:
        for run in worker_processes.stop_unawaited(store):
            sys.stdout.write(f"Run {run.id} continues: another program waits for it.\n")


def _gate(
    app: ASGIApp, allowed: hosts.AllowedHosts, key: bytes, secret: Credentials | Token
) -> Gate:
    """Return the gate of an app, which opens to a password or to a token.

    Another password ends the sessions that began with the one before.
    """
    entrance: Entrance
    if isinstance(secret, Credentials):
        sessions = Sessions(secret.digest(key))
        entrance = PasswordEntrance(sessions, secret)
    else:
        sessions = Sessions(key)
        entrance = TokenEntrance(sessions, secret)
    return Gate(app, allowed, sessions, entrance, ProgramToken(key))


def _open_browser(address: str) -> None:
    """Open the page in a browser, with a ticket for the token if there is one.

    In a thread, since a browser of a terminal would not return.
    """
    page, separator, token = address.partition("?token=")
    if separator:
        address = f"{page}?token={Token(token).ticket()}"
    threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Keep Gradio from writing type stubs of its components while it is imported.

    It parses and compares them at every start, which takes longer than all else of the
    import; a component that is in no file has none.
    """
    usual = inspect.getfile

    def nowhere(thing: Any) -> str:
        if getattr(thing, "__module__", "").startswith("gradio."):
            raise OSError
        return usual(thing)

    inspect.getfile = nowhere  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = usual


@contextmanager
def only_page(folder: Path, address: str) -> Iterator[None]:
    """Serve a workspace alone: two pages would each stop the other's worker.

    The address may contain the token, so only the owner may read where it is noted.

    Raises:
        AlreadyOpen: Another page serves it; the sentence says where.
    """
    note = folder / layout.PAGE_ADDRESS
    if is_read_only(folder / layout.DATABASE):
        yield  # it starts and stops no worker
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / layout.PAGE_LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        # The other one may not have written it yet.
        where = note.read_text(encoding="utf-8") if note.is_file() else ""
        raise AlreadyOpen(folder, where) from None
    try:
        write_private(note, address.encode())
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def prepare(folder: Path, model: str | None) -> None:
    """Open the workspace with the model that was used last in it, or with another.

    A new workspace gets the built-in library.
    """
    is_new = not (folder / layout.DATABASE).exists()
    prompts.use(folder / prompts.FOLDER)
    with Store.open(folder) as store:
        if is_new or store.choices.get(_ADDING_LIBRARY):
            # Kept, so that the next start completes the library after a kill.
            store.choices.set(_ADDING_LIBRARY, True)
            demo_library.add(store)
            store.choices.set(_ADDING_LIBRARY, False)
        if store.read_only:
            return
        model_choice.choose_last_used(store)
        if model:
            model_actions.use(store, ModelSettings(model))
        worker_locks.recover(store)
        worker_processes.ensure_workers(store)
