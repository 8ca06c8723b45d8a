"""What an entry of the record is called on a card: what it says, since when, where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.consult.record.reading import (
    Allergy,
    Condition,
    Medicine,
    Result,
    codes,
    day_of,
    label,
)
from services.fhir.cds.markdown import fill
from services.hospital.cds.findings import Finding
from services.hospital.cds.record import PatientRecord

TODDLER_MONTHS = 36
"""Below this an age is said in months."""
_DOUBTFUL = {"unconfirmed", "provisional", "differential", "presumed"}


def short(finding: Finding, record: PatientRecord) -> str | None:
    """What stands beside the order in a summary: a medicine, or what was recorded."""
    if finding.other is not None:
        return finding.other.medicine.name
    found = _entries(record).get(finding.ref)
    if isinstance(found, Result):
        return f"{_test(found, record)} {found.value}"
    return found.name if isinstance(found, Allergy | Condition) else None


def line(finding: Finding, record: PatientRecord) -> str:
    """One line of Markdown: the entry by which a rule fired, with its day and reference."""
    ref, other = finding.ref, finding.other
    if other is not None and other.ordered:
        return fill("Also being ordered: {name}", name=other.medicine.name)
    found = _entries(record).get(ref)
    if found is not None:
        return _entry(found, record)
    if ref and ref == record.chart.patient_ref:
        return fill("Age: {age} ({ref})", age=_age(record), ref=ref)
    resource = record.by_ref.get(ref)
    return _of(resource, ref) if resource is not None else "The order itself"


def _entry(found: Allergy | Condition | Medicine | Result, record: PatientRecord) -> str:
    if isinstance(found, Allergy):
        return _allergy(found, record)
    if isinstance(found, Result):
        return _result(found, record)
    kind, word = ("Active medicine", "ordered") if isinstance(found, Medicine) else (
        "Condition", "since")  # fmt: skip
    return fill("{kind}: {name}", kind=kind, name=found.name) + _where(word, found.day, found.ref)


def _of(resource: Mapping[str, object], ref: str) -> str:
    kind = {"ServiceRequest": "Open order"}.get(str(resource["resourceType"]), "Recorded")
    name = label(resource.get("code")) or str(resource["resourceType"])
    day = day_of(resource, "authoredOn", "effectiveDateTime", "onsetDateTime", "recordedDate")
    return fill("{kind}: {name}", kind=kind, name=name) + _where("dated", day, ref)


def _allergy(found: Allergy, record: PatientRecord) -> str:
    doubtful = codes(record.by_ref[found.ref].get("verificationStatus")) & _DOUBTFUL
    kind = "Intolerance" if found.intolerance else "Allergy"
    said = fill("{kind}: {name}", kind=kind, name=found.name)
    if found.reactions:
        said += fill(" (reaction: {list})", list=", ".join(found.reactions[:4]))
    return said + (", unconfirmed" if doubtful else "") + _where("recorded", found.day, found.ref)


def _result(found: Result, record: PatientRecord) -> str:
    said = fill("{name}: {value}", name=_test(found, record), value=found.value)
    source = next((c for c, made in record.estimated.items() if _is(found, made)), None)
    if source is None:
        return said + _where("of", found.day, found.ref)
    given = _entries(record)[source]
    value = given.value if isinstance(given, Result) else ""
    computed = fill(", estimated by CKD-EPI 2021 from creatinine {value}", value=value)
    return said + computed + _where("of", found.day, source)


def _is(found: Result, ref: str) -> bool:
    return found.ref == ref


def _test(found: Result, record: PatientRecord) -> str:
    if any(_is(found, made) for made in record.estimated.values()) or found.test == "egfr":
        return "eGFR"
    return found.name or str(found.test)


def _where(word: str, day: str | None, ref: str) -> str:
    dated = f", {word} {{day}}" if day else ", not dated"
    return fill(dated + " ({ref})", day=day or "", ref=ref)


def _age(record: PatientRecord) -> str:
    months = record.chart.age_months or 0
    return f"{months} months" if months < TODDLER_MONTHS else f"{months // 12} years"


def _entries(record: PatientRecord) -> dict[str, Allergy | Condition | Medicine | Result]:
    return {entry.ref: entry for entry in _all(record)}


def _all(record: PatientRecord) -> Iterator[Allergy | Condition | Medicine | Result]:
    chart = record.chart
    yield from chart.results
    yield from chart.conditions
    yield from chart.medicines
    yield from chart.allergies
