"""An invented call for each service: reads every table before the first real one, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.fhir.cds import Call, Decision, Service, TrustedEhr
from services.fhir.cds.messages import parsed
from services.fhir.cds.prefetch import Gathered, kind_of

_PATIENT = "rehearsal"
_ABOUT = {"reference": f"Patient/{_PATIENT}"}
_KEPT: Mapping[str, list[dict[str, Any]]] = {
    "Patient": [{"birthDate": "1950-01-01", "gender": "female"}],
    "AllergyIntolerance": [{"patient": _ABOUT, "code": {"text": "Penicillin V"}}],
    "MedicationRequest": [
        {
            "status": "active",
            "medicationCodeableConcept": {"text": "Warfarin Sodium 5 MG Oral Tablet"},
        }
    ],
    "Condition": [{"code": {"text": "Chronic kidney disease"}}],
    "Encounter": [{"status": "in-progress", "reasonCode": [{"text": "Asthma"}]}],
    "Observation": [
        {
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
            "effectiveDateTime": "2026-01-02",
            "valueQuantity": {"value": 2.1, "unit": "mg/dL"},
        }
    ],
}
_ORDERS = ("Amoxicillin 500 MG Oral Tablet", "Ibuprofen 400 MG Oral Tablet")


def rehearse(service: Service[Any], today: date = date(2026, 6, 1)) -> list[Decision]:
    """Decide on the invented patient."""
    gathered = Gathered(_PATIENT)
    for key, template in service.prefetch.items():
        kind = kind_of(template)
        kept = [
            {"subject": _ABOUT, **one, "resourceType": kind, "id": _PATIENT}
            for one in _KEPT.get(kind, ())
        ]
        entries = [{"resource": one} for one in kept]
        single = kept[0] if "?" not in template and kept else None
        gathered.take(key, template, single or {"resourceType": "Bundle", "entry": entries})
    context = parsed(service.context, _context())
    ehr = TrustedEhr("rehearsal", "urn:caretier:rehearsal", "")
    return list(service.decide(Call(ehr, context, gathered, "http://localhost", today)))


def _context() -> dict[str, Any]:
    orders = [
        {
            "resource": {
                "resourceType": "MedicationRequest",
                "id": f"order-{place}",
                "status": "draft",
                "intent": "order",
                "subject": _ABOUT,
                "medicationCodeableConcept": {"text": name},
            }
        }
        for place, name in enumerate(_ORDERS)
    ]
    return {
        "userId": "Practitioner/rehearsal",
        "patientId": _PATIENT,
        "encounterId": _PATIENT,
        "selections": ["MedicationRequest/order-0", "MedicationRequest/order-1"],
        "draftOrders": {"resourceType": "Bundle", "entry": orders},
    }
