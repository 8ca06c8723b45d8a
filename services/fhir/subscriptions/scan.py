"""Looking for events: what was written since last time, held against each subscription.

The store's writers take turns (`services.fhir.models.ClockRow`), so whoever has read up to a place
has missed nothing before it. Several processes may look at once: one of them moves on, the others'
findings do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from services.fhir.access import Access, Grant
from services.fhir.bulk.kinds import allowed
from services.fhir.bulk.orders import AccessOf, AddJob
from services.fhir.bulk.snapshot import stamp
from services.fhir.models import (
    ClockRow,
    ResourceRow,
    SubscriptionClockRow,
    SubscriptionEventRow,
    SubscriptionRow,
)
from services.fhir.search.narrow import narrowed
from services.fhir.subscriptions.admission import JOB
from services.fhir.subscriptions.spec import Spec
from services.fhir.subscriptions.state import resource_of
from services.fhir.subscriptions.topics import Search, Topics
from services.fhir.visible import visible
from services.store.database import Database
from services.store.rows import changed, idle

STEP = 2_000
"""Writes that are looked through at a time."""
COUNTING = ("active", "error")
"""States in which events are kept; of one in error they can be asked for."""


@dataclass(frozen=True)
class _Found:
    """The events of one subscription among some writes; None where it is over."""

    subscription: str
    events: Sequence[dict[str, Any]] | None


class Scan:
    """Looks for events.

    Args:
        database: of the store.
        topics: that there are.
        access: evaluates anew what a subscriber may see.
        add_job: adds a job in a transaction.
    """

    def __init__(
        self, database: Database, topics: Topics, access: AccessOf, add_job: AddJob
    ) -> None:
        self._database, self._topics = database, topics
        self._access, self._add_job = access, add_job

    def step(self) -> bool:
        """Look through some writes; returns whether there are more."""
        with self._database.reading() as session:
            begun = session.scalars(select(SubscriptionClockRow.sequence)).one()
            last = session.scalars(select(ClockRow.sequence)).one()
            if begun >= last:
                return False
            until = min(begun + STEP, last)
            found = [
                _Found(row.id, self._events(session, row, begun, until))
                for row in session.scalars(
                    select(SubscriptionRow).where(SubscriptionRow.state.in_(COUNTING))
                )
            ]
            if not found:
                until = last
        self._keep(begun, until, [one for one in found if one.events != []])
        return until < last

    def _events(
        self, session: Session, row: SubscriptionRow, begun: int, until: int
    ) -> list[dict[str, Any]] | None:
        resource = resource_of(session, row.id)
        access = self._access(Grant(row.client, row.scopes))
        spec = Spec.read(resource, self._topics) if resource else None
        if access is None or spec is None or spec.over:
            return None
        between = (ResourceRow.sequence > max(begun, row.since), ResourceRow.sequence <= until)
        found: dict[int, dict[str, Any]] = {}
        for search in spec.searches:
            if not allowed(access, search[0]):
                continue
            query = select(ResourceRow).where(*between, *matching(access, search))
            for one in session.scalars(query):
                found[one.sequence] = {
                    "type": one.type,
                    "resource": one.id,
                    "version": one.version,
                    "occurred": one.updated,
                }
        return [found[place] for place in sorted(found)]

    def _keep(self, begun: int, until: int, found: Sequence[_Found]) -> None:
        with self._database.transaction() as session:
            moved = session.execute(
                update(SubscriptionClockRow)
                .where(SubscriptionClockRow.sequence == begun)
                .values(sequence=until)
            )
            if changed(moved) != 1:
                return  # somebody else has looked here
            for one in sorted(found, key=lambda one: one.subscription):
                row = session.get(SubscriptionRow, one.subscription, with_for_update=True)
                if row is None or row.state not in COUNTING:
                    continue
                if one.events is None:
                    self._add_job(session, JOB, f"{row.key}:over{until}")
                else:
                    self._number(session, row, one.events)

    def _number(
        self, session: Session, row: SubscriptionRow, events: Sequence[dict[str, Any]]
    ) -> None:
        numbered = [
            {"subscription": row.id, "number": number, **event}
            for number, event in enumerate(events, row.events + 1)
        ]
        session.execute(insert(SubscriptionEventRow), numbered)
        if row.sent == row.events and row.state == "active":  # else a job is on its way
            self._add_job(session, JOB, next_job(row))
        row.events += len(numbered)

    def beats(self) -> int:
        """Add the jobs of subscribers who were told nothing for too long; returns how many."""
        now = datetime.now(UTC)
        quiet = select(SubscriptionRow).where(
            SubscriptionRow.state == "active", SubscriptionRow.beat <= now
        )
        with self._database.transaction() as session:
            rows = session.scalars(quiet.order_by(SubscriptionRow.id).with_for_update()).all()
            for row in rows:
                self._add_job(session, JOB, f"{row.key}:beat{int(now.timestamp())}")
                row.beat = None  # until that one was sent
            return len(rows)

    def forget(self, before: datetime) -> int:
        """Delete events that happened before a moment; returns how many."""
        with self._database.transaction() as session:
            old = idle(SubscriptionEventRow, SubscriptionEventRow.occurred < stamp(before))
            return changed(session.execute(delete(SubscriptionEventRow).where(old)))

    def waiting(self) -> int:
        """How many events are not delivered yet, for the operator's page."""
        with self._database.reading() as session:
            unsent = func.sum(SubscriptionRow.events - SubscriptionRow.sent)
            mine = SubscriptionRow.state.in_(COUNTING)
            return session.scalar(select(unsent).where(mine)) or 0


def next_job(row: SubscriptionRow) -> str:
    """Subject of the job that delivers what is next; another one after each request."""
    return f"{row.key}:{row.sent + 1}.{row.version}"


def matching(access: Access, search: Search) -> list[Any]:
    """The conditions that a resource matches a search, and the subscriber may see it."""
    kind, query = search
    found = [ResourceRow.type == kind, visible(access, kind, "r"), visible(access, kind, "s")]
    return [*found, narrowed(kind, [query], ResourceRow)] if query else found
