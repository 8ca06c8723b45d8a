"""One person's resources that count: as few of them as the summary needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.consult.record.reading import codes, day_of
from services.fhir.models import ResourceRow
from services.hospital.chart.stored import DATES, Stored, compartment, medications
from services.hospital.chart.trim import trim
from services.store.database import Database

Resource = dict[str, Any]
SERIES = {"Observation": 4, "Encounter": 10, "Procedure": 10}
"""Newest entries that are kept of a series: of each code, of all encounters, of all procedures."""
HEAD = ("AllergyIntolerance",)
"""Types that are in view on every page of a chart."""
TREND_POINTS = 120
"""Newest results of each code that a trend shows."""
_WRONG = {"entered-in-error": "error", "refuted": "refuted"}
_VOID = {"cancelled", "not-done", "noshow"}
_NO_ORDER = {"proposal", "plan", "option"}
_RESULTS = {"final", "amended", "corrected", "preliminary"}
_ANSWERS = {"survey", "social-history"}


@dataclass
class Record:
    """A person's resources that count, Patient first, and how many do not, by cause.

    ``older`` are entries of long series that were not read, because newer ones are enough.
    """

    resources: list[Resource]
    left_out: Counter[str] = field(default_factory=Counter)
    older: int = 0

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
        person = Stored("Patient", patient, row.body).read()
        record = choose(person, compartment(session, patient), today)
        record.resources[1:] = trim(record.resources[1:], today)
        record.resources += medications(session, record.resources)
    return record


def read_results(database: Database, patient: str, today: date) -> Record | None:
    """Read results, long series further back, and allergies of one Patient; see `read_record`."""
    with database.reading() as session:
        row = session.get(ResourceRow, ("Patient", patient))
        if row is None:
            return None
        person = Stored("Patient", patient, row.body).read()
        stored = compartment(session, patient, ("Observation", *HEAD))
        return choose(person, stored, today, {"Observation": TREND_POINTS})


def read_whole(database: Database, patient: str, today: date) -> Record | None:
    """Read what a question may be about: all that counts, long series of results further back."""
    with database.reading() as session:
        row = session.get(ResourceRow, ("Patient", patient))
        if row is None:
            return None
        person = Stored("Patient", patient, row.body).read()
        kept = {"Observation": TREND_POINTS, "Encounter": TREND_POINTS, "Procedure": TREND_POINTS}
        record = choose(person, compartment(session, patient), today, kept)
        record.resources += medications(session, record.resources)
    return record


def read_head(database: Database, patient: str) -> Record | None:
    """Read what stands above every page of a chart: who it is, and their allergies."""
    with database.reading() as session:
        row = session.get(ResourceRow, ("Patient", patient))
        if row is None:
            return None
        person = Stored("Patient", patient, row.body).read()
        return counting(person, compartment(session, patient, HEAD))


def choose(
    patient: Resource,
    stored: Iterable[Stored],
    today: date,
    newest: Mapping[str, int] = SERIES,
) -> Record:
    """Keep what counts of a person's resources.

    Args:
        patient: the Patient resource.
        stored: their resources.
        today: see `read_record`.
        newest: how many are kept of each series, by type.
    """
    sieve = _Sieve(Record([patient]), f"Patient/{patient['id']}")
    series: dict[str, list[tuple[str, Stored]]] = {}
    for item in stored:
        if item.kind not in newest:
            sieve.keep(item.read())
            continue
        day = item.quick_day()
        resource = None if day else item.read()
        if resource is None or sieve.counts(resource):
            day = day or day_of(resource or {}, *DATES) or ""
            series.setdefault(f"{item.kind} {item.code}", []).append((day, item))
    for name in sorted(series):
        past = [one for one in series[name] if one[0] <= today.isoformat()]
        ordered = sorted(past, key=lambda one: (one[0], one[1].id), reverse=True)
        sieve.keep_newest((one for _, one in ordered), newest[name.split()[0]])
    return sieve.record


def counting(patient: Resource, stored: Iterable[Stored]) -> Record:
    """All of a person's resources that count."""
    sieve = _Sieve(Record([patient]), f"Patient/{patient['id']}")
    for item in stored:
        sieve.keep(item.read())
    return sieve.record


@dataclass
class _Sieve:
    """Lets resources pass that count, and counts the others once each."""

    record: Record
    mine: str
    _seen: set[str] = field(default_factory=set)

    def counts(self, resource: Resource) -> bool:
        """Whether a resource counts; if not, its cause is counted."""
        cause = _left_out(resource, self.mine)
        key = f"{resource['resourceType']}/{resource.get('id')}"
        if cause and key not in self._seen:
            self._seen.add(key)
            self.record.left_out[cause] += 1
        return cause is None

    def keep(self, resource: Resource) -> bool:
        """Keep a resource if it counts."""
        good = self.counts(resource)
        if good:
            self.record.resources.append(resource)
        return good

    def keep_newest(self, newest_first: Iterator[Stored], limit: int) -> None:
        """Keep the first so many that count; the others are not even read."""
        kept = 0
        while kept < limit and (stored := next(newest_first, None)) is not None:
            kept += self.keep(stored.read())
        self.record.older += sum(1 for _ in newest_first)


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


def is_answer(resource: Mapping[str, Any]) -> bool:
    """Whether an Observation is an answer to a questionnaire or social history."""
    return any(codes(category) & _ANSWERS for category in resource.get("category", ()))
