"""The Subscription resources behind the rows, and what becomes of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.fhir import jsontext
from services.fhir._prepare import prepare
from services.fhir.errors import FhirPreconditionError
from services.fhir.models import ResourceRow, SubscriptionEventRow, SubscriptionRow
from services.fhir.store import FhirStore


def resource_of(session: Session, identity: str) -> dict[str, Any] | None:
    """The Subscription with an id; None when it was deleted."""
    text = session.scalar(
        select(ResourceRow.body).where(
            ResourceRow.type == "Subscription", ResourceRow.id == identity
        )
    )
    return None if text is None else jsontext.loads(text)


def forget(session: Session, identity: str) -> None:
    """Forget a subscription whose resource was deleted."""
    session.execute(delete(SubscriptionRow).where(SubscriptionRow.id == identity))
    of = SubscriptionEventRow.subscription == identity
    session.execute(delete(SubscriptionEventRow).where(of))


def say(store: FhirStore, identity: str, status: str, error: str = "") -> None:
    """Write into a Subscription how it stands; not over what its client wrote meanwhile."""
    entry = store.entry("Subscription", identity)
    if entry is None:
        return
    resource = jsontext.loads_exact(entry.text)
    resource["status"] = status
    resource.pop("error", None)
    if error:
        resource["error"] = error
    item = prepare(jsontext.dumps(resource))
    try:
        store.write(lambda writer: writer.update(item, match=lambda v: v == entry.version))
    except FhirPreconditionError:
        return
