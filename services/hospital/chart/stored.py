"""The texts of a record as the store gives them, read only as far as the summary needs.

Reading the JSON of ten thousand resources takes longer than everything else together, and of a
long series only the newest entries are shown. So entries of a series are ordered by a date that is
looked up in the text, and read from the newest on; whatever could make that date wrong, or the
entry void, is read in full first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from services.fhir.models import ReferenceRow, ResourceRow, TokenRow

TYPES = (
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Encounter",
    "Immunization",
    "ImmunizationRecommendation",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "ServiceRequest",
)
DATES = (
    "effectiveDateTime",
    "performedDateTime",
    "effectivePeriod",
    "performedPeriod",
    "period",
    "effectiveInstant",
    "issued",
)
"""Elements that date an entry of a series, the most telling first."""
_PERIODS = {"effectivePeriod", "performedPeriod", "period"}
_DAY = re.compile(r'\s*:\s*(?:\{\s*"start"\s*:\s*)?"(\d{4}[^"]*)"')
_SOUND = {"Observation": '"final"', "Encounter": '"finished"', "Procedure": '"completed"'}
"""A status that is found early in the text of an entry that counts; others are read in full."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as text; ``code`` is what an Observation measures, "" where that is not known."""

    kind: str
    id: str
    text: str
    code: str = ""

    def read(self) -> dict[str, Any]:
        """The resource as Python values."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def quick_day(self) -> str | None:
        """The day by the text alone; None where the resource has to be read to be sure of it."""
        if _SOUND.get(self.kind, "\0") not in self.text or '"contained"' in self.text:
            return None
        for name in DATES:
            at = self.text.find(f'"{name}"')
            if at >= 0:
                found = _DAY.match(self.text, at + len(name) + 2)
                sure = found and (name not in _PERIODS or self.text.count('"start"') == 1)
                return found[1][:10] if found and sure else None
        return None


def compartment(session: Session, patient: str, types: Sequence[str] = TYPES) -> Iterator[Stored]:
    """The resources of some types that belong to a Patient, each once."""
    inside = (
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == patient,
        ReferenceRow.compartment == 1,
    )
    codes = _codes(session, inside) if "Observation" in types else {}
    own = and_(
        ReferenceRow.source_type == ResourceRow.type, ReferenceRow.source_id == ResourceRow.id
    )
    query = select(ResourceRow.type, ResourceRow.id, ResourceRow.body).join(ReferenceRow, own)
    rows = session.execute(query.where(*inside, ReferenceRow.source_type.in_(types)))
    seen: set[tuple[str, str]] = set()
    for kind, id_, body in rows:
        if (kind, id_) not in seen:
            seen.add((kind, id_))
            yield Stored(kind, id_, body, codes.get(id_, ""))


def _codes(session: Session, inside: Iterable[Any]) -> dict[str, str]:
    """The codes of each Observation, as one text."""
    mine = select(ReferenceRow.source_id).where(*inside, ReferenceRow.source_type == "Observation")
    query = select(TokenRow.source_id, TokenRow.code).where(
        TokenRow.source_type == "Observation",
        TokenRow.source_id.in_(mine),
        TokenRow.parameter == "code",
    )
    found: dict[str, str] = {}
    for id_, code in sorted((row[0], row[1]) for row in session.execute(query)):
        found[id_] = f"{found[id_]} {code}" if id_ in found else code
    return found


def medications(session: Session, resources: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What orders name by reference; a Medication is in nobody's compartment."""
    named = {str((r.get("medicationReference") or {}).get("reference", "")) for r in resources}
    ids = sorted(n.removeprefix("Medication/") for n in named if n.startswith("Medication/"))
    for start in range(0, len(ids), 400):  # below every database's limit of parameters
        chunk = ids[start : start + 400]
        query = select(ResourceRow.body).where(
            ResourceRow.type == "Medication", ResourceRow.id.in_(chunk)
        )
        yield from (json.loads(body) for body in session.scalars(query).all())
