"""The commands ``mcp`` and ``token``, for other programs."""

import argparse
from pathlib import Path

from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import KEY_FILE, read_key
from autolearn.core.errors import InputError
from autolearn.store import DEFAULT_WORKSPACE

Args = argparse.Namespace


def serve_tools(args: Args) -> None:
    """Offer the workspace as MCP tools on standard input and output, until it ends."""
    # The protocol's package takes longer to import than most commands take.
    from autolearn.api import mcp  # noqa: PLC0415

    mcp.serve(_workspace(args))


def token(args: Args) -> dict[str, str]:
    """Return the token with which programs use the HTTP API of the page.

    Raises:
        InputError: There is no such workspace.
    """
    folder = _workspace(args)
    if not folder.is_dir():
        raise InputError(f"There is no workspace {folder}; start the page there first.")
    return {"token": ProgramToken(read_key(folder / KEY_FILE)).text}


def _workspace(args: Args) -> Path:
    folder: Path = args.workspace or DEFAULT_WORKSPACE
    return folder
