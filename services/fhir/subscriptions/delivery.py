"""Delivering notifications: what a subscriber may see at the time of sending, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from compliance.errors import CaretierError
from services.fhir.access import Access, Grant
from services.fhir.bulk.orders import AccessOf, AddJob, Done
from services.fhir.models import SubscriptionRow
from services.fhir.outcome import MEDIA_TYPE
from services.fhir.store import FhirStore
from services.fhir.subscriptions.admission import JOB, REQUESTED
from services.fhir.subscriptions.notification import Event, Kind, Status, notification
from services.fhir.subscriptions.scan import COUNTING, next_job
from services.fhir.subscriptions.spec import Spec
from services.fhir.subscriptions.state import forget, resource_of, say
from services.fhir.subscriptions.telling import told, unsent
from services.fhir.subscriptions.topics import Topics
from services.store.database import Database
from services.web.outbound import Outbound

MOST_FAILURES = 10
"""After so many in a row a subscription is in error, until its client asks for it again."""
MOST_TIMEOUT = 30.0
"""Longest time that a subscriber gets to answer, in seconds, whatever it asks for."""


class UndeliveredError(CaretierError):
    """The subscriber did not take a notification; it is tried again."""

    kind = "notification-undelivered"
    status = 502
    exit_code = 69
    remedy = "Ask whoever runs the subscriber's endpoint."


@dataclass(frozen=True)
class Message:
    """A notification that is ready to go.

    Attributes:
        spec: of the subscription.
        kind: of the notification.
        text: the body; "" where there is none.
        last: number of the last event that it tells of.
    """

    spec: Spec
    kind: Kind
    text: str
    last: int


@dataclass(frozen=True)
class _End:
    """A subscription that is over, and why."""

    state: str
    why: str = ""


class Delivery:
    """Delivers notifications.

    Args:
        database: of the store.
        store: that holds the Subscriptions.
        topics: that there are.
        access: evaluates anew what a subscriber may see.
        outbound: the way to it.
        add_job: adds a job in a transaction.
        base: absolute URL of ``/fhir`` for the outside.
    """

    def __init__(
        self,
        database: Database,
        store: FhirStore,
        *,
        topics: Topics,
        access: AccessOf,
        outbound: Outbound,
        add_job: AddJob,
        base: str,
    ) -> None:
        self._database, self._store, self._topics = database, store, topics
        self._access, self._outbound = access, outbound
        self._add_job, self._base = add_job, base

    async def run(self, subject: str, done: Done) -> None:
        """Do a job: a handshake, a heartbeat, or the events that are not delivered yet.

        Args:
            subject: of the job; ``key:v3``, ``key:beat…`` or ``key:4.3``.
            done: finishes the job in the transaction of its result.

        Raises:
            UndeliveredError: the subscriber did not take it; the job is to be done again.
        """
        key, _, purpose = subject.partition(":")
        found = await asyncio.to_thread(self._prepared, key, purpose)
        if isinstance(found, Message):
            sent = await self._send(found)
            await asyncio.to_thread(self._settle, key, found, sent=sent, done=done)
            if not sent:
                raise UndeliveredError("A subscriber did not take a notification.")
            return
        await asyncio.to_thread(self._stop, key, found, done)

    def _prepared(self, key: str, purpose: str) -> Message | _End | None:
        """What is to be sent now; None for nothing."""
        with self._database.reading() as session:
            row = _row(session, key)
            if row is None or row.state not in {REQUESTED, *COUNTING}:
                return None
            resource = resource_of(session, row.id)
            if resource is None:
                return _End("deleted")
            access = self._access(Grant(row.client, row.scopes))
            spec = Spec.read(resource, self._topics)
            if access is None or spec.over:
                return _End("off", "Its client may see nothing any more, or its time is over.")
            if row.state == "error":
                return None  # until its client asks for it again
            return self._message(session, row, spec, access, purpose)

    def _message(
        self, session: Session, row: SubscriptionRow, spec: Spec, access: Access, purpose: str
    ) -> Message | None:
        events: list[Event] = []
        last = row.sent
        if row.state == REQUESTED:
            kind: Kind = "handshake"
            if purpose != f"v{row.version}":
                return None
        elif purpose.startswith("beat"):
            kind = "heartbeat"
        else:
            kind = "event-notification"
            rows = unsent(session, row, spec.count)
            if not rows:
                return None
            last = rows[-1].number
            events = told(session, rows, spec=spec, access=access, subscription=row.id)
        state = "active" if kind != "handshake" else REQUESTED
        status = Status(row.id, spec.topic, state, row.events)
        text = notification(self._base, status, kind, events) if spec.content else ""
        return Message(spec, kind, text, last)

    async def _send(self, message: Message) -> bool:
        """Whether the subscriber took it."""
        headers = dict(message.spec.headers) | {"content-type": MEDIA_TYPE}
        timeout = min(float(message.spec.timeout), MOST_TIMEOUT)
        try:
            async with self._outbound.client(timeout=timeout, cap=1 << 16) as client:
                answer = await client.post(
                    message.spec.endpoint, content=message.text.encode(), headers=headers
                )
        except (CaretierError, httpx.HTTPError):
            return False
        return answer.is_success

    def _settle(self, key: str, message: Message, *, sent: bool, done: Done) -> None:
        """Keep what came of a notification, together with the end of its job."""
        became = ""
        with self._database.transaction() as session:
            row = _row(session, key, lock=True)
            if row is None:
                done(session)
                return
            if sent and done(session):
                became = self._delivered(session, row, message)
            elif not sent:
                row.failures += 1
                if row.failures >= MOST_FAILURES:
                    became = row.state = "error"
            identity = row.id
        if became:
            why = "Its endpoint does not take notifications." if became == "error" else ""
            say(self._store, identity, became, why)

    def _delivered(self, session: Session, row: SubscriptionRow, message: Message) -> str:
        row.failures = 0
        row.sent = max(row.sent, message.last)
        row.beat = datetime.now(UTC) + message.spec.quiet if message.spec.quiet else None
        begun = message.kind == "handshake"
        if begun:
            row.state = "active"
        if row.events > row.sent and message.kind != "heartbeat":
            self._add_job(session, JOB, next_job(row))
        return "active" if begun else ""

    def _stop(self, key: str, end: _End | None, done: Done) -> None:
        """End a job that has nothing to send, and a subscription that is over."""
        with self._database.transaction() as session:
            row = _row(session, key, lock=True)
            done(session)
            if row is None or end is None:
                return
            identity = row.id
            if end.state == "deleted":
                forget(session, identity)
                return
            row.state = end.state
        say(self._store, identity, end.state, end.why)


def _row(session: Session, key: str, *, lock: bool = False) -> SubscriptionRow | None:
    query = select(SubscriptionRow).where(SubscriptionRow.key == key)
    return session.scalar(query.with_for_update() if lock else query)
