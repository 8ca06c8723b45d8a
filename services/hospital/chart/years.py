"""One year of a record, read in full; of the other years only how much they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from services.consult.record.reading import day_of
from services.fhir.models import ResourceRow
from services.hospital.chart.source import Record, counting
from services.hospital.chart.stored import Stored, compartment, medications
from services.store.database import Database

Kind = Literal[
    "visits", "problems", "medicines", "results", "procedures", "vaccines", "referrals",
    "allergies", "documents",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_OF: Mapping[str, Kind] = {
    "Encounter": "visits",
    "Condition": "problems",
    "MedicationRequest": "medicines",
    "MedicationStatement": "medicines",
    "Observation": "results",
    "Procedure": "procedures",
    "Immunization": "vaccines",
    "ServiceRequest": "referrals",
    "AllergyIntolerance": "allergies",
    "DocumentReference": "documents",
    "DiagnosticReport": "documents",
    "Communication": "documents",
}
DATES = (
    "onsetDateTime", "onsetPeriod", "authoredOn", "occurrenceDateTime", "effectiveDateTime",
    "effectivePeriod", "effectiveInstant", "performedDateTime", "performedPeriod", "period",
    "date", "sent", "recordedDate", "dateAsserted", "issued",
)  # fmt: skip
YEAR_CHARS = 4


@dataclass(frozen=True)
class Shown:
    """What is asked for: one kind of entry or all, one year or the newest that has something."""

    kind: Kind | None = None
    year: int | None = None


EVERYTHING = Shown()


@dataclass(frozen=True)
class Year:
    """The resources of one year (None where there is none), and how many each year has."""

    year: int | None
    kind: Kind | None
    record: Record
    counts: Mapping[int, int]


def read_year(database: Database, patient: str, today: date, shown: Shown) -> Year | None:
    """Read what a record holds of one year; None when there is no such Patient.

    Args:
        database: with the tables of ``services.fhir``.
        patient: logical id.
        today: what is dated later does not count.
        shown: which kind and year.
    """
    types = [name for name, of in KIND_OF.items() if shown.kind in {None, of}]
    with database.reading() as session:
        row = session.get(ResourceRow, ("Patient", patient))
        if row is None:
            return None
        person = Stored("Patient", patient, row.body).read()
        dated = _dated(compartment(session, patient, types), today)
        counts = Counter(int(day[:YEAR_CHARS]) for day, _ in dated)
        year = max(counts, default=None) if shown.year is None else shown.year
        record = counting(person, (one for day, one in dated if int(day[:YEAR_CHARS]) == year))
        record.resources += medications(session, record.resources)
    return Year(year, shown.kind, record, counts)


def _dated(stored: Iterator[Stored], today: date) -> list[tuple[str, Stored]]:
    """The entries with a day up to today."""
    found = ((item.quick_day() or day_of(item.read(), *DATES) or "", item) for item in stored)
    return [(day, item) for day, item in found if day and day <= today.isoformat()]
