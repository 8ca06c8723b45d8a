"""What is known of a connection: up to when it was read, what came of it, what is awaited."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from services.hospital.ehr.applying import Key
from services.hospital.ehr.connections import still_held
from services.hospital.models import EhrAwaited, EhrResource, EhrWatermark
from services.store.database import Database

AT_ONCE = 500
"""Awaited resources that one pass reads."""
MAX_AWAITED = 20_000
"""Most resources that are awaited of one connection; a full pass finds the others."""
CHUNK = 200


class Book:
    """The book of one connection.

    Args:
        database: of the hospital.
        name: of the connection; holder: who works with it.
    """

    def __init__(self, database: Database, name: str, holder: str) -> None:
        self._database, self._name, self._holder = database, name, holder

    def mark_of(self, ask: str) -> datetime | None:
        """Up to which instant a search was read; None if it never was."""
        with self._database.reading() as session:
            row = session.get(EhrWatermark, (self._name, ask))
            return None if row is None else row.moment

    def mark(self, ask: str, moment: datetime) -> None:
        """Note that a search was read, and all of it written; a mark never goes back.

        Raises:
            EhrHeldError: somebody else works with the connection by now.
        """
        with self._database.transaction() as session:
            still_held(session, self._name, self._holder)
            row = session.get(EhrWatermark, (self._name, ask))
            if row is None:
                session.add(EhrWatermark(connection=self._name, ask=ask, moment=moment))
            else:
                row.moment = max(row.moment, moment)

    def known(self, keys: Iterable[Key]) -> set[Key]:
        """Those that came from this connection and are here."""
        found: set[Key] = set()
        wanted = sorted(keys)
        with self._database.reading() as session:
            for start in range(0, len(wanted), CHUNK):
                part = wanted[start : start + CHUNK]
                named = (and_(EhrResource.type == k, EhrResource.source == s) for k, s in part)
                query = select(EhrResource.type, EhrResource.source).where(
                    EhrResource.connection == self._name, or_(*named)
                )
                found |= {(row[0], row[1]) for row in session.execute(query)}
        return found

    def unseen(self, kind: str, since: datetime) -> tuple[list[Key], int]:
        """What was not found since a moment, and how many of the type there are in all."""
        mine = (EhrResource.connection == self._name, EhrResource.type == kind)
        with self._database.reading() as session:
            query = select(EhrResource.source).where(*mine, EhrResource.seen < since)
            missing = [(kind, source) for source in session.scalars(query)]
            count = session.scalar(select(func.count()).select_from(EhrResource).where(*mine))
        return missing, count or 0

    def due(self, kinds: Collection[str]) -> list[Key]:
        """What is awaited by name and may be tried now."""
        query = (
            select(EhrAwaited.what)
            .where(
                EhrAwaited.connection == self._name,
                EhrAwaited.what.contains("/"),
                ~EhrAwaited.what.contains("?"),
                EhrAwaited.due <= datetime.now(UTC),
            )
            .order_by(EhrAwaited.due)
            .limit(AT_ONCE)
        )
        with self._database.reading() as session:
            names = [what.partition("/") for what in session.scalars(query)]
        return [(kind, id_) for kind, _, id_ in names if kind in kinds]

    def forget(self, kind: str, id_: str) -> None:
        """Await a resource no more."""
        row = EhrAwaited.connection == self._name, EhrAwaited.what == f"{kind}/{id_}"
        with self._database.transaction() as session:
            session.execute(delete(EhrAwaited).where(*row))


def expect(session: Session, connection: str, names: Iterable[str]) -> int:
    """Note what a notification named, to be read at once; returns how many are awaited now."""
    now = datetime.now(UTC)
    count = session.scalar(
        select(func.count()).select_from(EhrAwaited).where(EhrAwaited.connection == connection)
    )
    total = count or 0
    for name in names:
        row = session.get(EhrAwaited, (connection, name))
        if row is not None:
            row.due = now
        elif total < MAX_AWAITED:
            total += 1
            session.add(
                EhrAwaited(connection=connection, what=name, code="notified", attempts=0, due=now)
            )
    return total
