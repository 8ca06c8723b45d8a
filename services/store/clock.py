"""The one clock that all processes on a database share: the database's own."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def now(session: Session) -> datetime:
    """The time at the database.

    Workers run on several machines, and a lease that one of them gives is read by the others: by
    its own clock, one that is ahead would take what somebody is at, and put off what is due.
    """
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)  # its processes are on one machine
    told: datetime = session.scalars(select(func.clock_timestamp())).one()
    return told.astimezone(UTC)
