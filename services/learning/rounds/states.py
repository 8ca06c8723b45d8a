"""The states of a round, and what each may become."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a round stands.

    ``WAITING`` is for people. ``BLOCKED`` says that a gate or a person said no, ``FAILED`` that a
    step could not be done; `Rounds.retry` takes up either again.
    """

    COLLECTING = "collecting"
    AGGREGATING = "aggregating"
    EVALUATING = "evaluating"
    WAITING = "waiting"
    PUBLISHING = "publishing"
    ROLLING_OUT = "rolling-out"
    RELEASED = "released"
    BLOCKED = "blocked"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"


WORKING = frozenset(
    {
        State.COLLECTING,
        State.AGGREGATING,
        State.EVALUATING,
        State.PUBLISHING,
        State.ROLLING_OUT,
    }
)
"""States in which there is a step to do."""
ENDED = frozenset({State.RELEASED, State.BLOCKED, State.ROLLED_BACK, State.FAILED})
"""States in which another round of the domain may start."""
UNPUBLISHED = frozenset(
    {State.AGGREGATING, State.EVALUATING, State.WAITING, State.BLOCKED, State.FAILED}
)
"""States in which nobody outside has seen the candidate, so that it may still be made anew."""


class FencedOffError(Exception):
    """Somebody else works on the round by now; nothing of this attempt counts."""
