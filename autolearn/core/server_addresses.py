"""Addresses of servers that run a model: ``http://HOST:PORT/v1#MODEL``.

Several servers of the same model are separated by commas:
``http://HOST:PORT/v1,http://OTHER:PORT/v1#MODEL``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from autolearn.core.errors import BackendError, InputError

_SCHEMES = ("http://", "https://")


def is_server(model: str) -> bool:
    """Return whether a model is named by the address of a server."""
    return model.strip().lower().startswith(_SCHEMES)


def check_has_weights(model: str) -> None:
    """Check that a model is not named by the address of a server.

    Raises:
        BackendError: It is.
    """
    if is_server(model):
        raise BackendError(
            f"{model} is a server, whose weights are not on this computer, so it "
            "cannot be trained here; choose a model on this computer under Model."
        )


def tokenizer_model(model: str) -> str:
    """Return the model whose tokens measure passages.

    The tokenizer of a server is not here, so the built-in one counts instead.
    """
    return "built-in" if is_server(model) else model


@dataclass(frozen=True)
class ServerAddress:
    """Where an OpenAI-compatible server is, and which of its models is meant."""

    base: str
    """Without a slash at its end; ``/chat/completions`` is added to it."""
    model: str = ""
    """Empty: the only model of the server."""
    others: tuple[str, ...] = ()
    """Addresses like ``base`` of further servers of the same model."""

    @property
    def root(self) -> str:
        """Return the address above ``/v1``, where servers describe themselves."""
        return self.base.removesuffix("/v1")

    @property
    def host(self) -> str:
        """Return the name and port of the first server."""
        return urlsplit(self.base).netloc

    def __iter__(self) -> Iterator["ServerAddress"]:
        """Yield the address of each server."""
        for base in (self.base, *self.others):
            yield ServerAddress(base, self.model)

    def __str__(self) -> str:
        """Return the address as a person types it."""
        bases = ",".join((self.base, *self.others))
        return f"{bases}#{self.model}" if self.model else bases


def parse(model: str) -> ServerAddress:
    """Return the address that a person has typed.

    Raises:
        InputError: It is not the address of a server, or names one twice.
    """
    addresses, _, name = model.strip().partition("#")
    base, *others = (_base(address.strip()) for address in addresses.split(","))
    if len({base, *others}) < 1 + len(others):
        raise InputError(f"{addresses} names a server twice; name each once.")
    return ServerAddress(base, name.strip(), tuple(others))


def _base(address: str) -> str:
    """Return the address of one server, checked, without a slash at its end."""
    try:
        parts = urlsplit(address)
        # Unlike ``urlsplit``, this raises an error for names with empty labels.
        has_host = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        has_host = False
    if not is_server(address) or not has_host:
        raise InputError(
            f"{address} is not the address of a server; type it as "
            "http://127.0.0.1:8080/v1#MODEL."
        )
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "Leave the password out of the address, which is stored; the key of a "
            "server is read from the environment variable AUTOLEARN_SERVER_KEY."
        )
    if parts.query:
        raise InputError(f"Leave out what follows the question mark in {address}.")
    return address.rstrip("/")
