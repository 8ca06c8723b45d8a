"""From FHIR JSON to what the rules need: typed, current, and only of the person themself.

Resources that were entered in error, refuted or cancelled are left out, as are resources whose
subject is another Patient than the one of the record. Nothing is added: a missing value is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.consult.messages import is_entered
from services.consult.record import words
from services.fhir.references import links

_WITHDRAWN = {"entered-in-error", "cancelled", "refuted", "not-done"}
_NOT_ORDERED = {"proposal", "plan", "option"}
_NO_ALLERGY = {"716186003", "409137002", "428607008", "429625007"}
_NOT_A_CONDITION = re.compile(
    r"\b(family history|history of|risk of|at risk|screening|suspected)\b"
)


@dataclass(frozen=True)
class Item:
    """What every entry has: FHIR reference, name as recorded, and day (ISO date) if known."""

    ref: str
    name: str
    day: str | None

    @property
    def entered(self) -> bool:
        """Whether the person entered it, and no record shows it."""
        return is_entered(self.ref)


@dataclass(frozen=True)
class Condition(Item):
    """A diagnosis; ``day`` is its onset, ``keys`` what conditions.yaml calls it."""

    keys: frozenset[str]
    active: bool
    unconfirmed: bool
    finding: bool
    staged: bool = False


@dataclass(frozen=True)
class Medicine(Item):
    """An order; ``generics`` are names of medicines.yaml, ``day`` when it was written.

    ``prescriber`` is the name of who wrote it, which must not travel.
    """

    generics: tuple[str, ...]
    classes: frozenset[str]
    active: bool
    on_hold: bool
    dose: str | None
    reasons: tuple[str, ...]
    prescriber: str | None = None

    @property
    def called(self) -> str:
        """The generic name where known, else the name as recorded."""
        return " and ".join(self.generics) if self.generics else self.name


@dataclass(frozen=True)
class Allergy(Item):
    """An allergy or intolerance; ``none`` marks an entry that says that there is no allergy."""

    generics: tuple[str, ...]
    classes: frozenset[str]
    reactions: tuple[str, ...]
    severe: bool
    intolerance: bool
    none: bool


@dataclass(frozen=True)
class Result(Item):
    """One result; ``value`` is its text with unit, ``flag`` one of high, low, normal or None.

    ``low`` and ``high`` are the bounds of its reference range in its own unit, ``parts`` the
    numbers of a reading that has several (systolic and diastolic pressure).
    """

    test: str | None
    value: str
    number: float | None
    unit: str
    span: str | None
    target: bool
    flag: str | None
    critical: bool
    preliminary: bool
    low: float | None = None
    high: float | None = None
    parts: tuple[float, ...] = ()


def own_resources(resources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the resources without those of another patient and those that were withdrawn."""
    patients = [r["id"] for r in resources if r.get("resourceType") == "Patient" and "id" in r]
    kept = []
    for resource in resources:
        subjects = {link.target_id for link in links(resource) if link.compartment}
        if patients and subjects and patients[0] not in subjects:
            continue
        if resource.get("resourceType") == "Patient" and resource.get("id") not in patients[:1]:
            continue
        if not _withdrawn(resource):
            kept.append(resource)
    return kept


def _withdrawn(resource: Mapping[str, Any]) -> bool:
    return resource.get("status") in _WITHDRAWN or bool(
        codes(resource.get("verificationStatus")) & _WITHDRAWN
    )


def codes(concept: Any) -> set[str]:
    """Return the codes of a CodeableConcept."""
    if not isinstance(concept, Mapping):
        return set()
    return {str(c["code"]) for c in concept.get("coding", ()) if c.get("code")}


def label(concept: Any) -> str:
    """Return the text of a CodeableConcept as recorded, or ""."""
    if not isinstance(concept, Mapping):
        return ""
    shown = [c.get("display") for c in concept.get("coding", ()) if c.get("display")]
    text = str(concept.get("text") or (shown[0] if shown else ""))
    return re.sub(r"\s+\((disorder|procedure|substance|situation)\)$", "", text)


