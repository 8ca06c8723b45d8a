"""The patient's record as the rules of medicine safety read it, made of what a call brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from heapq import nlargest
from typing import Any

from services.consult.record import words
from services.consult.record.chart import PREGNANCY_STATUS, Chart
from services.consult.record.events import read_vaccines
from services.consult.record.reading import (
    codes,
    day_of,
    own_resources,
    read_allergies,
    read_conditions,
    read_medicines,
    ref_of,
)
from services.consult.record.results import read_results
from services.fhir.cds.prefetch import Gathered
from services.hospital.cds.kidney import estimated
from services.hospital.cds.names import as_known
from services.hospital.chart.source import Record

Resource = dict[str, Any]
KEPT_OF_A_TEST = 3
"""Newest results of one test that are read."""
LACTATION_DAYS = 365
"""How long an entry that says "breastfeeding" counts, in days."""
KIDNEY = ("egfr", "creatinine")
BLOOD = ("potassium", "sodium", "inr", "platelets")
"""Tests that the rules ask for, by their names in tests.yaml."""
BREASTFEEDING_STATUS = "63895-7"
_OVER = ("completed", "stopped", "cancelled", "entered-in-error", "draft", "not-taken")
STATUS = (PREGNANCY_STATUS, BREASTFEEDING_STATUS)
"""LOINC codes by which pregnancy and breastfeeding are recorded."""
_RESULTS = ("final", "amended", "corrected", "preliminary")
_YES = {"LA33-6", "373066001", "413712001"}
_LACTATING = {"413712001", "169741004", "Z39.1"}
_LISTS: Mapping[str, tuple[str, ...]] = {
    "Communication": ("identifier", "payload"),
    "Encounter": ("diagnosis", "reasonCode"),
    "ServiceRequest": ("performer", "reasonCode"),
}
"""Elements of types without a reader of their own that must be lists of objects, to be read."""
_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "Communication": ("meta", "sender"),
    "Condition": ("encounter",),
    "ServiceRequest": ("code",),
}
_READERS: Mapping[str, Callable[[list[Resource]], Iterable[object]]] = {
    "AllergyIntolerance": read_allergies,
    "Condition": read_conditions,
    "MedicationRequest": read_medicines,
    "MedicationStatement": read_medicines,
    "Observation": read_results,
    "Immunization": read_vaccines,
}


def newest_of(codes_: Iterable[str], count: int) -> str:
    """The prefetch template of the newest results with any of some LOINC codes."""
    listed = ",".join(f"http://loinc.org|{code}" for code in codes_)
    return f"Observation?patient={{{{context.patientId}}}}&code={listed}&_sort=-date&_count={count}"


def loinc_of(tests: Iterable[str]) -> tuple[str, ...]:
    """LOINC codes of tests by their names in tests.yaml."""
    table = words.data("tests")["tests"]
    return tuple(code for test in tests for code in table[test]["loinc"])


@dataclass(frozen=True)
class Lactation:
    """An entry that says that the patient is breastfeeding."""

    ref: str
    day: str | None


@dataclass(frozen=True)
class PatientRecord:
    """What is known of the patient.

    Attributes:
        resources: those that count, the Patient first.
        today: day on which it is read.
        estimated: id of the Observation that was computed from creatinine, by the reference of the
            creatinine result.
    """

    resources: tuple[Resource, ...]
    today: date
    estimated: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def chart(self) -> Chart:
        """As the rules read it."""
        return Chart(self.resources, self.today)

    @cached_property
    def by_ref(self) -> dict[str, Resource]:
        """Resources by reference."""
        return {ref_of(r): r for r in self.resources}

    @cached_property
    def lactation(self) -> Lactation | None:
        """The newest entry of the last year that says "breastfeeding"."""
        if self.chart.person.sex == "male":
            return None
        found = [
            Lactation(ref_of(r), day)
            for r in self.resources
            if _says_lactating(r)
            and (day := day_of(r, "effectiveDateTime", "onsetDateTime", "recordedDate"))
            and self.chart.within(day, LACTATION_DAYS)
        ]
        return max(found, key=lambda one: one.day or "", default=None)


def _says_lactating(resource: Resource) -> bool:
    if BREASTFEEDING_STATUS in codes(resource.get("code")):
        return bool(codes(resource.get("valueCodeableConcept")) & _YES)
    ended = codes(resource.get("clinicalStatus")) & {"resolved", "inactive", "remission"}
    return resource["resourceType"] == "Condition" and not ended and bool(
        codes(resource.get("code")) & _LACTATING
    )  # fmt: skip


def read_record(gathered: Gathered, today: date) -> PatientRecord:
    """Keep what counts and can be read; what cannot is counted in ``gathered``."""
    found: list[Resource] = []
    for resource in _newest(list(filter(_is_current, gathered.all)), today):
        made = _prepared(resource)
        if made is None:
            gathered.left_out["unreadable"] += 1
        else:
            found.append(made)
    if not any(r["resourceType"] == "Patient" for r in found):
        found.insert(0, {"resourceType": "Patient", "id": gathered.patient})
    kept = [dict(r) for r in own_resources(found)]
    chart = Chart(kept, today)
    computed = estimated(chart)
    if computed is None:
        return PatientRecord(tuple(kept), today)
    return PatientRecord((*kept, computed.resource), today, {computed.source: computed.ref})


def read_whole(gathered: Gathered) -> Record:
    """Keep all that counts and can be read, for the parts of the chart summary."""
    current = list(filter(_is_current, gathered.all))
    found = [made for made in map(_prepared, current) if made is not None]
    gathered.left_out["unreadable"] += len(current) - len(found)
    if not any(r["resourceType"] == "Patient" for r in found):
        found.insert(0, {"resourceType": "Patient", "id": gathered.patient})
    return Record([dict(r) for r in own_resources(found)])


def _is_current(resource: Resource) -> bool:
    """Whether it may count: what is plainly over is not even read, as a record can be long."""
    kind = resource["resourceType"]
    if kind in {"MedicationRequest", "MedicationStatement"}:
        return resource.get("status") not in _OVER
    if kind != "Condition":
        return True
    clinical = resource.get("clinicalStatus")
    return not (isinstance(clinical, Mapping) and _is_over(clinical))


def _is_over(clinical: Mapping[str, Any]) -> bool:
    found = clinical.get("coding")
    said = [c.get("code") for c in found if isinstance(c, dict)] if isinstance(found, list) else []
    return bool(said) and set(said) <= {"inactive", "resolved", "remission"}


def _prepared(resource: Resource) -> Resource | None:
    """A resource that every reader can read, codes without a name named; None for another."""
    try:
        made = _shaped(resource)
        for name in ("medicationCodeableConcept", "code"):
            if isinstance(made.get(name), Mapping) and made["resourceType"] != "Observation":
                made[name] = as_known(made[name])
        reader = _READERS.get(made["resourceType"])
        if reader is not None:
            list(reader([made]))
        if made["resourceType"] == "Patient":
            chart = Chart([made], date.max)
            _ = chart.person, chart.age_months
        codes(made.get("code"))
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
        return None
    return made


def _shaped(resource: Resource) -> Resource:
    """The resource itself.

    Raises:
        TypeError: an element that is read here has another shape.
    """
    kind = resource["resourceType"]
    for name in _LISTS.get(kind, ()):
        found = resource.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise TypeError(name)
    if any(not isinstance(resource.get(name, {}), dict) for name in _OBJECTS.get(kind, ())):
        raise TypeError(kind)
    return dict(resource)


def _newest(resources: list[Resource], today: date) -> list[Resource]:
    """Without Observations that no rule asks for, and without all but the newest of each."""
    kept: list[Resource] = []
    dated: dict[str, list[tuple[str, int, Resource]]] = {}
    for place, resource in enumerate(resources):
        if resource["resourceType"] != "Observation":
            kept.append(resource)
        elif (key := _asked(resource)) is not None:
            day = day_of(resource, "effectiveDateTime", "effectivePeriod", "issued") or ""
            if day <= today.isoformat():
                dated.setdefault(key, []).append((day, -place, resource))
    for series in dated.values():
        kept += [one[2] for one in nlargest(KEPT_OF_A_TEST, series, key=lambda one: one[:2])]
    return kept


def _asked(observation: Resource) -> str | None:
    """The code by which a rule asks for a result that counts; None for any other."""
    try:
        found = codes(observation.get("code")) & _wanted()
    except (AttributeError, TypeError):
        return ""  # to be read, and found to be unreadable
    good = observation.get("status") in _RESULTS
    return min(found) if found and good else None


@cache
def _wanted() -> frozenset[str]:
    return frozenset((*loinc_of((*KIDNEY, *BLOOD)), *STATUS))
