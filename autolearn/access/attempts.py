"""Count wrong passwords, and delay or lock further attempts."""

import time
from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from math import inf

WINDOW_SECONDS = 15 * 60
MOST_OF_ADDRESS = 5
MOST_OVERALL = 30
"""Wrong passwords of one address, and of all, within the window before it is locked."""


class FailedAttempts:
    """The wrong passwords of the last minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[tuple[float, str]] = deque()

    def seconds_to_wait(self, client: str) -> float:
        """Return after how many seconds a client may try again; 0: now."""
        now, source = self._clock(), _source(client)
        while self._failures and self._failures[0][0] <= now - WINDOW_SECONDS:
            self._failures.popleft()
        of_source = [at for at, name in self._failures if name == source]
        overall = [at for at, _ in self._failures]
        end = max(
            _lock_end(of_source, MOST_OF_ADDRESS), _lock_end(overall, MOST_OVERALL)
        )
        return max(end - now, 0.0)

    def add(self, client: str) -> int:
        """Note a wrong password; return how many the client has given."""
        source = _source(client)
        self._failures.append((self._clock(), source))
        return sum(name == source for _, name in self._failures)


def _lock_end(times: list[float], most: int) -> float:
    """Return when a lock ends, after wrong passwords at these times."""
    return times[-most] + WINDOW_SECONDS if len(times) >= most else -inf


def _source(client: str) -> str:
    """Return what counts as one client: an address, or the network of an IPv6 one.

    Where the page listens on both versions, IPv4 addresses come as ``::ffff:1.2.3.4``.
    """
    try:
        address = ip_address(client)
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    network = ip_network((int(address), 64), strict=False)
    return str(address.ipv4_mapped or network)
