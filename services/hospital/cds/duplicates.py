"""The same twice: an ingredient, a class of which two are rarely meant, an order for a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.consult.record import words
from services.consult.record.reading import day_of, label, ref_of
from services.consult.record.tables import sources
from services.fhir.cds import Source
from services.hospital.cds.drafts import Draft
from services.hospital.cds.findings import Finding, Other
from services.hospital.cds.record import PatientRecord
from services.hospital.cds.tables import hazard

OPEN_DAYS = 90
"""How old an open order for the same service may be to count, in days."""


def twice(order: Draft, others: list[Other]) -> Iterator[Finding]:
    """What an order doubles, at most one finding for each other medicine."""
    groups = set(words.data("facts/duplicates")["classes"])
    for other in others:
        if other.ref in order.replaces:
            continue
        same = set(order.medicine.generics) & set(other.medicine.generics)
        alike = order.medicine.classes & other.medicine.classes & groups
        if same or alike:
            yield from _finding("duplicate-same" if same else "duplicate-group", order, other)


def _finding(rule: str, order: Draft, other: Other) -> Iterator[Finding]:
    known = hazard(rule)
    source = sources()[words.data("facts/duplicates")["source"]]
    if known is not None:
        named = Source(label=source.name, url=source.url)
        yield Finding(rule, known, order, other.ref, named, other)


def open_orders(order: Draft, record: PatientRecord) -> Iterator[Finding]:
    """Open orders of the record for the same service."""
    known = hazard("duplicate-order")
    for resource in record.resources:
        ref = ref_of(resource)
        if resource["resourceType"] != "ServiceRequest" or ref in {order.ref, *order.replaces}:
            continue
        if resource.get("status") not in {"active", "on-hold"}:
            continue
        day = day_of(resource, "authoredOn", "occurrenceDateTime")
        recent = day is None or record.chart.within(day, OPEN_DAYS)
        if known is not None and recent and _is_same(resource, order.resource):
            source = Source(label="The patient's record")
            yield Finding("duplicate-order", known, order, ref, source)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    shared = _keys(one.get("code")) & _keys(other.get("code"))
    named = words.fold(label(one.get("code")))
    return bool(shared) or (named != "" and named == words.fold(label(other.get("code"))))


def _keys(concept: Any) -> set[tuple[str, str]]:
    found = concept.get("coding") if isinstance(concept, Mapping) else None
    return {
        (str(c.get("system")), str(c["code"]))
        for c in (found if isinstance(found, list) else ())
        if isinstance(c, Mapping) and c.get("code")
    }
