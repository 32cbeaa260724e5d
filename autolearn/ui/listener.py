"""The port that the page listens on, and its address."""

import socket
import sys

from autolearn.access.hosts import canonical, is_unspecified
from autolearn.core.errors import InputError

FIRST_PORT, N_PORTS = 7860, 50


def listen(host: str, first_choice: int | None) -> socket.socket:
    """Return a listening socket: at the first choice of a port, or the next free one.

    Raises:
        InputError: None of them is free, or the host is not this computer's.
    """
    first = first_choice or FIRST_PORT
    for port in range(first, first + N_PORTS):
        listener = _listener(host, port)
        if listener:
            if port != first:
                sys.stdout.write(f"Port {first} is taken; using {port}.\n")
            return listener
    raise InputError(
        f"No port from {first} on can be used on {host}; name another with --port."
    )


def _listener(host: str, port: int) -> socket.socket | None:
    try:
        name = canonical(host)
        family = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][0]
        both = name == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((name, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError):
        return None


def address_of(host: str, listener: socket.socket) -> str:
    """Return where the page is for a browser on this computer."""
    name = "127.0.0.1" if is_unspecified(host) else canonical(host)
    host_part = f"[{name}]" if ":" in name else name
    return f"http://{host_part}:{listener.getsockname()[1]}"
