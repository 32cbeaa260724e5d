"""Which host names the page answers to, and which origins may send it requests.

A website whose name is made to resolve to 127.0.0.1 (DNS rebinding) still sends its own
name as ``Host``, so an allow-list of names stops it. An address cannot be rebound: the
browser connects to what it was given.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from autolearn.core.errors import InputError

DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class Authority:
    """A host and a port, as in ``Host`` or in an address."""

    host: str
    """In lower case, without a trailing dot; an IPv6 address without brackets."""
    port: int | None


def parse(text: str) -> Authority | None:
    """Return the parts of ``host:port``; None for anything else, such as user names."""
    match = _AUTHORITY.fullmatch(text.lower())
    if not match:
        return None
    host = canonical(match[1])
    return Authority(host, int(match[2]) if match[2] else None) if host else None


def canonical(host: str) -> str:
    """Return the one spelling of a host name or address."""
    bare = host.lower().strip("[]").removesuffix(".")
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def is_loopback(host: str) -> bool:
    """Return whether a host, in its canonical spelling, is this computer itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_unspecified(host: str) -> bool:
    """Return whether a host means all addresses of this computer."""
    try:
        return ip_address(canonical(host)).is_unspecified
    except ValueError:
        return False


@dataclass(frozen=True)
class AllowedHosts:
    """The names that the page answers to, besides those of loopback."""

    names: frozenset[str] = field(default_factory=frozenset)

    def allow(self, host: str, served_at: str) -> bool:
        """Return whether to answer to a host.

        ``served_at`` is the address of this computer at which the request arrived.
        """
        return is_loopback(host) or host in self.names or host == canonical(served_at)


def allowed_hosts(host: str, more: Iterable[str]) -> AllowedHosts:
    """Return the names for a server that listens on ``host``, and ``more`` names.

    Raises:
        InputError: One of them is not a host name.
    """
    names = {canonical(host)}
    if not is_loopback(canonical(host)):
        own = socket.gethostname().lower()
        names |= {own, f"{own}.local"}  # as multicast DNS calls it
    for name in more:
        authority = parse(name)
        if authority is None or authority.port is not None:
            raise InputError(f"--allow-host takes a host name, not {name}.")
        names.add(authority.host)
    return AllowedHosts(frozenset(names))


def is_same_origin(origin: str, scheme: str, authority: Authority) -> bool:
    """Return whether an ``Origin`` is the page that a request was sent to.

    The port counts: a page at another port of this computer is another page, although
    the browser sends it the same cookies. A proxy may terminate HTTPS without saying
    so, so an ``https`` origin may ask over ``http``, but never the other way round.
    """
    own_scheme, _, rest = origin.lower().partition("://")
    source = parse(rest)
    default = DEFAULT_PORTS.get(own_scheme)
    if source is None or default is None or (own_scheme, scheme) == ("http", "https"):
        return False
    ports = (source.port or default, authority.port or default)
    return source.host == authority.host and ports[0] == ports[1]
