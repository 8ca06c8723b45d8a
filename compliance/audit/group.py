"""Group commit: callers that come at once share one write, and each waits until it is done.

The first caller that finds nobody writing leads: it writes what waits, at most `GROUP` items, and
tells every one of them how it ended. Those who came meanwhile wait for it and then lead or find
their own item written.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from compliance.audit.errors import AuditError

GROUP = 64
"""Most items that share one write; it bounds how long the first of them waits."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Waiting(Generic[Item, Result]):
    """An item, and what became of it."""

    item: Item
    result: Result | None = None
    error: AuditError | None = None
    done: bool = False


class Group(Generic[Item, Result]):
    """Collects what many threads want written.

    Args:
        write: writes items in their order and returns as many results; when it raises, nothing of
            them counts as written.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._write = write
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._leading = False

    def put(self, items: Sequence[Item]) -> list[Result]:
        """Have items written and return their results once that is done.

        Raises:
            AuditError: at least one of them is not written.
        """
        mine = [_Waiting[Item, Result](item) for item in items]
        with self._changed:
            self._queue.extend(mine)
        for waiting in mine:
            while group := self._group_to_lead(waiting):
                self._lead(group)
        return [_result(waiting) for waiting in mine]

    def _group_to_lead(self, waiting: _Waiting[Item, Result]) -> list[_Waiting[Item, Result]]:
        """Wait until an item is written (nothing to lead then) or it is the caller's turn."""
        with self._changed:
            while self._leading and not waiting.done:
                self._changed.wait()
            if waiting.done:
                return []
            self._leading = True
            return [self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))]

    def _lead(self, group: list[_Waiting[Item, Result]]) -> None:
        """Write what waited longest, and tell everyone of the group."""
        try:
            results = self._write([waiting.item for waiting in group])
            for waiting, result in zip(group, results, strict=True):
                waiting.result = result
        except BaseException as error:
            told = error if isinstance(error, AuditError) else AuditError("It was not written.")
            for waiting in group:
                waiting.error = told
            if not isinstance(error, AuditError):
                raise
        finally:
            with self._changed:
                for waiting in group:
                    waiting.done = True
                self._leading = False
                self._changed.notify_all()


def _result(waiting: _Waiting[Item, Result]) -> Result:
    if waiting.error is not None:
        raise AuditError(waiting.error.message, remedy=waiting.error.advice) from None
    if waiting.result is None:
        raise AuditError("It was not written.")
    return waiting.result
