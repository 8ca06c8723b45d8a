"""One page of the worklist, what is new on it, and what comes before and after a referral."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.consult.messages import Person
from services.exchange.messages import ReferredQuestion
from services.hospital.errors import UnreadableError
from services.hospital.models import Referral, User
from services.hospital.worklist.conditions import awake, beyond, chosen, key_of, order_of
from services.hospital.worklist.filters import Filters
from services.hospital.worklist.tally import Tally, groups_of, tally
from services.hospital.worklist.waits import Waits
from services.store.database import Database

PAGE = 25
"""Referrals on one page."""
_LOG = logging.getLogger("caretier.hospital")
_NARROW = (
    *(Referral.id, Referral.urgency, Referral.reason, Referral.state, Referral.version),
    *(Referral.assignee, Referral.handed_by, Referral.snoozed_until, Referral.snoozed_by),
    *(Referral.place, Referral.language, Referral.drafted, Referral.received),
    *(Referral.signed_by, Referral.signed, Referral.urgency_rank),
)
"""What is read of a row beside its texts."""


@dataclass(frozen=True)
class Line:
    """One referral on the worklist; ``row`` has columns of `Referral`, of texts the question."""

    row: Any
    text: str
    person: Person
    overdue: bool
    snoozed: bool


@dataclass(frozen=True)
class Listing:
    """One page; ``at`` is the moment of which it tells."""

    lines: tuple[Line, ...]
    tally: Tally
    page: int
    last: int
    at: datetime


@dataclass(frozen=True)
class News:
    """What has changed since a page was made.

    Attributes:
        tally: as it is now.
        fresh: referrals that the filters show, that came since, and are not on the page.
        emergency: whether an emergency came since, whatever the filters are.
        rows: those of the page that are still there: columns of `Referral` without texts.
        at: the moment of which it tells.
    """

    tally: Tally
    fresh: int
    emergency: bool
    rows: tuple[Any, ...]
    at: datetime


@dataclass(frozen=True)
class Neighbours:
    """Ids of the referrals before and after one, within the filters."""

    before: str | None
    after: str | None


class Worklist:
    """Reads the worklist.

    Args:
        database: of the hospital.
        open_text: opens a sealed text by referral, column and what is stored (`Desk.open`).
        waits: how long a referral may wait.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        open_text: Callable[[str, str, str], str],
        waits: Waits | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._open = database, open_text
        self.waits, self._clock = waits or Waits(), clock

    def page(self, filters: Filters, user: str) -> Listing:
        """One page of what a reader (an id) asks for; the last one where it has fewer."""
        now = self._clock()
        with self._database.reading() as session:
            counted = self._tally(session, filters, user, now)
            last = max(1, -(-counted.total // PAGE))
            page = min(filters.page, last)
            # which rows is answered by the index alone; texts are read of those
            there = (
                select(Referral.id)
                .where(chosen(filters, user, self.waits, now))
                .order_by(*order_of(filters))
                .limit(PAGE)
                .offset((page - 1) * PAGE)
                .subquery()
            )
            query = select(*_NARROW, Referral.question).join(there, there.c.id == Referral.id)
            rows = session.execute(query.order_by(*order_of(filters))).all()
        return Listing(tuple(self._lines(rows, now)), counted, page, last, now)

    def news(self, filters: Filters, user: str, since: datetime, ids: Collection[str]) -> News:
        """What has changed since a page with these referrals was made; opens no text."""
        now = self._clock()
        came = (Referral.came > since, Referral.came <= now, Referral.id.not_in(ids))
        alarming = (Referral.state == "open", awake(now), Referral.urgency_rank == 0, *came)
        with self._database.reading() as session:
            counted = self._tally(session, filters, user, now)
            fresh = session.scalar(
                select(func.count()).where(chosen(filters, user, self.waits, now), *came)
            )
            alarm = session.scalar(select(Referral.id).where(*alarming).limit(1))
            rows = _rows(session, list(ids), *_NARROW)
        return News(counted, fresh or 0, alarm is not None, tuple(rows), now)

    def neighbours(self, id_: str, filters: Filters, user: str) -> Neighbours:
        """Whom one comes to from a referral, even where the filters no longer show itself."""
        now = self._clock()
        with self._database.reading() as session:
            row = next(iter(_rows(session, [id_], *_NARROW)), None)
            if row is None or any(getattr(row, c.key) is None for c in key_of(filters)[0]):
                return Neighbours(None, None)

            def nearest(*, after: bool) -> str | None:
                wanted = chosen(filters, user, self.waits, now)
                order = order_of(filters)
                if not after:
                    columns, down = key_of(filters)
                    order = [c.asc() if down else c.desc() for c in columns]
                side = beyond(filters, row, after=after)
                return session.scalar(
                    select(Referral.id).where(wanted, side).order_by(*order).limit(1)
                )

            return Neighbours(nearest(after=False), nearest(after=True))

    def first(self, filters: Filters, user: str) -> tuple[str, str] | None:
        """Id and urgency of what stands first on a list; None where nothing does."""
        wanted = chosen(filters, user, self.waits, self._clock())
        query = select(Referral.id, Referral.urgency).where(wanted).order_by(*order_of(filters))
        with self._database.reading() as session:
            row = session.execute(query.limit(1)).first()
            return (row[0], row[1]) if row else None

    def names(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Display names of accounts by id."""
        known = {id_ for id_ in ids if id_}
        if not known:
            return {}
        with self._database.reading() as session:
            rows = session.execute(select(User.id, User.display_name).where(User.id.in_(known)))
            return {row[0]: row[1] for row in rows}

    def colleagues(self, user: str) -> list[tuple[str, str]]:
        """Id and name of every clinician whose account is in use, but the reader's, by name."""
        query = (
            select(User.id, User.display_name)
            .where(User.role == "clinician", User.disabled.is_(False), User.id != user)
            .order_by(User.display_name, User.id)
        )
        with self._database.reading() as session:
            return [(row[0], row[1]) for row in session.execute(query)]

    def _tally(self, session: Session, filters: Filters, user: str, now: datetime) -> Tally:
        signed = filters.show == "signed"
        return tally(groups_of(session, user, self.waits, now, signed=signed), filters)

    def _lines(self, rows: Sequence[Any], now: datetime) -> Iterable[Line]:
        for row in rows:
            try:
                text = self._open(row.id, "question", row.question)
            except UnreadableError:  # erased this moment, or its key is lost: the others count
                _LOG.warning("a referral has no key")
                continue
            waiting, asked = row.state == "open", ReferredQuestion.model_validate_json(text)
            yield Line(
                row=row,
                text=asked.text,
                person=asked.person,
                overdue=waiting and self.waits.overdue(row.urgency, row.received, now),
                snoozed=waiting and row.snoozed_until is not None and row.snoozed_until > now,
            )


def _rows(session: Session, ids: Sequence[str], *columns: Any) -> list[Any]:
    """Rows in the order of their ids, with these columns of `Referral` alone."""
    query = select(*columns).where(Referral.id.in_(ids))
    found = {row.id: row for row in session.execute(query)}
    return [found[id_] for id_ in ids if id_ in found]
