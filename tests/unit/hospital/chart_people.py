"""Small resources of one person, for the tests of the chart."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from services.hospital.chart import Reader, Summary, summarise
from services.hospital.chart.source import choose
from services.hospital.chart.stored import Stored
from services.hospital.chart.trim import trim
from services.hospital.portal.views import LOCALE
from services.web.i18n import COMMON, Catalogue

TODAY = date(2026, 11, 21)
CATALOGUE = Catalogue.load(COMMON, LOCALE)
ME = {"reference": "Patient/me"}
PATIENT = {
    "resourceType": "Patient",
    "id": "me",
    "gender": "female",
    "birthDate": "1960-05-01",
    "name": [{"given": ["Ada"], "family": "Test"}],
}


def coded(*codes: str) -> dict[str, Any]:
    return {"coding": [{"code": code} for code in codes]}


def make(kind: str, id_: str, **fields: Any) -> dict[str, Any]:
    whose = "patient" if kind in {"AllergyIntolerance", "Immunization"} else "subject"
    return {"resourceType": kind, "id": id_, whose: ME, **fields}


def problem(id_: str, text: str, state: str = "active", **fields: Any) -> dict[str, Any]:
    return make("Condition", id_, code={"text": text}, clinicalStatus=coded(state), **fields)


def medicine(id_: str, text: str, **fields: Any) -> dict[str, Any]:
    values = {"status": "active", "intent": "order", "authoredOn": "2026-01-05"}
    named = {"medicationCodeableConcept": {"text": text}}
    return make("MedicationRequest", id_, **(values | named | fields))


def allergy(id_: str, text: str, **fields: Any) -> dict[str, Any]:
    return make("AllergyIntolerance", id_, code={"text": text}, **fields)


def result(id_: str, day: str, value: float, **fields: Any) -> dict[str, Any]:
    values = {
        "status": "final",
        "code": {**coded("33914-3"), "text": "eGFR"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "mL/min/1.73 m2"},
        "referenceRange": [{"low": {"value": 60}}],
    }
    return make("Observation", id_, **(values | fields))


def visit(id_: str, day: str, **fields: Any) -> dict[str, Any]:
    return make("Encounter", id_, **({"status": "finished", "period": {"start": day}} | fields))


def chart(*resources: dict[str, Any], language: str = "en", **patient: Any) -> Summary:
    """The summary of a record."""
    stored = [_stored(r) for r in resources]
    record = choose({**PATIENT, **patient}, stored, TODAY)
    record.resources[1:] = trim(record.resources[1:], TODAY)
    reader = Reader(None, CATALOGUE.translator(language), language, TODAY)
    return summarise(reader.view(record))


def _stored(resource: dict[str, Any]) -> Stored:
    codes = [c["code"] for c in resource.get("code", {}).get("coding", ())]
    kind, id_ = resource["resourceType"], resource["id"]
    return Stored(kind, id_, json.dumps(resource), " ".join(sorted(codes)))


def part(summary: Summary, name: str) -> list[str]:
    """Texts of the lines of one part."""
    return [li.text for li in next(s for s in summary.sections if s.id == name).lines]


def conflicts(summary: Summary) -> str:
    return " | ".join(line.text for line in summary.conflicts)


def gaps(summary: Summary) -> str:
    return " | ".join(line.text for line in summary.gaps)
