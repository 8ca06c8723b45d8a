"""The contexts of a model, lent to one request each."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.engines.llama.adapters import Held
from services.engines.llama.lane import Lane


class Lanes:
    """Contexts that are free; there are as many as threads that ask for one, so none waits."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lock = threading.Lock()
        self._free = list(lanes)

    @contextmanager
    def lend(self, held: Held | None, head: tuple[int, ...]) -> Iterator[Lane]:
        """Lend the lane that has most of this work done already."""
        with self._lock:
            lane = max(self._free, key=lambda one: _fitness(one, held, head))
            self._free.remove(lane)
        try:
            yield lane
        finally:
            lane.end()
            with self._lock:
                if lane.held is not None and lane.held.retired:
                    lane.apply(None)
                self._free.append(lane)

    def part_with(self, held: Held) -> None:
        """Take a retired adapter off the lanes that are free; a busy one does so when it is."""
        with self._lock:
            for lane in self._free:
                if lane.held is held:
                    lane.apply(None)

    def close(self) -> None:
        """Free all contexts; no request may run."""
        with self._lock:
            for lane in self._free:
                lane.close()
            self._free.clear()


def _fitness(lane: Lane, held: Held | None, head: tuple[int, ...]) -> tuple[bool, bool, bool]:
    """Best is one that has read the beginning, then one with the adapter, then an empty one."""
    same = lane.held is held
    return same and lane.kept == head, same, not lane.kept
