"""One person's whole record, in pages.

Patient first, then what is in the patient's compartment, then who and what is named in it: the
order of `place`. A page begins behind the last resource of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from services.fhir._queries import SUPPORTING, Key, among, chunks, rows, supports
from services.fhir.errors import FhirParameterError
from services.fhir.models import ReferenceRow, ResourceRow
from services.fhir.references import THROUGH
from services.fhir.results import Entry
from services.fhir.search.compile import instant_text
from services.fhir.search.controls import MAX_COUNT, Pair
from services.fhir.search.moments import span
from services.fhir.validate import resource_types
from services.fhir.visible import of_record


@dataclass(frozen=True)
class Asked:
    """What is asked of a record.

    Attributes:
        patient: id of the Patient.
        pairs: names and values of the request.
        types: resource types, () for all.
        since: instant as in the tables, at or after which a resource was written; "" for ever.
        count: resources on a page, None for all at once.
    """

    patient: str
    pairs: tuple[Pair, ...] = ()
    types: tuple[str, ...] = ()
    since: str = ""
    count: int | None = None


@dataclass(frozen=True)
class RecordPage:
    """One page of a record; ``next`` is the cursor of the next one."""

    asked: Asked
    entries: tuple[Entry, ...]
    total: int
    next: str | None


def read_asked(patient: str, pairs: Sequence[Pair]) -> Asked:
    """Read the parameters of ``$everything``.

    Raises:
        FhirParameterError: one is unknown, given twice, or has a value that cannot be used.
    """
    given = dict(pairs)
    if len(given) < len(pairs):
        raise FhirParameterError("a parameter of $everything may be given once")
    if set(given) - {"_since", "_type", "_count", "_format", "_pretty"}:
        raise FhirParameterError("$everything takes _since, _type and _count")
    types = tuple(given["_type"].split(",")) if "_type" in given else ()
    if not set(types) <= resource_types():
        raise FhirParameterError("_type must be resource types, parted by commas")
    return Asked(patient, tuple(pairs), types, _since(given), _count(given))


def _since(given: dict[str, str]) -> str:
    if "_since" not in given:
        return ""
    found = span(given["_since"].replace(" ", "+"))
    if found is None or "T" not in given["_since"]:
        raise FhirParameterError("_since must be an instant such as 2024-05-31T08:30:00Z")
    return instant_text(found[0])


def _count(given: dict[str, str]) -> int | None:
    if "_count" not in given:
        return None
    text = given["_count"]
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise FhirParameterError(f"_count must be 1 to {MAX_COUNT}")
    return min(int(text[:9]), MAX_COUNT)


def record_keys(session: Session, patient: str) -> list[Key]:
    """Return the keys of one person's record in order; none where there is no such Patient."""
    if session.get(ResourceRow, ("Patient", patient)) is None:
        return []
    mine = aliased(ReferenceRow)
    compartment = (
        select(mine.source_type, mine.source_id)
        .where(mine.target_type == "Patient", mine.target_id == patient, mine.compartment == 1)
        .distinct()
        .order_by(mine.source_type, mine.source_id)
    )
    keys: dict[Key, None] = {("Patient", patient): None}
    keys.update(((kind, key), None) for kind, key in session.execute(compartment))
    for kind in THROUGH:
        inside = select(ResourceRow.id).where(ResourceRow.type == kind, of_record(patient, kind))
        keys.update(((kind, key), None) for key in session.scalars(inside.order_by(ResourceRow.id)))
    own, frontier, named = list(keys), list(keys), set[Key]()
    while frontier:
        frontier = [k for k in supports(session, frontier) if k not in keys and k not in named]
        named.update(frontier)
    return [*own, *sorted(named)]


def place(key: Key) -> tuple[int, str, str]:
    """Where in a record a resource stands."""
    group = 0 if key[0] == "Patient" else 2 if key[0] in SUPPORTING else 1
    return group, *key


def chosen(session: Session, asked: Asked) -> list[Key] | None:
    """Return the keys that are asked for, in order; None where there is no such Patient."""
    keys = record_keys(session, asked.patient)
    if not keys:
        return None
    keys = [key for key in keys if not asked.types or key[0] in asked.types]
    if asked.since:
        late: set[Key] = set()
        for chunk in chunks(keys):
            query = select(ResourceRow.type, ResourceRow.id).where(
                among(ResourceRow.type, ResourceRow.id, chunk),
                ResourceRow.updated >= asked.since,
            )
            late.update((kind, identity) for kind, identity in session.execute(query))
        keys = [key for key in keys if key in late]
    return sorted(keys, key=place)


def entries_of(session: Session, keys: Sequence[Key]) -> tuple[Entry, ...]:
    """Return the resources of ``keys``, in their order."""
    found = {(row.type, row.id): row for row in rows(session, keys)}
    return tuple(_entry(found[key]) for key in keys if key in found)


def _entry(row: ResourceRow) -> Entry:
    return Entry(row.type, row.id, row.version, datetime.fromisoformat(row.updated), row.body)
