"""Taking a Subscription that a client writes: what is judged, and what is begun."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir.access import Access, ScopeError
from services.fhir.bulk.kinds import allowed
from services.fhir.bulk.orders import AddJob
from services.fhir.errors import Fault, FhirInvalidError
from services.fhir.models import ClockRow, SubscriptionRow
from services.fhir.results import Entry, Issue
from services.fhir.subscriptions.spec import Spec
from services.fhir.subscriptions.topics import Topics
from services.web.outbound import Outbound, OutboundRefusedError

JOB = "subscription"
REQUESTED = "requested"


class Admission:
    """Judges Subscriptions as they are written (a check of `services.fhir.writer`).

    Args:
        topics: that there are.
        outbound: says which addresses may be called.
        add_job: adds a job in the transaction of the write.
    """

    def __init__(self, topics: Topics, outbound: Outbound, add_job: AddJob) -> None:
        self._topics, self._outbound, self._add_job = topics, outbound, add_job

    def check(self, session: Session, entry: Entry, access: Access) -> Sequence[Issue]:
        """Take a Subscription: its endpoint is called before it counts.

        Raises:
            FhirInvalidError: it asks for what is not done, or for an address that is not called.
            ScopeError: a person writes it, or a client that may not see what it asks for.
        """
        resource = entry.resource
        spec = Spec.read(resource, self._topics)
        if access.grant is None or access.relation is not None:
            raise ScopeError("Subscriptions are for programs that act for nobody.")
        for kind, _ in spec.searches:
            if not allowed(access, kind):
                raise ScopeError(f"The scopes of this client do not cover {kind}.")
        self._require_endpoint(spec)
        asked = resource.get("status")
        if asked not in {REQUESTED, "off"}:
            rule = "must be requested, or off: the server sets the others"
            raise FhirInvalidError((Fault("Subscription.status", rule),))
        row = session.get(SubscriptionRow, entry.id) or _new(session, entry.id)
        row.client, row.scopes = access.grant.client, access.grant.scopes
        row.state, row.version, row.failures, row.beat = asked, entry.version, 0, None
        session.add(row)
        session.flush()
        if asked == REQUESTED:
            self._add_job(session, JOB, f"{row.key}:v{entry.version}")
        return ()

    def _require_endpoint(self, spec: Spec) -> None:
        try:
            self._outbound.check(spec.endpoint)
        except OutboundRefusedError as error:
            fault = Fault("Subscription.channel.endpoint", error.message)
            raise FhirInvalidError((fault,)) from None


def _new(session: Session, identity: str) -> SubscriptionRow:
    """A subscription to what comes after this write."""
    place = session.scalar(select(ClockRow.sequence)) or 0
    return SubscriptionRow(id=identity, key=uuid4().hex, since=place, events=0, sent=0)
