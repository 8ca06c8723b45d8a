"""Observations of the sandbox: laboratory results, vital signs, blood pressure, pregnancy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from services.fhir.sandbox.clinic import HTEST
from services.fhir.sandbox.coding import LOINC, SNOMED, concept, day, moment, quantity, table, term

_CATEGORY = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital Signs",
    "survey": "Survey",
    "exam": "Exam",
    "social-history": "Social History",
}

_THERAPEUTIC = frozenset({"inr", "lithium_level"})


def observations(key: str, said: Mapping[str, Any], today: date) -> Iterator[dict[str, Any]]:
    """Yield the Observations of one person, each test from its oldest to its newest result."""
    for test, results in said.get("tests", {}).items():
        for number, (ago, value) in enumerate(results, 1):
            yield _result(key, test, number, value, moment(today, ago))
    for number, (ago, systolic, diastolic) in enumerate(said.get("pressure", ()), 1):
        yield _pressure(key, number, systolic, diastolic, moment(today, ago))
    if "pregnant" in said:
        yield from _pregnancy(key, said["pregnant"], today)


def _opening(
    key: str, part: str, category: str, code: dict[str, Any], taken: str
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"{key}-{part}",
        "meta": {"security": [HTEST]},
        "status": "final",
        "category": [term("observation-category", category, _CATEGORY[category])],
        "code": code,
        "subject": {"reference": f"Patient/{key}"},
        "effectiveDateTime": taken,
    }


def _result(key: str, test: str, number: int, value: float, taken: str) -> dict[str, Any]:
    text, loinc, unit, low, high, category = table("codes")["tests"][test]
    code = concept(text, (LOINC, loinc))
    made = _opening(key, f"{test.replace('_', '-')}-{number}", category, code, taken)
    made["valueQuantity"] = quantity(value, unit)
    if low is None and high is None:
        return made
    bounds: dict[str, Any] = {}
    if low is not None:
        bounds["low"] = quantity(low, unit)
    if high is not None:
        bounds["high"] = quantity(high, unit)
    flag = "H" if high is not None and value > high else "L" if low and value < low else "N"
    shown = {"H": "High", "L": "Low", "N": "Normal"}[flag]
    made["interpretation"] = [term("v3-ObservationInterpretation", flag, shown)]
    if test in _THERAPEUTIC:
        bounds["type"] = term("referencerange-meaning", "therapeutic", "Therapeutic Desired Level")
    made["referenceRange"] = [bounds]
    return made


def _pressure(key: str, number: int, systolic: int, diastolic: int, taken: str) -> dict[str, Any]:
    code = concept("Blood pressure", (LOINC, "85354-9"))
    made = _opening(key, f"blood-pressure-{number}", "vital-signs", code, taken)
    made["component"] = [
        {"code": concept(text, (LOINC, loinc)), "valueQuantity": quantity(value, "mm[Hg]")}
        for text, loinc, value in (
            ("Systolic blood pressure", "8480-6", systolic),
            ("Diastolic blood pressure", "8462-4", diastolic),
        )
    ]
    return made


def _pregnancy(key: str, said: Mapping[str, Any], today: date) -> Iterator[dict[str, Any]]:
    taken = day(today, said["status"])
    code = concept("Pregnancy status", (LOINC, "82810-3"))
    made = _opening(key, "pregnancy-status", "social-history", code, taken)
    made["valueCodeableConcept"] = concept("Pregnant", (SNOMED, "77386006"))
    yield made
    weeks = said["weeks"]
    yield _result(key, "gestation", 1, weeks, moment(today, said["status"]))
