"""Reads one person's resources from the FHIR store, as few of them as the summary needs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from services.consult.record.reading import codes, day_of
from services.fhir.models import ReferenceRow, ResourceRow
from services.store.database import Database

Resource = Mapping[str, Any]
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
SERIES = {"Observation": 4, "Encounter": 10, "Procedure": 10}
"""Newest entries that are kept of a series: of each code, of all encounters, of all procedures."""
DATES = (
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveInstant",
    "issued",
    "period",
    "performedDateTime",
    "performedPeriod",
)
_WRONG = {"entered-in-error": "error", "refuted": "refuted"}
_VOID = {"cancelled", "not-done", "noshow"}
_NO_ORDER = {"proposal", "plan", "option"}
_RESULTS = {"final", "amended", "corrected", "preliminary"}
_ANSWERS = {"survey", "social-history"}


@dataclass
class Record:
    """A person's resources that count, Patient first, and how many do not, by cause."""

    resources: list[Resource]
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def patient(self) -> Resource:
        """The Patient resource."""
        return self.resources[0]

    def of(self, *kinds: str) -> list[Resource]:
        """The resources of some types, in the order of the store."""
        return [r for r in self.resources if r.get("resourceType") in kinds]


def read_record(database: Database, patient: str, today: date) -> Record | None:
    """Read the record of one Patient; None when there is no such Patient.

    Args:
        database: with the tables of ``services.fhir``.
        patient: logical id.
        today: entries of a series that are dated later do not count.
    """
    with database.reading() as session:
        row = session.get(ResourceRow, ("Patient", patient))
        if row is None:
            return None
        texts = session.execute(_compartment(patient)).all()
        record = choose(json.loads(row.body), (json.loads(body) for (body,) in texts), today)
        record.resources += _medications(session, record.resources)
    return record


def _compartment(patient: str) -> Any:
    inside = and_(
        ReferenceRow.source_type == ResourceRow.type, ReferenceRow.source_id == ResourceRow.id
    )
    return (
        select(ResourceRow.body)
        .join(ReferenceRow, inside)
        .where(
            ReferenceRow.target_type == "Patient",
            ReferenceRow.target_id == patient,
            ReferenceRow.compartment == 1,
            ReferenceRow.source_type.in_(TYPES),
        )
    )


def _medications(session: Session, resources: Iterable[Resource]) -> Iterator[Resource]:
    """What the orders name by reference; a Medication is in nobody's compartment."""
    named = {str((r.get("medicationReference") or {}).get("reference", "")) for r in resources}
    ids = sorted(n.removeprefix("Medication/") for n in named if n.startswith("Medication/"))
    query = select(ResourceRow.body).where(
        ResourceRow.type == "Medication", ResourceRow.id.in_(ids)
    )
    return (json.loads(body) for body in session.scalars(query).all()) if ids else iter(())


def choose(patient: Resource, resources: Iterable[Resource], today: date) -> Record:
    """Keep what counts of a person's resources.

    Args:
        patient: the Patient resource.
        resources: of the types `TYPES`; a resource may come twice.
        today: see `read_record`.
    """
    record, series = Record([patient]), dict[str, list[Resource]]()
    mine = f"Patient/{patient['id']}"
    seen: set[tuple[str, str]] = set()
    for resource in resources:
        key = (resource["resourceType"], resource.get("id", ""))
        if key in seen:
            continue
        seen.add(key)
        if cause := _left_out(resource, mine):
            record.left_out[cause] += 1
        elif key[0] in SERIES:
            series.setdefault(_series_of(resource), []).append(resource)
        else:
            record.resources.append(resource)
    for name in sorted(series):
        record.resources += _newest(series[name], today)
    return record


def _left_out(resource: Resource, mine: str) -> str | None:
    """Why a resource does not count, or None."""
    about = resource.get("subject") or resource.get("patient")
    if about is not None and not f"/{about.get('reference', '')}".endswith(f"/{mine}"):
        return "other"
    said = {str(resource.get("status"))} | codes(resource.get("verificationStatus"))
    wrong = next((_WRONG[code] for code in sorted(said) if code in _WRONG), None)
    if wrong or said & _VOID:
        return wrong or "void"
    if resource.get("doNotPerform") is True or resource.get("intent") in _NO_ORDER:
        return "no-order"
    if resource["resourceType"] == "Observation" and resource.get("status") not in _RESULTS:
        return "unfinished"
    return None


def _series_of(resource: Resource) -> str:
    kind = str(resource["resourceType"])
    if kind != "Observation":
        return kind
    found = codes(resource.get("code")) or {str((resource.get("code") or {}).get("text", ""))}
    return f"{kind} {' '.join(sorted(found))}"


def _newest(series: Sequence[Resource], today: date) -> list[Resource]:
    limit = SERIES[str(series[0]["resourceType"])]
    dated = [(day_of(r, *DATES) or "", str(r.get("id", "")), r) for r in series]
    past = [item for item in dated if item[0] <= today.isoformat()]
    return [r for _, _, r in sorted(past, key=lambda item: item[:2], reverse=True)[:limit]]


def is_answer(resource: Resource) -> bool:
    """Whether an Observation is an answer to a questionnaire or social history."""
    return any(codes(category) & _ANSWERS for category in resource.get("category", ()))
