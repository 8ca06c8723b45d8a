"""What a subscriber is told of an event: as much as it asked for, and may see now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir._queries import owners
from services.fhir.access import Access, Disclosure
from services.fhir.bulk.kinds import allowed
from services.fhir.models import ResourceRow, SubscriptionEventRow, SubscriptionRow
from services.fhir.subscriptions.notification import Event
from services.fhir.subscriptions.scan import matching
from services.fhir.subscriptions.spec import MAX_COUNT, Spec


def unsent(session: Session, row: SubscriptionRow, count: int) -> Sequence[SubscriptionEventRow]:
    """The next events that a subscriber has not been told of."""
    query = (
        select(SubscriptionEventRow)
        .where(SubscriptionEventRow.subscription == row.id, SubscriptionEventRow.number > row.sent)
        .order_by(SubscriptionEventRow.number)
        .limit(min(count, MAX_COUNT))
    )
    return session.scalars(query).all()


def told(
    session: Session,
    rows: Sequence[SubscriptionEventRow],
    *,
    spec: Spec,
    access: Access,
    subscription: str,
    content: str = "",
) -> list[Event]:
    """The events with what their subscriber may see of them now, which is written down first.

    Of a resource that is gone, or that the subscriber may not see any more, only the number of the
    event is told.

    Args:
        session: to read with.
        rows: the events.
        spec: of the subscription.
        access: of the subscriber, now.
        subscription: id of it.
        content: how much is told, where not as the subscription says.

    Raises:
        AuditError: it could not be written down; nothing may be told.
    """
    wanted = content or spec.content
    keys = [(row.type, row.resource) for row in rows]
    seen = {} if wanted in {"empty", ""} else _visible(session, keys, spec, access)
    if seen:
        whose = owners(session, list(seen))
        people = tuple(sorted(frozenset[str]().union(*whose.values())))
        what = f"Subscription/{subscription}"
        access.disclose(Disclosure("export", what, people, what, len(seen)))
    return [
        Event.of(row, wanted, seen[row.type, row.resource])
        if (row.type, row.resource) in seen
        else Event(row.number, row.occurred)
        for row in rows
    ]


def _visible(
    session: Session, keys: Sequence[tuple[str, str]], spec: Spec, access: Access
) -> dict[tuple[str, str], str]:
    """Texts of the resources that a subscriber may see now, and that still match."""
    found: dict[tuple[str, str], str] = {}
    for search in spec.searches:
        ids = [identity for kind, identity in keys if kind == search[0]]
        if not ids or not allowed(access, search[0]):
            continue
        query: Any = select(ResourceRow.type, ResourceRow.id, ResourceRow.body).where(
            ResourceRow.id.in_(ids), *matching(access, search)
        )
        for kind, identity, body in session.execute(query):
            found[kind, identity] = body
    return found
