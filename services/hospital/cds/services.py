"""The services that are offered; ``order-dispatch`` and ``appointment-book`` are not."""

from __future__ import annotations

from typing import Any

from services.fhir.cds import Service
from services.hospital.cds.discharge import KnowledgeOf, encounter_discharge
from services.hospital.cds.orders import order_services
from services.hospital.cds.view import patient_view


def all_services(knowledge: KnowledgeOf) -> dict[str, Service[Any]]:
    """Every service by its id.

    Args:
        knowledge: what may be quoted to patients.
    """
    made: list[Service[Any]] = [
        patient_view(),
        *order_services(),
        encounter_discharge(knowledge),
    ]
    return {service.id: service for service in made}
