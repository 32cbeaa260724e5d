"""The operations as HTTP routes, described by OpenAPI at ``/api/openapi.json``.

What only reads is a GET with its parameters in the query; what changes something is a
POST with a JSON object. A refusal is status 400 and one sentence.
"""

import inspect
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from autolearn import __version__
from autolearn.api.operations import OPERATIONS, Operation
from autolearn.core.errors import AutolearnError

PREFIX = "/api"


def app(folder: Path) -> FastAPI:
    """Return the routes of a workspace."""
    api = FastAPI(
        title="autolearn",
        version=__version__,
        description="A local language model teaches itself from texts.",
        docs_url=None,
        redoc_url=None,
    )
    api.add_exception_handler(AutolearnError, _error_response)
    api.add_exception_handler(RequestValidationError, _wrong_parameters)
    for operation in OPERATIONS:
        api.add_api_route(
            f"/{operation.name}",
            _endpoint(operation, folder),
            methods=["POST" if operation.changes else "GET"],
            summary=operation.text.partition("\n")[0],
            description=operation.text,
        )
    return api


def _endpoint(operation: Operation, folder: Path) -> Any:
    """Return the function of a route, whose parameters are those of the operation."""
    function = operation.as_function(folder)
    source = Body(embed=True) if operation.changes else Query()
    signature = inspect.signature(function)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            p.replace(annotation=Annotated[p.annotation, source])
            for p in signature.parameters.values()
        ]
    )
    return function


async def _error_response(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)


async def _wrong_parameters(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong without the values, which JSON may have no way to write."""
    assert isinstance(error, RequestValidationError)
    names = ("type", "loc", "msg")
    detail = [{name: wrong[name] for name in names} for wrong in error.errors()]
    return JSONResponse({"detail": detail}, 422)
