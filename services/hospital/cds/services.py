"""The services that are offered; ``order-dispatch`` and ``appointment-book`` are not."""

from __future__ import annotations

from typing import Any

from services.fhir.cds import Service
from services.hospital.cds.orders import order_services
from services.hospital.cds.view import patient_view


def all_services() -> dict[str, Service[Any]]:
    """Every service by its id."""
    made: list[Service[Any]] = [patient_view(), *order_services()]
    return {service.id: service for service in made}