def day_of(resource: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of the date elements as an ISO date (or year, or month), or None."""
    for name in names:
        value = resource.get(name)
        if isinstance(value, Mapping):
            value = value.get("start") or value.get("end")
        if isinstance(value, str) and re.match(r"\d{4}", value):
            return value[:10]
    return None


def ref_of(resource: Mapping[str, Any]) -> str:
    """Return the FHIR reference of a resource, ``Type/id``."""
    return f"{resource['resourceType']}/{resource.get('id', 'unknown')}"


def read_conditions(resources: Iterable[Mapping[str, Any]]) -> Iterator[Condition]:
    """Yield the conditions of the record."""
    for item in resources:
        if item.get("resourceType") != "Condition":
            continue
        clinical = codes(item.get("clinicalStatus"))
        ended = any(key.startswith("abatement") for key in item)
        active = bool(clinical & {"active", "recurrence", "relapse"}) or (
            not clinical and not ended
        )
        doubtful = codes(item.get("verificationStatus")) & {
            "unconfirmed",
            "provisional",
            "differential",
        }
        name = label(item.get("code"))
        yield Condition(
            ref_of(item),
            re.sub(r"\s+\(finding\)$", "", name),
            day_of(item, "onsetDateTime", "onsetPeriod", "recordedDate"),
            frozenset(_condition_keys(item, name)),
            active,
            bool(doubtful),
            name.endswith("(finding)"),
            bool(re.search(r"\bstage\b", name.lower())),
        )


def _condition_keys(item: Mapping[str, Any], name: str) -> Iterator[str]:
    recorded = codes(item.get("code"))
    for key, entry in words.data("conditions").items():
        icd = tuple(entry["icd"])
        if recorded & set(entry["snomed"]) or any(
            _is_icd(c) and c.startswith(icd) for c in recorded
        ):
            yield key
    if not _NOT_A_CONDITION.search(name.lower()):
        yield from words.condition_phrases().find(name)


def _is_icd(code: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]\d[0-9A-Z](\.\w+)?", code))


def read_medicines(resources: Sequence[Mapping[str, Any]]) -> Iterator[Medicine]:
    """Yield the medicines of the record, orders and statements alike."""
    named = {
        ref_of(r): label(r.get("code")) for r in resources if r.get("resourceType") == "Medication"
    }
    causes = {
        ref_of(r): label(r.get("code")) for r in resources if r.get("resourceType") == "Condition"
    }
    for item in resources:
        if item.get("resourceType") not in {"MedicationRequest", "MedicationStatement"}:
            continue
        if item.get("doNotPerform") or item.get("intent") in _NOT_ORDERED:
            continue
        name, known = _medicine_name(item, named)
        generics = tuple(words.medicine_phrases().find(known))
        yield Medicine(
            ref_of(item),
            name,
            day_of(item, "authoredOn", "effectiveDateTime", "effectivePeriod", "dateAsserted"),
            generics,
            frozenset().union(*(words.classes_of(g) for g in generics)),
            item.get("status") == "active",
            item.get("status") == "on-hold",
            _dose(item),
            tuple(_reasons(item, causes)),
            (item.get("requester") or {}).get("display"),
        )


def _medicine_name(item: Mapping[str, Any], named: Mapping[str, str]) -> tuple[str, str]:
    concept = item.get("medicationCodeableConcept")
    if concept is None:
        reference = (item.get("medicationReference") or {}).get("reference", "")
        for inner in item.get("contained", ()):
            if reference == f"#{inner.get('id')}":
                return label(inner.get("code")), label(inner.get("code"))
        name = named.get(reference) or str(
            (item.get("medicationReference") or {}).get("display", "")
        )
        return name, name
    displays = [str(c.get("display", "")) for c in concept.get("coding", ())]
    return label(concept), " ; ".join([label(concept), *displays])


def _dose(item: Mapping[str, Any]) -> str | None:
    texts = [d.get("text") or d.get("patientInstruction") or _timing(d)
             for d in item.get("dosageInstruction", item.get("dosage", ()))]  # fmt: skip
    return "; ".join(t for t in texts if t) or None


def _timing(dosage: Mapping[str, Any]) -> str | None:
    repeat = (dosage.get("timing") or {}).get("repeat") or {}
    rates = [r["doseQuantity"] for r in dosage.get("doseAndRate", ()) if "doseQuantity" in r]
    amount = " ".join(str(rates[0].get(k, "")) for k in ("value", "unit")).strip() if rates else ""
    if repeat.get("frequency") and repeat.get("period") and repeat.get("periodUnit"):
        amount += (
            f" (frequency {repeat['frequency']} per {repeat['period']} {repeat['periodUnit']})"
        )
    return amount.strip() or None


def _reasons(item: Mapping[str, Any], causes: Mapping[str, str]) -> Iterator[str]:
    for reference in item.get("reasonReference", ()):
        if name := causes.get(reference.get("reference", "")) or reference.get("display"):
            yield re.sub(r"\s+\((disorder|finding)\)$", "", name)
    for concept in item.get("reasonCode", ()):
        if name := label(concept):
            yield name


def read_allergies(resources: Iterable[Mapping[str, Any]]) -> Iterator[Allergy]:
    """Yield the allergies and intolerances that are active."""
    for item in resources:
        if item.get("resourceType") != "AllergyIntolerance":
            continue
        if codes(item.get("clinicalStatus")) & {"inactive", "resolved"}:
            continue
        name = label(item.get("code"))
        generics = tuple(words.medicine_phrases().find(name))
        classes = frozenset().union(*(words.classes_of(g) for g in generics))
        reactions = [label(m) for r in item.get("reaction", ()) for m in r.get("manifestation", ())]
        none = bool(codes(item.get("code")) & _NO_ALLERGY) or name.lower().startswith("no known")
        yield Allergy(
            ref_of(item),
            re.sub(r"^allergy to ", "", name, flags=re.IGNORECASE),
            day_of(item, "recordedDate", "onsetDateTime"),
            generics,
            classes | frozenset(words.class_phrases().find(name)),
            tuple(r for r in reactions if r),
            item.get("criticality") == "high",
            item.get("type") == "intolerance",
            none,
        )
