"""The commands ``mcp`` and ``token``, for other programs."""

from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import KEY_FILE, read_key
from autolearn.cli.common import Args, workspace_of
from autolearn.core.errors import InputError
from autolearn.store import layout


def serve_tools(args: Args) -> None:
    """Offer the workspace as MCP tools on standard input and output, until it ends."""
    # The protocol's package takes longer to import than most commands take to run.
    from autolearn.api import mcp  # noqa: PLC0415

    mcp.serve(workspace_of(args))


def token(args: Args) -> dict[str, str]:
    """Return the token with which programs use the HTTP API of the page.

    Raises:
        InputError: There is no such workspace.
    """
    folder = workspace_of(args)
    if not (folder / layout.DATABASE).exists():
        raise InputError(f"There is no workspace {folder}; start the page there first.")
    return {"token": ProgramToken(read_key(folder / KEY_FILE)).text}
