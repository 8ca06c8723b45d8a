"""One person of the sandbox: what is said of them, their Patient and their RelatedPerson."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.fhir.sandbox.clinic import CLINIC, HTEST, doctor_name
from services.fhir.sandbox.coding import term


@dataclass(frozen=True)
class Chart:
    """What all builders of one person's resources need."""

    key: str
    said: Mapping[str, Any]
    today: date

    @property
    def subject(self) -> dict[str, Any]:
        """Reference to the person."""
        return {"reference": f"Patient/{self.key}"}

    @property
    def doctor(self) -> dict[str, Any]:
        """Reference to the person's own clinician."""
        key = self.said["doctor"]
        return {"reference": f"Practitioner/{key}", "display": doctor_name(key)}

    def start(self, kind: str, part: str) -> dict[str, Any]:
        """Return the opening of a resource: type, id and the test-data label."""
        return {
            "resourceType": kind,
            "id": f"{self.key}-{part.replace('_', '-')}",
            "meta": {"security": [HTEST]},
        }


def born(chart: Chart) -> date:
    """Return the day of birth that gives the age in ``people.yaml`` on the sandbox's day."""
    years, days = chart.said["born"].get("years", 0), chart.said["born"].get("days", 0)
    day_then = chart.today - timedelta(days=days)
    if (day_then.month, day_then.day) == (2, 29):
        day_then -= timedelta(days=1)
    return day_then.replace(year=day_then.year - years)


def _phone(chance: random.Random) -> str:
    return f"217-555-01{chance.randrange(100):02d}"


def _identifiers(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "use": "usual",
            "type": term("v2-0203", "MR", "Medical record number"),
            "system": "http://example.org/mrn",
            "value": f"MRN-{chance.randrange(10**6, 10**7)}",
        },
        {
            "type": term("v2-0203", "MB", "Member Number"),
            "system": "http://example.org/plan",
            "value": f"PLH{chance.randrange(10**8, 10**9)}",
        },
    ]


def person(chart: Chart, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the Patient and, where there is one, the RelatedPerson."""
    said = chart.said
    *given, family = said["name"]
    line, city, state, postal = said["address"]
    spanish = said.get("language") == "es"
    language = ("es", "Spanish") if spanish else ("en", "English")
    mail = f"{given[0]}.{family.split()[0]}".lower().replace("í", "i")
    kin, relation = said["contact"]
    yield {
        "resourceType": "Patient",
        "id": chart.key,
        "meta": {"security": [HTEST]},
        "identifier": _identifiers(chance),
        "active": True,
        "name": [{"use": "official", "family": family, "given": given}],
        "telecom": [
            {"system": "phone", "value": _phone(chance), "use": "mobile"},
            {"system": "email", "value": f"{mail}@example.org"},
        ],
        "gender": said["sex"],
        "birthDate": born(chart).isoformat(),
        "address": [{"use": "home", "line": [line], "city": city, "state": state,
                     "postalCode": postal, "country": "US"}],
        "contact": [{"relationship": [{"text": relation}], "name": {"text": kin},
                     "telecom": [{"system": "phone", "value": _phone(chance)}]}],
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language[0]}],
                          "text": language[1]}, "preferred": True}
        ],
        "generalPractitioner": [chart.doctor],
        "managingOrganization": {"reference": f"Organization/{CLINIC}"},
    }  # fmt: skip
    if "related" in said:
        first, last, role = said["related"]
        yield chart.start("RelatedPerson", "related") | {
            "active": True,
            "patient": chart.subject,
            "relationship": [{"text": role}],
            "name": [{"family": last, "given": [first]}],
            "telecom": [{"system": "phone", "value": _phone(chance), "use": "mobile"}],
        }
