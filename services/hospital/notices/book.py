"""What each person was told, read or not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from compliance.errors import NotFoundError
from services.hospital.models import Notice, NoticeOff, User
from services.hospital.notices.kinds import KINDS
from services.store.clock import now
from services.store.database import Database
from services.store.rows import changed, idle


@dataclass(frozen=True)
class Noticed:
    """One notice of one person."""

    id: str
    kind: str
    subject: str
    made: datetime
    read: datetime | None


class Notices:
    """The notices of a hospital; each person reaches their own alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unread(self, user_id: str) -> int:
        """How many a person has not read."""
        query = select(func.count()).where(Notice.user_id == user_id, Notice.read.is_(None))
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def of(self, user_id: str, *, limit: int = 50, offset: int = 0) -> list[Noticed]:
        """A person's notices: unread ones first, then the newest first."""
        query = (
            select(Notice)
            .where(Notice.user_id == user_id, Notice.kind.in_(KINDS))
            .order_by(Notice.read.is_not(None), Notice.made.desc(), Notice.id)
            .limit(limit)
            .offset(offset)
        )
        with self._database.reading() as session:
            found = session.scalars(query).all()
            return [Noticed(one.id, one.kind, one.subject, one.made, one.read) for one in found]

    def address(self, user_id: str, id_: str) -> str:
        """The page that a notice leads to.

        Raises:
            NotFoundError: the person has none of this id.
        """
        with self._database.reading() as session:
            one = session.get(Notice, id_)
        if one is None or one.user_id != user_id or one.kind not in KINDS:
            raise NotFoundError("There is no such notice.")
        return KINDS[one.kind].address.format(one.subject)

    def read(self, user_id: str, id_: str | None = None) -> datetime:
        """Mark one notice as read, or all; returns the moment, by which `undo` finds them."""
        mine = [Notice.user_id == user_id, Notice.read.is_(None)]
        if id_ is not None:
            mine.append(Notice.id == id_)
        with self._database.transaction() as session:
            at = now(session)
            session.execute(update(Notice).where(idle(Notice, *mine)).values(read=at))
        return at

    def undo(self, user_id: str, at: datetime) -> int:
        """Make what was read at a moment unread again; returns how many."""
        with self._database.transaction() as session:
            mine = idle(Notice, Notice.user_id == user_id, Notice.read == at)
            return changed(session.execute(update(Notice).where(mine).values(read=None)))

    def off(self, user_id: str) -> frozenset[str]:
        """The kinds that a person has switched off."""
        with self._database.reading() as session:
            query = select(NoticeOff.kind).where(NoticeOff.user_id == user_id)
            return frozenset(session.scalars(query))

    def choose(self, user_id: str, off: Collection[str]) -> None:
        """Switch these kinds off and all others on; one that is told always stays on."""
        kinds = {kind for kind in off if kind in KINDS and not KINDS[kind].always}
        with self._database.transaction() as session:
            session.get(User, user_id, with_for_update=True)  # the last choice stands as a whole
            session.execute(delete(NoticeOff).where(NoticeOff.user_id == user_id))
            session.add_all(NoticeOff(user_id=user_id, kind=kind) for kind in sorted(kinds))

    def forget(self, before: datetime) -> int:
        """Delete what was told before a moment; returns how many."""
        with self._database.transaction() as session:
            old = idle(Notice, Notice.made < before)
            return changed(session.execute(delete(Notice).where(old)))
