"""One time limit for a whole call, shared by every recogniser that runs under it.

A regular expression that takes too long must stop the call, not be skipped: a skipped pattern is
an identifier that leaves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float | None] = ContextVar("deidentify_deadline", default=None)
_UNBOUNDED_S = 60.0


class OutOfTimeError(Exception):
    """The time budget of the call is spent (internal; becomes a DeidentificationError)."""


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Give everything inside ``seconds`` of wall-clock time; raise OutOfTimeError when it is over.

    The check on leaving catches libraries that swallow their own time-outs.
    """
    token = _DEADLINE.set(time.monotonic() + seconds)
    try:
        yield
        remaining()
    finally:
        _DEADLINE.reset(token)


def remaining() -> float:
    """Seconds left of the current budget, above 0.

    Raises:
        OutOfTimeError: nothing is left.
    """
    deadline = _DEADLINE.get()
    if deadline is None:
        return _UNBOUNDED_S
    left = deadline - time.monotonic()
    if left <= 0:
        raise OutOfTimeError
    return left
