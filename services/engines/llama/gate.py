"""Let many read the weights at once, or one change what is loaded on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Many inside, or one alone; one who wants to be alone goes before those who come later.

    llama.cpp looks through all adapters of a model whenever a context lays out its computation, and
    does not lock that list. So each decode passes with ``many`` and loading or freeing an adapter
    with ``alone``, which waits for no more than the decodes that run.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._wanting = 0
        self._taken = False

    @contextmanager
    def many(self) -> Iterator[None]:
        """Be inside together with others."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._taken or self._wanting))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside alone."""
        with self._changed:
            self._wanting += 1
            self._changed.wait_for(lambda: not (self._taken or self._inside))
            self._wanting -= 1
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
