"""Reading one person's record from a FHIR server, type by type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.fhir.client import Failure, FhirClient, FhirServerError
from services.fhir.client.answers import Resource

KINDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("AllergyIntolerance", ()),
    ("Condition", ()),
    ("MedicationRequest", (("_include", "MedicationRequest:medication"),)),
    ("Observation", (("category", "laboratory"),)),
    ("Observation", (("category", "vital-signs"),)),
    ("Observation", (("category", "social-history"),)),
    ("Immunization", ()),
    ("Procedure", ()),
    ("Encounter", ()),
    ("DiagnosticReport", ()),
    ("DocumentReference", ()),
    ("CarePlan", ()),
    ("CareTeam", ()),
    ("Goal", ()),
    ("Device", ()),
    ("Coverage", ()),
    ("Appointment", ()),
    ("ServiceRequest", ()),
)
"""What is asked for: types of US Core; Observations by category, as many servers want it."""


@dataclass
class Read:
    """What was read.

    Attributes:
        resources: by ``Type/id``, the Patient first.
        failures: what could not be had.
        whole: types that were read to their end; what is missing there now is gone.
    """

    resources: dict[str, Resource] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)

    def add(self, resource: Resource) -> None:
        """Keep a resource once."""
        self.resources[f"{resource['resourceType']}/{resource['id']}"] = resource


async def read_record(
    client: FhirClient, patient: str, told: Callable[[dict[str, Any]], None]
) -> Read:
    """Read a record; a type that cannot be had does not stop the others.

    Args:
        client: of the server.
        patient: id of the Patient there.
        told: called with ``step``, ``steps``, ``kind`` and ``count`` as it goes on.

    Raises:
        FhirServerError: not even the Patient can be had.
    """
    read = Read()
    read.add(await client.read("Patient", patient))
    broken: set[str] = set()
    for step, (kind, narrowed) in enumerate(KINDS):
        told({"step": step, "steps": len(KINDS), "kind": kind, "count": len(read.resources)})
        search = client.search(kind, [("patient", patient), *narrowed])
        try:
            async for resource in search:
                read.add(resource)
        except FhirServerError as error:
            read.failures.append(Failure(kind, error.kind, error.passing))
            broken.add(kind)
            continue
        for resource in search.included:
            read.add(resource)
        read.failures += search.failures
        if not search.complete or search.failures:
            broken.add(kind)
    read.whole = {kind for kind, _ in KINDS} - broken
    return read
