"""Calls of decision support on invented patients."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

from services.hospital.cds.dry_run import dry_run

TODAY = date(2026, 6, 1)
PATIENT = "pat-1"
ABOUT = {"reference": f"Patient/{PATIENT}"}
LOINC = "http://loinc.org"

Resource = dict[str, Any]


def person(born: str = "1970-05-05", gender: str = "male", **more: Any) -> Resource:
    return {
        "resourceType": "Patient", "id": PATIENT, "birthDate": born, "gender": gender, **more
    }  # fmt: skip


def allergy(name: str, id_: str = "al-1", **more: Any) -> Resource:
    return {
        "resourceType": "AllergyIntolerance", "id": id_, "patient": ABOUT, "code": {"text": name},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "recordedDate": "2019-03-04", **more,
    }  # fmt: skip


def medicine(name: str, id_: str = "med-1", status: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest", "id": id_, "status": status, "intent": "order",
        "subject": ABOUT, "authoredOn": "2026-01-10",
        "medicationCodeableConcept": {"text": name}, **more,
    }  # fmt: skip


def condition(name: str, id_: str = "con-1", clinical: str = "active", **more: Any) -> Resource:
    return {
        "resourceType": "Condition", "id": id_, "subject": ABOUT, "code": {"text": name},
        "clinicalStatus": {"coding": [{"code": clinical}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "onsetDateTime": "2026-03-01", **more,
    }  # fmt: skip


def result(code: str, value: float, unit: str, day: str = "2026-05-01", **more: Any) -> Resource:
    return {
        "resourceType": "Observation", "id": f"obs-{code}-{day}", "status": "final",
        "subject": ABOUT, "code": {"coding": [{"system": LOINC, "code": code}]},
        "effectiveDateTime": day, "valueQuantity": {"value": value, "unit": unit}, **more,
    }  # fmt: skip


def egfr(value: float, day: str = "2026-05-01", **more: Any) -> Resource:
    return result("98979-8", value, "mL/min/{1.73_m2}", day, **more)


def creatinine(value: float, unit: str = "mg/dL", day: str = "2026-05-01") -> Resource:
    return result("2160-0", value, unit, day)


def pregnant(day: str = "2026-05-01", answer: str = "LA15173-0") -> Resource:
    return {
        "resourceType": "Observation", "id": f"preg-{day}", "status": "final", "subject": ABOUT,
        "code": {"coding": [{"system": LOINC, "code": "82810-3"}]}, "effectiveDateTime": day,
        "valueCodeableConcept": {"coding": [{"code": answer}]},
    }  # fmt: skip


def breastfeeding(day: str = "2026-05-01", answer: str = "LA33-6") -> Resource:
    return {
        "resourceType": "Observation", "id": f"milk-{day}", "status": "final", "subject": ABOUT,
        "code": {"coding": [{"system": LOINC, "code": "63895-7"}]}, "effectiveDateTime": day,
        "valueCodeableConcept": {"coding": [{"code": answer}]},
    }  # fmt: skip


def draft(name: str | None, id_: str = "draft-1", **more: Any) -> Resource:
    made = {
        "resourceType": "MedicationRequest", "id": id_, "status": "draft", "intent": "order",
        "subject": ABOUT, **more,
    }  # fmt: skip
    return made if name is None else {**made, "medicationCodeableConcept": {"text": name}}


def service(name: str, id_: str = "draft-s", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest", "id": id_, "status": "draft", "intent": "order",
        "subject": ABOUT, "code": {"text": name}, **more,
    }  # fmt: skip


KEYS = {
    "Patient": "patient",
    "AllergyIntolerance": "allergies",
    "MedicationRequest": "medications",
    "MedicationStatement": "statements",
    "Condition": "conditions",
    "ServiceRequest": "services",
}


RESULTS = {"kidney": ("98979-8", "2160-0"), "status": ("82810-3", "63895-7"), "blood": ()}


def bundle(resources: list[Any]) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in resources],
    }


def prefetch(*record: Resource) -> Resource:
    """Everything that the order services ask for; what is not given is said to be empty."""
    found: Resource = dict.fromkeys(KEYS.values())
    for kind, key in KEYS.items():
        mine = [one for one in record if one["resourceType"] == kind]
        if mine:
            found[key] = mine[0] if kind == "Patient" else bundle(mine)
    if found["patient"] is None:
        found["patient"] = person()
    found |= dict.fromkeys(RESULTS)
    for one in record:
        if one["resourceType"] == "Observation":
            code = one["code"]["coding"][0]["code"]
            key = next((k for k, known in RESULTS.items() if code in known), "blood")
            found[key] = bundle(
                [*(e["resource"] for e in (found[key] or {}).get("entry", ())), one]
            )
    return found


def sign(*drafts: Resource, record: tuple[Resource, ...] = (), **more: Any) -> Resource:
    """A call at order-sign."""
    context = {
        "userId": "Practitioner/doc-1", "patientId": PATIENT,
        "draftOrders": bundle(list(drafts)),
    }  # fmt: skip
    return {
        "hook": "order-sign", "hookInstance": str(uuid4()), "context": context,
        "prefetch": prefetch(*record), **more,
    }  # fmt: skip


def select(*drafts: Resource, record: tuple[Resource, ...] = (), chosen: list[str]) -> Resource:
    """A call at order-select."""
    made = sign(*drafts, record=record, hook="order-select")
    made["context"]["selections"] = chosen
    return made


def view(**more: Any) -> Resource:
    """A call at patient-view."""
    return {
        "hook": "patient-view", "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/doc-1", "patientId": PATIENT}, **more,
    }  # fmt: skip


def cards_of(request: Resource) -> list[Resource]:
    """What is answered, decided in this process."""
    return dry_run(json.dumps(request).encode(), today=TODAY)


def said(cards: list[Resource]) -> str:
    """All texts of the cards."""
    return "\n".join(f"{c['indicator']}: {c['summary']}\n{c.get('detail', '')}" for c in cards)
