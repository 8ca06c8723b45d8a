"""Search parameters applied here, for servers that do not know them.

Only what can be told from the resource by itself, and in doubt a resource stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from services.fhir.client.answers import Resource

_BEFORE = {"lt": True, "le": True, "gt": False, "ge": False}


def can_apply(name: str) -> bool:
    """Whether a parameter can be applied here."""
    return name in _FILTERS


def keeps(parameters: Iterable[tuple[str, str]]) -> Callable[[Resource], bool]:
    """Whether a resource matches all parameters that can be applied here."""
    rules = [(_FILTERS[name], value) for name, value in parameters if name in _FILTERS]

    def keep(resource: Resource) -> bool:
        return all(
            any(rule(resource, choice) for choice in value.split(",")) for rule, value in rules
        )

    return keep


def _id(resource: Resource, value: str) -> bool:
    return resource.get("id") == value


def _last_updated(resource: Resource, value: str) -> bool:
    meta = resource.get("meta")
    changed = moment(meta.get("lastUpdated") if isinstance(meta, dict) else None)
    prefix = value[:2] if value[:2] in _BEFORE else ""
    bound = moment(value.removeprefix(prefix))
    if changed is None or bound is None or not prefix:
        return True
    return changed <= bound if _BEFORE[prefix] else changed >= bound


def moment(text: Any) -> datetime | None:
    """An instant or date as a moment; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _patient(resource: Resource, value: str) -> bool:
    wanted = value.rpartition("/")[2]
    for name in ("subject", "patient", "beneficiary"):
        reference = resource.get(name)
        target = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(target, str):
            return target.split("/_history/")[0].rpartition("/")[2] == wanted
    return False


def _status(resource: Resource, value: str) -> bool:
    return "status" not in resource or resource["status"] == value.rpartition("|")[2]


def _concept(name: str) -> Callable[[Resource, str], bool]:
    def matches(resource: Resource, value: str) -> bool:
        system, bar, code = value.rpartition("|")
        if name not in resource:
            return True
        held = resource[name]
        concepts = held if isinstance(held, list) else [held]
        if any(isinstance(concept, str) for concept in concepts):  # AllergyIntolerance.category
            return code in concepts
        codings = [
            coding
            for concept in concepts
            if isinstance(concept, dict)
            for coding in concept.get("coding", ())
            if isinstance(coding, dict)
        ]
        return any(
            coding.get("code") == code and (not bar or coding.get("system", "") == system)
            for coding in codings
        )

    return matches


_FILTERS: dict[str, Callable[[Resource, str], bool]] = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "patient": _patient,
    "subject": _patient,
    "status": _status,
    "code": _concept("code"),
    "category": _concept("category"),
}
