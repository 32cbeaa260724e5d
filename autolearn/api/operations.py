"""The methods of a workspace that other programs may call over HTTP and MCP.

HTTP routes and MCP tools are both made from this table, with the names, types and texts
of the methods. Files are not offered: programs send texts, and neither read files of
this computer into the library nor write any.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from autolearn.api.lab import Lab
from autolearn.api.records import GoldPair, RunInfo
from autolearn.core.errors import InputError

TIMEOUT = 0.0
"""A program gets the queued run at once and follows it with ``wait``."""
MOST_SECONDS = 60.0
"""Longest time that one call waits for a run."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def wait(lab: Lab, run: int, seconds: float = 30.0) -> RunInfo:
    """Wait until a run has ended, 60 seconds at most; return its state then."""
    # In this order, something that is no number counts as the most.
    return lab.wait(run, min(MOST_SECONDS, seconds))


@dataclass(frozen=True)
class Operation:
    """A method of a workspace, or a function of one."""

    method: Callable[..., Any]
    changes: bool = True
    """Whether it changes the workspace; if not, it only reads."""

    @property
    def name(self) -> str:
        """Return the name of the route and of the tool."""
        return self.method.__name__

    @property
    def text(self) -> str:
        """Return its description."""
        return inspect.getdoc(self.method) or ""

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """Return its parameters with their types."""
        hints = get_type_hints(self.method)
        _, *parameters = inspect.signature(self.method).parameters.values()
        return [p.replace(annotation=hints[p.name]) for p in parameters]

    @property
    def result(self) -> Any:
        """Return the type of its result."""
        return get_type_hints(self.method)["return"]

    def as_function(self, folder: Path) -> Callable[..., Any]:
        """Return it as a function on a workspace, which opens it for each call."""

        def call(**arguments: Any) -> Any:
            for name, value in arguments.items():
                _check(name, value)
            with Lab(folder, TIMEOUT, "program") as lab:
                return self.method(lab, **arguments)

        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p.replace(kind=p.KEYWORD_ONLY) for p in self.parameters],
            return_annotation=self.result,
        )
        call.__annotations__ = {p.name: p.annotation for p in self.parameters}
        call.__annotations__["return"] = self.result
        call.__name__, call.__doc__ = self.name, self.text
        return call


def _check(name: str, value: Any) -> None:
    """Check that a value can be stored: JSON has more numbers and texts than SQLite.

    Raises:
        InputError: It cannot.
    """
    match value:
        case int() if not -(1 << 63) <= value < 1 << 63:
            raise InputError(f"{name} has a number that is too large.")
        case str() if _SURROGATE.search(value):
            raise InputError(f"{name} has half of a character; send whole ones.")
        case list():
            for part in value:
                _check(name, part)
        case GoldPair():
            _check(name, [value.question, value.answer])


OPERATIONS = (
    Operation(Lab.workspace, changes=False),
    Operation(Lab.use_model),
    Operation(Lab.add_text),
    Operation(Lab.documents, changes=False),
    Operation(Lab.add_questions),
    Operation(Lab.add_general_knowledge),
    Operation(Lab.study),
    Operation(Lab.samples, changes=False),
    Operation(Lab.approve),
    Operation(Lab.approve_by_rule),
    Operation(Lab.reject),
    Operation(Lab.edit),
    Operation(Lab.train),
    Operation(Lab.rounds, changes=False),
    Operation(Lab.quiz),
    Operation(Lab.whole_round),
    Operation(Lab.chat),
    Operation(Lab.runs, changes=False),
    Operation(wait, changes=False),
    Operation(Lab.cancel),
    Operation(Lab.resume),
)
