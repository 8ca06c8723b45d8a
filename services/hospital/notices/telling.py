"""Writes notices, in the transaction of what they tell of."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.hospital.models import Notice, NoticeOff, User
from services.hospital.notices.kinds import KINDS
from services.store.clock import now


def notify(session: Session, user_id: str, kind: str, subject: str, *, once: bool = False) -> None:
    """Tell a person that something waits for them, unless they switched the kind off.

    Args:
        session: of the transaction in which it happened.
        user_id: of the person.
        kind: one of `KINDS`.
        subject: id of what it is about, at most 80 characters; never words.
        once: leave a notice that is there as it is; otherwise it becomes new and unread.

    Raises:
        ValueError: there is no such kind.
    """
    known = KINDS.get(kind)
    if known is None:
        raise ValueError("There is no such kind of notice.")
    if not known.always and session.get(NoticeOff, (user_id, kind)) is not None:
        return
    values = {"user_id": user_id, "kind": kind, "subject": subject, "made": now(session)}
    on = ["user_id", "kind", "subject"]
    lite = session.get_bind().dialect.name == "sqlite"
    row = (sqlite if lite else postgresql).insert(Notice).values(id=str(uuid4()), **values)
    if once:
        session.execute(row.on_conflict_do_nothing(index_elements=on))
    else:
        fresh = {"made": values["made"], "read": None}
        session.execute(row.on_conflict_do_update(index_elements=on, set_=fresh))


def notify_role(
    session: Session, role: str, kind: str, subject: str, *, once: bool = False
) -> None:
    """Tell everybody of a role whose account is in use (see `notify`)."""
    people = select(User.id).where(User.role == role, User.disabled.is_(False))
    for user_id in session.scalars(people).all():
        notify(session, user_id, kind, subject, once=once)
