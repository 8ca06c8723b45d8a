"""Saved versions of a reply: what a clinician may look at and go back to until it is signed.

    versions = ReplyVersions(database, desk)
    versions.keep(item, user)                # after each save; within a minute it is one version
    versions.all(referral)                   # newest first, opened
    versions.attach(desk)                    # signing drops them in its own transaction

Texts are sealed under the referral's key, as the reply itself is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.hospital.desk import Desk, DeskItem, is_open
from services.hospital.models import ReplyVersion, User
from services.store.database import Database

ONE = timedelta(minutes=1)
"""Saves of one person in so long a time are one version."""
MOST = 60
"""Versions of one reply; of more, the oldest go."""


@dataclass(frozen=True)
class Kept:
    """One version of a reply, opened."""

    number: int
    text: str
    user_id: str
    saved: datetime


class ReplyVersions:
    """Keeps versions of replies.

    Args:
        database: of the hospital.
        desk: seals and opens a referral's texts.
        clock: says what time it is.
    """

    def __init__(
        self,
        database: Database,
        desk: Desk,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._desk, self._clock = database, desk, clock

    def keep(self, item: DeskItem, user: User) -> None:
        """Keep a reply as it was saved; nothing where it stands there, or is signed by now."""
        now, id_ = self._clock(), item.id
        with self._database.transaction() as session:
            if not is_open(session, id_):
                return
            last = _newest(session, id_)
            if last is not None and self._text(last) == item.text:
                return
            if last is None or last.user_id != user.id or now - last.began >= ONE:
                number = last.number + 1 if last else 1
                last = ReplyVersion(referral=id_, number=number, user_id=user.id, began=now)
                session.add(last)
            last.text = self._desk.seal(id_, f"version-{last.number}", item.text)
            last.saved = now
            old = ReplyVersion.number <= last.number - MOST
            session.execute(delete(ReplyVersion).where(ReplyVersion.referral == id_, old))

    def all(self, referral: str) -> list[Kept]:
        """Versions of one reply, the newest first."""
        query = (
            select(ReplyVersion)
            .where(ReplyVersion.referral == referral)
            .order_by(ReplyVersion.number.desc())
        )
        with self._database.reading() as session:
            rows = list(session.scalars(query))
        return [Kept(row.number, self._text(row), row.user_id, row.saved) for row in rows]

    def one(self, referral: str, number: int) -> Kept:
        """One version.

        Raises:
            NotFoundError: there is none of this number.
        """
        for kept in self.all(referral):
            if kept.number == number:
                return kept
        raise NotFoundError("There is no such version.")

    def count(self, referral: str) -> int:
        """How many versions there are."""
        query = select(func.count()).where(ReplyVersion.referral == referral)
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def attach(self, desk: Desk) -> None:
        """Drop the versions of a reply in the transaction that signs it."""
        before = desk.on_signed

        def signed(session: Session, referral: str) -> None:
            before(session, referral)
            session.execute(delete(ReplyVersion).where(ReplyVersion.referral == referral))

        desk.on_signed = signed

    def _text(self, row: ReplyVersion) -> str:
        return self._desk.open(row.referral, f"version-{row.number}", row.text)


def _newest(session: Session, referral: str) -> ReplyVersion | None:
    query = (
        select(ReplyVersion)
        .where(ReplyVersion.referral == referral)
        .order_by(ReplyVersion.number.desc())
        .limit(1)
    )
    return session.scalars(query).first()
