"""The operations as tools of the Model Context Protocol, over standard input.

A program that talks to agents starts ``python -m autolearn mcp`` itself, so there is
neither a port nor a token.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from autolearn import __version__
from autolearn.api.operations import OPERATIONS
from autolearn.core.errors import AutolearnError

INSTRUCTIONS = """\
A local language model teaches itself from texts. Add texts, let it study them, look at
the samples, approve those that are right, train a round on them, use the model with the
new round, and ask it the quiz. Studies, quizzes, rounds and chats are runs: a tool
returns the queued run; wait for it with the tool wait."""


def server(folder: Path) -> MCPServer:
    """Return the server of a workspace."""
    tools = MCPServer("autolearn", instructions=INSTRUCTIONS, version=__version__)
    for operation in OPERATIONS:
        tool = _with_refusals(operation.as_function(folder))
        tools.add_tool(tool, operation.name, description=operation.text)
    return tools


def _with_refusals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose errors the agent can read."""

    @wraps(function)
    def call(**arguments: Any) -> Any:
        try:
            return function(**arguments)
        except AutolearnError as error:
            raise ToolError(str(error)) from error

    return call


def serve(folder: Path) -> None:
    """Answer on standard output until standard input ends."""
    server(folder).run("stdio")
