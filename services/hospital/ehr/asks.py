"""What is asked of another record: types, and searches of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

ASKS = (
    """Patient AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport
    DocumentReference Encounter Goal Immunization MedicationDispense MedicationRequest Observation
    Procedure RelatedPerson ServiceRequest Specimen Location Medication Organization Practitioner
    PractitionerRole"""
).split()
"""What is read unless an operator says otherwise: the types of US Core."""


@dataclass(frozen=True)
class Ask:
    """What is read: a type, or a search of it (``Observation?category=laboratory``)."""

    text: str

    @property
    def kind(self) -> str:
        """The resource type."""
        return self.text.partition("?")[0]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Parameters of the search."""
        return parse_qsl(self.text.partition("?")[2], keep_blank_values=True)


def instant_text(moment: datetime) -> str:
    """A moment as the value of a search parameter."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
