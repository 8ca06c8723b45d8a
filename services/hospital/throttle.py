"""Failed proofs of one network address: after so many nothing more is looked at for a while.

An account is locked by its own failures (`services.hospital.accounts`); this is for who tries one
password on many accounts. It forgets by itself, and when the process ends.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOW_SECONDS = 600.0
MOST_ADDRESSES = 10_000
"""Addresses that are remembered; of more, the ones that failed longest ago are forgotten."""
_PREFIX = 64


class Throttle:
    """Counts the failures of addresses.

    Args:
        most: failures in the window that one address has; 0 counts none.
        clock: seconds that only go on; tests move it.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_full(self, client: str | None) -> bool:
        """Whether an address has failed so often that it has to wait."""
        key = _key(client)
        if key is None or not self._most:
            return False
        with self._lock:
            times = self._failures.get(key)
            self._drop(times)
            return times is not None and len(times) >= self._most

    def failed(self, client: str | None) -> None:
        """Count a failure."""
        key = _key(client)
        if key is None or not self._most:
            return
        with self._lock:
            times = self._failures.setdefault(key, deque(maxlen=self._most))
            self._drop(times)
            times.append(self._clock())
            self._failures.move_to_end(key)
            while len(self._failures) > MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def is_news(self, client: str | None) -> bool:
        """Whether it was not asked of an address in the window yet: it is written down once."""
        key, now = _key(client) or "", self._clock()
        with self._lock:
            news = now - self._told.get(key, -WINDOW_SECONDS) >= WINDOW_SECONDS
            if news:
                self._told[key] = now
                self._told.move_to_end(key)
            while len(self._told) > MOST_ADDRESSES:
                self._told.popitem(last=False)
        return news

    def _drop(self, times: deque[float] | None) -> None:
        """Forget what is out of the window."""
        while times and times[0] <= self._clock() - WINDOW_SECONDS:
            times.popleft()


def _key(client: str | None) -> str | None:
    """An address; of IPv6 the network that one household has."""
    if client is None:
        return None
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return client
    return str(ipaddress.ip_network((client, _PREFIX), strict=False))
