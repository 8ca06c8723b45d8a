"""The cards for a request, decided here and now: for integrators, without server, key or trail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from compliance.errors import NotFoundError
from services.bricks.knowledge import Knowledge
from services.fhir.cds import Service, TrustedEhr
from services.fhir.cds.engine import Arrived, json_of, read_call
from services.fhir.cds.messages import CdsRequest, parsed
from services.fhir.cds.unchecked import unchecked
from services.hospital.cds.ledger import limited, ranked
from services.hospital.cds.services import all_services

NOBODY = TrustedEhr("dry-run", "urn:caretier:dry-run", "")


def dry_run(
    body: bytes, name: str | None = None, today: date | None = None
) -> list[dict[str, Any]]:
    """Decide on a request.

    Args:
        body: the request as JSON.
        name: id of the service; that of the request's hook when None.
        today: the day; that of the clock (UTC) when None.

    Raises:
        CdsRequestError: it is no call of the service.
        NotFoundError: there is no such service.
    """
    day = today or datetime.now(UTC).date()
    service = _service(body, name)
    arrived = Arrived(body, 0.0, "http://localhost")
    _, call = read_call(service, NOBODY, arrived, day)
    found = list(service.decide(call))
    found += unchecked(service, call.gathered, whole=True)
    return [decision.card.to_json() for decision in limited(ranked(found))]


@lru_cache(maxsize=1)
def _knowledge() -> Knowledge:
    return Knowledge.load("hospital")


def _service(body: bytes, name: str | None) -> Service[Any]:
    services = all_services(_knowledge)
    if name is None:
        hook = parsed(CdsRequest, json_of(body)).hook
        name = next((s.id for s in services.values() if s.hook == hook), hook)
    if name not in services:
        raise NotFoundError("There is no such service.")
    return services[name]
