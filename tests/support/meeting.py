"""Two transactions that meet at a given statement, so that a race needs no luck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import event, text

from services.store.database import Database

LONGEST = 10.0
"""Seconds after which a meeting that never comes about fails the test."""


def meet(
    database: Database, first: Callable[[], Any], second: Callable[[], Any], *, after: str
) -> tuple[Future[Any], Future[Any]]:
    """Halt ``first`` behind a statement, let ``second`` come as far as it can, go on with both.

    Args:
        database: of both.
        first: is halted once, in the transaction that it is in.
        second: begins then; it ends, or waits for what the first one holds.
        after: what stands in the statement.

    Returns:
        What became of either.
    """
    reached, onward, thread = threading.Event(), threading.Event(), list[int]()

    def halt(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        mine = thread and threading.get_ident() == thread[0]
        if mine and not reached.is_set() and after in statement:
            reached.set()
            assert onward.wait(LONGEST)

    def begin() -> Any:
        thread.append(threading.get_ident())
        return first()

    event.listen(database.engine, "after_cursor_execute", halt)
    try:
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(begin)
            _until(lambda: reached.is_set() or one.done())
            assert reached.is_set(), f"It never came to {after!r}: {one.exception()}"
            other = pool.submit(second)
            if not database.is_sqlite:  # whose second writer waits before its first statement
                _until(lambda: other.done() or _waits(database))
            onward.set()
        return one, other
    finally:
        onward.set()
        event.remove(database.engine, "after_cursor_execute", halt)


def _until(met: Callable[[], Any]) -> None:
    end = time.monotonic() + LONGEST
    while not met():
        assert time.monotonic() < end, "The two never met."
        time.sleep(0.005)


def _waits(database: Database) -> bool:
    """Whether a transaction of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.engine.connect() as connection:
        return bool(connection.scalar(waiting))
