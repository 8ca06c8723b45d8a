"""A writer's turn: the places and the instant that its versions get."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.fhir.models import ClockRow


class Turn:
    """Waits until no other writer is at work, and holds the turn until its transaction ends.

    SQLite has one writer at a time anyway; PostgreSQL locks the one row of `ClockRow`. So places
    and instants grow in the order of commits: who has read up to one of them has missed nothing.

    Args:
        session: a transaction that has read nothing yet.
    """

    def __init__(self, session: Session) -> None:
        clock = select(ClockRow.sequence, ClockRow.updated).with_for_update()
        self._session = session
        self._sequence, last = session.execute(clock).one()
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.now: str = max(now, last)
        """The instant of everything that this turn writes."""
        self._begun = self._sequence

    def place(self) -> int:
        """The next place among all writes."""
        self._sequence += 1
        return self._sequence

    def end(self) -> None:
        """Write down how far this turn came; nothing when it wrote nothing."""
        if self._sequence != self._begun:
            moved = update(ClockRow).values(sequence=self._sequence, updated=self.now)
            self._session.execute(moved)
