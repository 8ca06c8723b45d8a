"""Builders of the FHIR data types that the sandbox needs; a code that is None is left out."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from compliance.yamltext import read_yaml

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@lru_cache(maxsize=4)
def table(name: str) -> dict[str, Any]:
    """Return a YAML file of this package (``codes`` or ``people``)."""
    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text("utf-8")
    return cast("dict[str, Any]", read_yaml(text))


def concept(text: str, *codings: tuple[str, str | None]) -> dict[str, Any]:
    """Return a CodeableConcept with ``text`` and the codings whose code is known."""
    known = [{"system": s, "code": c, "display": text} for s, c in codings if c]
    return {"coding": known, "text": text} if known else {"text": text}


def term(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """Return a CodeableConcept with one coding of a terminology.hl7.org system."""
    coding = {"system": f"{TERMINOLOGY}/{system}", "code": code}
    return {"coding": [{**coding, "display": display} if display else coding]}


def day(today: date, ago: int) -> str:
    """Return the date ``ago`` days before ``today``, ISO 8601."""
    return (today - timedelta(days=ago)).isoformat()


def moment(today: date, ago: int, hour: int = 9) -> str:
    """Return a dateTime ``ago`` days before ``today``, at ``hour`` o'clock UTC."""
    return f"{day(today, ago)}T{hour:02d}:00:00Z"


def unit_text(ucum: str) -> str:
    """Return a UCUM unit the way a report prints it."""
    shown = {"mL/min/{1.73_m2}": "mL/min/1.73 m2", "{INR}": "INR", "{score}": "points"}
    shown |= {
        "m[IU]/L": "mIU/L",
        "Cel": "°C",
        "wk": "weeks",
        "mm[Hg]": "mmHg",
        "/min": "per minute",
    }
    return shown.get(ucum, ucum)


def quantity(value: float, ucum: str) -> dict[str, Any]:
    """Return a Quantity in a UCUM unit."""
    return {"value": value, "unit": unit_text(ucum), "system": UCUM, "code": ucum}
