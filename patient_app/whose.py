"""Whose record this is: the person whom it speaks of, and whom they said that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from patient_app.errors import OtherPersonError

Resource = Mapping[str, Any]
WHOLE_DAY = len("2026-01-31")
"""Length of a date of FHIR that names a day, not only a month or year."""


def about(resources: Iterable[Resource]) -> dict[str, str] | None:
    """Name and day of birth of the person in a record; None where it names nobody.

    Either is "" where the record does not say it; the day may be a month or a year only.
    """
    patient = next((r for r in resources if r.get("resourceType") == "Patient"), None)
    if patient is None:
        return None
    names = [one for one in patient.get("name", ()) if isinstance(one, Mapping)]
    called = _called(names[0]) if names else ""
    return {"name": called, "born": str(patient.get("birthDate", ""))}


def require_birthday(born: date | str | None, resources: Iterable[Resource]) -> None:
    """Refuse a record of somebody who was born on another day than this person.

    Args:
        born: what the person said; None when they did not.
        resources: of the record that is to be taken over.

    Raises:
        OtherPersonError: the record names another day.
    """
    said = about(resources)
    if born is None or said is None or len(said["born"]) < WHOLE_DAY:
        return
    if said["born"] != str(born):
        raise OtherPersonError(
            "This record is about somebody who was born on another day than you said.",
            remedy="Check whose record it is, or correct the day of birth in the settings.",
        )


def _called(name: Resource) -> str:
    parts = [*name.get("given", ()), name.get("family", "")]
    return str(name.get("text") or " ".join(str(p) for p in parts if p))
