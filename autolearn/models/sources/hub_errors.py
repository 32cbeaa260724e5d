"""Turn errors of huggingface_hub, the network and the disk into one sentence each."""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)

from autolearn.core.errors import BackendError
from autolearn.models.sources.hub_files import ModelRequest

log = logging.getLogger(__name__)


@contextmanager
def in_words(request: ModelRequest) -> Iterator[None]:
    """Turn errors of the library into one sentence that says what to do.

    Raises:
        BackendError: The hub, the network or the disk failed.
    """
    try:
        yield
    except BrokenPipeError:
        os._exit(1)  # the process that reads our answers has ended
    except (
        RevisionResolutionError,
        LocalEntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        httpx2.HTTPError,
        OSError,
    ) as error:
        log.warning("%s could not be reached or kept", request.name, exc_info=True)
        raise BackendError(_sentence(request.repository, _cause(error))) from error


def _cause(error: BaseException) -> BaseException:
    """Return the cause of an error that only says that a file is not cached."""
    while isinstance(error, (RevisionResolutionError, LocalEntryNotFoundError)):
        if error.__cause__ is None:
            break
        error = error.__cause__
    return error


def _sentence(name: str, error: BaseException) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return (
            "HF_HUB_OFFLINE is set, so nothing is downloaded; start autolearn without "
            "it to download models."
        )
    if isinstance(error, HFValidationError):
        return (
            f"{name} is not an id of a model on the hub; give ORG/NAME as on its page."
        )
    if isinstance(error, HfHubHTTPError):
        return _answer(name, constants.ENDPOINT, error)
    if isinstance(error, OSError) and error.errno and not _is_network(error):
        return _disk(error)
    return (
        f"{constants.ENDPOINT} cannot be reached, or the connection broke; check it "
        "and try again. What was downloaded is kept."
    )


def _is_network(error: OSError) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError, socket.gaierror))


def _disk(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of {constants.HF_HUB_CACHE} is full; free some space and resume "
            "the download. What was downloaded is kept."
        )
    return (
        f"{error.filename or constants.HF_HUB_CACHE} cannot be written "
        f"({error.strerror}); fix that, or put the hub's cache elsewhere with HF_HOME."
    )


def _answer(name: str, hub: str, error: HfHubHTTPError) -> str:
    """Return the message for a request that the hub rejected."""
    if isinstance(error, GatedRepoError):
        hint = (
            "the token that is set has no access to it yet"
            if get_token()
            else "then set HF_TOKEN, or log in with 'hf auth login'"
        )
        return (
            f"{name} is gated: accept the conditions of its owner at {hub}/{name}; "
            f"{hint}."
        )
    if isinstance(error, RepositoryNotFoundError):
        tip = (
            "use another token"
            if get_token()
            else "set HF_TOKEN, or log in with 'hf auth login'"
        )
        return (
            f"{hub} has no model {name}, or it is private; check the name, or {tip} if "
            "you may read it."
        )
    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no main branch; choose another repository."
    return _status(name, hub, error.response.status_code)


def _status(name: str, hub: str, status: int) -> str:
    if status == 401:
        return (
            f"{hub} does not accept the token that is set; renew it with "
            "'hf auth login', or unset HF_TOKEN."
        )
    if status == 403:
        return (
            f"The token that is set may not read {name}; use one that may, or accept "
            f"the conditions at {hub}/{name}."
        )
    if status == 429:
        return f"{hub} received too many requests; try again later."
    return f"{hub} answers with an error ({status}); try again later."
