"""The states of a change, and which of them are whose turn."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a change stands."""

    CHECKING = "checking"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    APPROVED = "approved"
    SIGNING = "signing"
    PUBLISHED = "published"
    NOTED = "noted"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    FAILED = "failed"


WORKING = frozenset({State.CHECKING, State.APPROVED})
"""A job does the next step."""
OPEN = frozenset({State.CHECKING, State.WAITING, State.QUARANTINED, State.FAILED})
"""A newer snapshot takes its place."""
LIVE = OPEN | {State.APPROVED, State.SIGNING}
"""Its snapshot is still needed."""
