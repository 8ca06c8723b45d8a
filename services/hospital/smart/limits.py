"""How often something may be tried: counted by name, within this process, over one minute."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from services.hospital.smart.errors import TooOftenError

WINDOW_SECONDS = 60.0
MOST_NAMES = 10_000
"""Names that are remembered; the ones that were heard of longest ago are forgotten."""


class Limit:
    """A fixed window for each name.

    Args:
        most: times within a window.
        clock: seconds that only go forward; tests move it.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        """Count one more for a name."""
        with self._lock:
            start, times = self._window(name)
            self._seen[name] = (start, times + 1)
            self._seen.move_to_end(name)
            while len(self._seen) > MOST_NAMES:
                self._seen.popitem(last=False)

    def wait(self, name: str) -> int:
        """Seconds until it may be tried again; 0 where it may be now."""
        with self._lock:
            start, times = self._window(name)
        return 0 if times < self._most else max(1, int(start + WINDOW_SECONDS - self._clock()) + 1)

    def require(self, name: str) -> None:
        """Count one more for a name.

        Raises:
            TooOftenError: it is one too many.
        """
        if wait := self.wait(name):
            raise TooOftenError(wait)
        self.count(name)

    def _window(self, name: str) -> tuple[float, int]:
        now = self._clock()
        start, times = self._seen.get(name, (now, 0))
        return (start, times) if now - start < WINDOW_SECONDS else (now, 0)
