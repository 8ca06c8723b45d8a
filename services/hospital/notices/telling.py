"""Writes notices, in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.hospital.models import Notice, NoticeOff, User
from services.hospital.notices.kinds import KINDS
from services.store.clock import now
from services.store.rows import idle


def notify(
    session: Session, user_id: str, kind: str, subject: str, *, since: datetime | None = None
) -> None:
    """Tell a person that something waits for them, unless they switched the kind off.

    Args:
        session: of the transaction in which it happened.
        user_id: of the person.
        kind: one of `KINDS`.
        subject: id of what it is about, at most 80 characters; never words.
        since: when it happened; a notice of it that was made after that stays as it is. Without,
            it happens now, and a notice that is there becomes new and unread.

    Raises:
        ValueError: there is no such kind.
    """
    known = KINDS.get(kind)
    if known is None:
        raise ValueError("There is no such kind of notice.")
    if not known.always and session.get(NoticeOff, (user_id, kind)) is not None:
        return
    at = now(session)
    values = {"user_id": user_id, "kind": kind, "subject": subject, "made": at}
    lite = session.get_bind().dialect.name == "sqlite"
    row = (sqlite if lite else postgresql).insert(Notice).values(id=str(uuid4()), **values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["user_id", "kind", "subject"],
            set_={"made": at, "read": None},
            where=None if since is None else Notice.made < since,
        )
    )


def notify_role(
    session: Session, role: str, kind: str, subject: str, *, since: datetime | None = None
) -> None:
    """Tell everybody of a role whose account is in use (see `notify`)."""
    for user_id in people(session, role):
        notify(session, user_id, kind, subject, since=since)


def people(session: Session, role: str) -> Sequence[str]:
    """Ids of everybody of a role whose account is in use."""
    query = select(User.id).where(User.role == role, User.disabled.is_(False))
    return session.scalars(query.order_by(User.id)).all()


def settle(session: Session, kind: str, standing: Collection[str]) -> None:
    """Mark as read what no longer waits: notices of a kind whose subject is none of these."""
    session.execute(
        update(Notice)
        .where(
            idle(
                Notice,
                Notice.kind == kind,
                Notice.read.is_(None),
                Notice.subject.not_in(standing),
            )
        )
        .values(read=now(session))
    )
