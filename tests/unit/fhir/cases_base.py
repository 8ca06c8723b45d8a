"""The smallest resources around a part, for cases of invariants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]
Case = tuple[str, Resource, Resource]
UCUM = "http://unitsofmeasure.org"
TEXT = {"text": "x"}
SUBJECT = {"subject": {"reference": "Patient/p"}}
PATIENT = {"patient": {"reference": "Patient/p"}}
YEARS = {"value": 5, "system": UCUM, "code": "a"}
HL7 = "http://terminology.hl7.org/CodeSystem"


def made(resource_type: str, /, **elements: Any) -> Resource:
    return {"resourceType": resource_type, "id": "a", **elements}


def valued(**value: Any) -> Resource:
    """A resource with a value of any type in an extension."""
    return made("Basic", code=TEXT, extension=[{"url": "http://example.org/e", **value}])


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{HL7}/{system}", "code": code}]}


def parts(resource: Resource, name: str, *cases: tuple[str, Resource, Resource]) -> Iterator[Case]:
    for key, kept, broken in cases:
        yield key, {**resource, name: [kept]}, {**resource, name: [broken]}
