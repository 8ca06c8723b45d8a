"""The filters as conditions and orders of SQL; all of them are answered by the table's index."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_, true, tuple_

from services.hospital.models import Referral
from services.hospital.worklist.filters import URGENCIES, WAITS, Filters
from services.hospital.worklist.waits import Waits

Condition = ColumnElement[bool]


def awake(now: datetime) -> Condition:
    """Not snoozed, or its time is over."""
    return or_(Referral.snoozed_until.is_(None), Referral.snoozed_until <= now)


def asleep(now: datetime) -> Condition:
    """Snoozed until a later moment."""
    return and_(Referral.snoozed_until.is_not(None), Referral.snoozed_until > now)


def shown(show: str, user: str, now: datetime) -> Condition:
    """Whose; ``user`` is the reader's id."""
    if show == "signed":
        return Referral.state == "signed"
    own = {
        "all": true(),
        "mine": Referral.assignee == user,
        "nobody": Referral.assignee.is_(None),
        "handed": and_(Referral.assignee == user, Referral.handed_by.is_not(None)),
    }
    wakeful = asleep(now) if show == "snoozed" else awake(now)
    return and_(Referral.state == "open", wakeful, own.get(show, true()))


def overdue(waits: Waits, now: datetime) -> Condition:
    """Open for longer than its urgency allows."""
    late = [
        and_(Referral.urgency_rank == rank, Referral.received < limit)
        for rank, limit in enumerate(waits.since(now).values())
    ]
    return and_(Referral.state == "open", or_(*late))


def chosen(filters: Filters, user: str, waits: Waits, now: datetime) -> Condition:
    """All that the filters ask for."""
    parts: list[Condition] = [shown(filters.show, user, now)]
    if filters.urgency:
        parts.append(Referral.urgency_rank == URGENCIES.index(filters.urgency))
    if filters.waiting:
        limit = now - timedelta(seconds=WAITS[filters.waiting])
        parts.append(Referral.received < limit if filters.state == "open" else false())
    if filters.overdue:
        parts.append(overdue(waits, now))
    if filters.reason:
        parts.append(Referral.reason == filters.reason)
    if filters.language:
        parts.append(Referral.language == filters.language)
    if filters.draft:
        parts.append(Referral.drafted.is_(filters.draft == "yes"))
    return and_(*parts)


def key_of(filters: Filters) -> tuple[tuple[Any, ...], bool]:
    """What a list is sorted by, to the last column unlike for two rows; and whether downwards."""
    if filters.show == "signed":
        return (Referral.signed, Referral.id), filters.sort != "oldest"
    if filters.sort == "urgency":
        return (Referral.urgency_rank, Referral.place, Referral.received, Referral.id), False
    return (Referral.received, Referral.id), filters.sort == "newest"


def order_of(filters: Filters) -> list[Any]:
    """The order of a list."""
    columns, down = key_of(filters)
    return [column.desc() if down else column.asc() for column in columns]


def beyond(filters: Filters, row: Any, *, after: bool) -> Condition:
    """Rows that come after one row in the order, or before it."""
    columns, down = key_of(filters)
    values = [literal(getattr(row, c.key), c.type) for c in columns]
    here, there = tuple_(*columns), tuple_(*values)
    return here > there if after is not down else here < there
