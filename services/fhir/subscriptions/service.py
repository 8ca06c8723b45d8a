"""Everything that subscriptions need at one server, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from services.fhir import jsontext
from services.fhir.access import Access, ScopeError
from services.fhir.bulk.orders import AccessOf, AddJob
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.models import SubscriptionEventRow, SubscriptionRow
from services.fhir.store import FhirStore
from services.fhir.subscriptions.admission import Admission
from services.fhir.subscriptions.delivery import Delivery
from services.fhir.subscriptions.notification import Status, notification
from services.fhir.subscriptions.scan import Scan
from services.fhir.subscriptions.spec import CONTENTS, MAX_COUNT, Spec
from services.fhir.subscriptions.state import resource_of
from services.fhir.subscriptions.telling import told
from services.fhir.subscriptions.topics import Topics
from services.fhir.writer import Check
from services.store.database import Database
from services.web.outbound import Outbound


class Subscriptions:
    """Subscriptions of one store.

    Args:
        database: of the store.
        topics: that there are.
        access: evaluates anew what a subscriber may see under a grant.
        outbound: the way to subscribers.
        add_job: adds a job in a transaction.
        base: absolute URL of ``/fhir`` for the outside.
    """

    def __init__(
        self,
        database: Database,
        *,
        topics: Topics,
        access: AccessOf,
        outbound: Outbound,
        add_job: AddJob,
        base: str,
    ) -> None:
        self._database, self.topics = database, topics
        self._admission = Admission(topics, outbound, add_job)
        self.scan = Scan(database, topics, access, add_job)
        self.delivery = Delivery(
            database,
            FhirStore(database),
            topics=topics,
            access=access,
            outbound=outbound,
            add_job=add_job,
            base=base,
        )

    @property
    def checks(self) -> Mapping[str, Check]:
        """For the store that clients write to."""
        return {"Subscription": self._admission.check}

    def require_own(self, access: Access, identity: str) -> None:
        """Refuse a subscription that the caller did not make.

        Raises:
            ScopeError: the caller may read no Subscription.
            FhirNotFoundError: there is none of this id for this caller.
        """
        if not self._own(access, [identity], []):
            raise FhirNotFoundError("there is no such subscription for this caller")

    def statuses(self, base: str, access: Access, ids: Sequence[str], states: Sequence[str]) -> str:
        """A searchset of how the caller's subscriptions stand.

        Args:
            base: absolute URL of ``/fhir``.
            access: of the caller.
            ids: of subscriptions; empty for all.
            states: in which they are; empty for any.
        """
        with self._database.reading() as session:
            found = [
                Status(row.id, _topic(resource_of(session, row.id)), row.state, row.events)
                for row in self._own(access, ids, states)
            ]
        entries: list[dict[str, Any]] = []
        for status in found:
            parameters = status.parameters(base, "query-status")
            entries.append(
                {
                    "fullUrl": f"urn:uuid:{parameters['id']}",
                    "resource": parameters,
                    "search": {"mode": "match"},
                }
            )
        head = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return jsontext.dumps(head | ({"entry": entries} if entries else {}))

    def _own(
        self, access: Access, ids: Sequence[str], states: Sequence[str]
    ) -> list[SubscriptionRow]:
        access.require("Subscription", "r")
        if access.grant is None:
            raise ScopeError("Subscriptions are for programs that act for nobody.")
        query = select(SubscriptionRow).where(SubscriptionRow.client == access.grant.client)
        if ids:
            query = query.where(SubscriptionRow.id.in_(ids))
        if states:
            query = query.where(SubscriptionRow.state.in_(states))
        with self._database.reading() as session:
            return list(session.scalars(query.order_by(SubscriptionRow.id).limit(500)))

    def events(  # the parameters of the operation
        self, base: str, access: Access, identity: str, *, since: str, until: str, content: str
    ) -> str:
        """A notification of events that there were; at most `MAX_COUNT` at a time.

        Args:
            base: absolute URL of ``/fhir``.
            access: of the caller.
            identity: of the subscription.
            since: number of the first event.
            until: number of the last one; "" for all that there are.
            content: how much is told; "" for as much as the subscription says.

        Raises:
            FhirParameterError: a value cannot be used.
        """
        first, last = _number(since, "eventsSinceNumber"), _number(until, "eventsUntilNumber")
        if content and content not in CONTENTS:
            raise FhirParameterError("content must be empty, id-only or full-resource")
        with self._database.reading() as session:
            row = session.get_one(SubscriptionRow, identity)
            resource = resource_of(session, identity)
            if resource is None:
                raise FhirNotFoundError("there is no such subscription for this caller")
            query = (
                select(SubscriptionEventRow)
                .where(
                    SubscriptionEventRow.subscription == identity,
                    SubscriptionEventRow.number >= first,
                )
                .order_by(SubscriptionEventRow.number)
                .limit(MAX_COUNT)
            )
            if until:
                query = query.where(SubscriptionEventRow.number <= last)
            rows = session.scalars(query).all()
            spec = Spec.read(resource, self.topics)
            found = told(
                session, rows, spec=spec, access=access, subscription=identity, content=content
            )
            status = Status(identity, spec.topic, row.state, row.events)
        return notification(base, status, "query-event", found)


def _topic(resource: Mapping[str, Any] | None) -> str:
    criteria = str((resource or {}).get("criteria", ""))
    return criteria if ":" in criteria.partition("?")[0] else ""


def _number(text: str, name: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004
        raise FhirParameterError(f"{name} must be a number")
    return int(text or 0)
