"""One moment's view of the store, with the instant that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir.models import ClockRow
from services.store.database import Database

TICK = timedelta(milliseconds=1)
"""The store's instants are no finer than this."""


@contextmanager
def snapshot(database: Database) -> Iterator[tuple[Session, datetime]]:
    """Yield a session whose view does not move, and an instant of which nothing later is in it.

    A write is wholly in the view, or it is later than the instant: the view is begun while no
    writer is at work, so that what is asked for since this instant leaves no gap.
    """
    with ExitStack() as stack:
        with database.transaction() as quiet:
            last = quiet.scalar(select(ClockRow.updated).with_for_update())
            session = stack.enter_context(database.reading())
            session.scalar(select(ClockRow.sequence))  # the first statement begins the view
            now = datetime.now(UTC)
            moment = (max(now, datetime.fromisoformat(last)) if last else now) - TICK
        yield session, moment


def stamp(moment: datetime) -> str:
    """A moment as the store writes instants: in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
