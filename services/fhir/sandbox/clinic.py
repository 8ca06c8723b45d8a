"""The sandbox's clinic: organisations, places and clinicians that the records refer to."""

from __future__ import annotations

from typing import Any

from services.fhir.sandbox.coding import term

DOCTORS = {
    "dr-okafor": ("Adaeze", "Okafor", "female", "Internal medicine"),
    "dr-lindqvist": ("Soren", "Lindqvist", "male", "Pediatrics"),
    "dr-haverford": ("Imogen", "Haverford", "female", "Family medicine"),
    "dr-raman": ("Vikram", "Raman", "male", "Internal medicine"),
    "dr-quintanar": ("Elisenda", "Quintanar", "female", "Family medicine"),
}
"""Clinicians: given name, family name, gender, field."""
CLINIC = "org-clinic"
PLACE = "loc-clinic"
HTEST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
"""Security label of every resource of the sandbox."""


def doctor_name(key: str) -> str:
    """Return how a clinician is called in text."""
    given, family, _, _ = DOCTORS[key]
    return f"Dr. {given} {family}"


def clinic_resources() -> list[dict[str, Any]]:
    """Return Organizations, Locations, Practitioners and their roles."""
    address = {"line": ["700 Prairie Lantern Road"], "city": "Springfield", "state": "IL",
               "postalCode": "62703", "country": "US"}  # fmt: skip
    provider = term("organization-type", "prov", "Healthcare Provider")
    made: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": "org-hospital", "active": True, "type": [provider],
         "name": "Prairie Lantern Hospital", "address": [address]},
        {"resourceType": "Organization", "id": CLINIC, "active": True, "type": [provider],
         "name": "Prairie Lantern Clinic", "address": [address],
         "telecom": [{"system": "phone", "value": "217-555-0100", "use": "work"}],
         "partOf": {"reference": "Organization/org-hospital"}},
        {"resourceType": "Location", "id": PLACE, "status": "active", "mode": "instance",
         "name": "Prairie Lantern Clinic, Building A", "address": address,
         "managingOrganization": {"reference": f"Organization/{CLINIC}"}},
    ]  # fmt: skip
    for number, key in enumerate(DOCTORS, 1):
        made += _doctor(key, number)
    return [{**item, "meta": {"security": [HTEST]}} for item in made]


def _doctor(key: str, number: int) -> list[dict[str, Any]]:
    given, family, gender, specialty = DOCTORS[key]
    return [
        {
            "resourceType": "Practitioner",
            "id": key,
            "active": True,
            "identifier": [{"system": "http://example.org/staff", "value": f"S-{number:04d}"}],
            "name": [{"use": "official", "family": family, "given": [given], "prefix": ["Dr."]}],
            "telecom": [{"system": "email", "value": f"{family.lower()}@example.org"}],
            "gender": gender,
        },
        {
            "resourceType": "PractitionerRole",
            "id": f"{key}-role",
            "active": True,
            "practitioner": {"reference": f"Practitioner/{key}"},
            "organization": {"reference": f"Organization/{CLINIC}"},
            "specialty": [{"text": specialty}],
            "location": [{"reference": f"Location/{PLACE}"}],
        },
    ]
