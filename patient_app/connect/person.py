"""Whether the Patient of another record is the person of this vault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patient_app.errors import OtherPersonError

Resource = Mapping[str, Any]


def own_id(theirs: Resource, mine: Iterable[Resource], fresh: str) -> str:
    """The id under which a Patient of another record is known here.

    Args:
        theirs: the Patient there.
        mine: resources of the vault that did not come from there.
        fresh: the id that it gets where the vault knows no Patient yet.

    Raises:
        OtherPersonError: the vault is about somebody else; born another day, or no name the same.
    """
    known = [r for r in mine if r.get("resourceType") == "Patient"]
    if not known:
        return fresh
    same = _born(known[0]) == _born(theirs) and bool(_names(known[0]) & _names(theirs))
    if not same:
        raise OtherPersonError(
            "That record is about another person than this one.",
            remedy="Each person has a vault of their own: connect it there.",
        )
    return str(known[0]["id"])


def _born(patient: Resource) -> str:
    return str(patient.get("birthDate", ""))


def _names(patient: Resource) -> set[str]:
    families = (name.get("family") for name in patient.get("name", ()))
    return {family.casefold() for family in families if isinstance(family, str)}
