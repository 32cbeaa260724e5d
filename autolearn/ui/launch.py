"""From flags to a running page: workspace, port, who may look, and the way out."""

import argparse
import inspect
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from autolearn.core.errors import AutolearnError, InputError
from autolearn.core.settings import ModelSettings
from autolearn.runs import queues
from autolearn.services import model_actions, pipeline
from autolearn.store import DEFAULT_WORKSPACE, Store, is_read_only
from autolearn.study import prompts

HERE = "127.0.0.1"
FIRST_PORT, N_PORTS = 7860, 50
MAX_FILE_SIZE = "1gb"
_STOCKING = "stocking"
"""The choice that is true while the built-in library is being added."""
ASSETS = Path(__file__).parents[2] / "assets"


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl-C; the worker then stops at a checkpoint."""
    flags = _flags(arguments)
    try:
        return _serve(flags)
    except AutolearnError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _flags(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="autolearn")
    parser.add_argument("--workspace", type=Path, default=DEFAULT_WORKSPACE)
    parser.add_argument("--model", help="built-in, a folder, or a hub id")
    parser.add_argument("--host", default=HERE, help="who may reach it; see --auth")
    parser.add_argument("--port", type=int, help="default: 7860, or the next free one")
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--no-browser", action="store_true")
    return parser.parse_args(arguments)


def _serve(flags: argparse.Namespace) -> int:
    auth = _auth(flags.host, flags.auth)
    port = free_port(flags.host, flags.port)
    prepare(flags.workspace, flags.model)
    place = f"http://{flags.host}:{port}"
    with only_page(flags.workspace, place):
        return _show(flags, port, auth, place)


def _show(
    flags: argparse.Namespace, port: int, auth: tuple[str, str] | None, place: str
) -> int:
    # Gradio takes seconds to import: refusals above come at once.
    with _without_stubs():
        from autolearn.ui import page  # noqa: PLC0415

    blocks = page.build(flags.workspace)
    try:
        blocks.launch(
            server_name=flags.host,
            server_port=port,
            inbrowser=not flags.no_browser,
            prevent_thread_lock=True,
            auth=auth,
            quiet=True,
            share=False,
            pwa=True,
            run_history=False,
            enable_monitoring=False,
            footer_links=[],
            ssr_mode=False,
            max_file_size=MAX_FILE_SIZE,
            favicon_path=ASSETS / "icon.png",
            theme=page.theme(),
            css_paths=sorted((ASSETS / "css").glob("*.css")),
            js=(ASSETS / "autolearn.js").read_text(encoding="utf-8"),
        )
    except OSError as error:
        if _is_free(flags.host, port):
            raise
        raise InputError(
            f"Another program has just taken port {port}; start again."
        ) from error
    sys.stdout.write(f"autolearn is at {place} (Ctrl-C ends it)\n")
    sys.stdout.flush()
    blocks.block_thread()
    for queue in queues.QUEUES.values():
        queues.stop_worker(flags.workspace, queue=queue)
    return 0


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Keep Gradio from writing type stubs of its components while it is imported.

    It parses and compares them at every start, which takes longer than all else of the
    import; for a component that lies in no file it has none.
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
def only_page(folder: Path, place: str) -> Iterator[None]:
    """Serve a workspace alone: two pages would each stop the other's worker.

    Raises:
        InputError: Another page serves it; the sentence says where.
    """
    note = folder / "page.url"
    if is_read_only(folder / "autolearn.db"):
        yield  # it starts and stops no worker
        return
    lock = FileLock(folder / "page.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder} is open already, {_where(note)}; use that page, or another "
            "workspace with --workspace DIR."
        ) from None
    try:
        note.write_text(place, encoding="utf-8")
        yield
    finally:
        lock.release()


def _where(note: Path) -> str:
    """Return where the other page is, as far as it has said so."""
    try:
        return f"at {note.read_text(encoding='utf-8')}"
    except FileNotFoundError:  # it has just begun, or the note was deleted
        return "at the address in the terminal where it was started"


def _auth(host: str, pair: str | None) -> tuple[str, str] | None:
    """Return user and password.

    Raises:
        InputError: They are malformed, or missing where others can reach the page.
    """
    if pair is None:
        if host not in (HERE, "localhost", "::1"):
            raise InputError(
                f"Others can reach {host}; name who may with --auth USER:PASSWORD."
            )
        return None
    user, _, password = pair.partition(":")
    if not user or not password:
        raise InputError("Give --auth as USER:PASSWORD, both not empty.")
    return user, password


def free_port(host: str, first_choice: int | None) -> int:
    """Return a port that can be listened on: the first choice, or the next free one.

    Raises:
        InputError: None of them is free, or the host is not this computer's.
    """
    first = first_choice or FIRST_PORT
    for port in range(first, first + N_PORTS):
        if _is_free(host, port):
            if port != first:
                sys.stdout.write(f"Port {first} is taken; using {port}.\n")
            return port
    raise InputError(
        f"No port from {first} on can be used on {host}; name another with --port."
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def prepare(folder: Path, model: str | None) -> None:
    """Open the workspace; a new one gets the built-in library."""
    is_new = not (folder / "autolearn.db").exists()
    prompts.use(folder / prompts.FOLDER)
    with Store.open(folder) as store:
        if is_new or store.choices.get(_STOCKING):
            # Told, so that a kill leaves no half of the library.
            store.choices.set(_STOCKING, True)
            pipeline.stock(store)
            store.choices.set(_STOCKING, False)
        if store.read_only:
            return
        if model:
            model_actions.use(store, ModelSettings(model))
        queues.recover(store)
        queues.ensure_workers(store)
