"""Ids of a connection's own, so that two servers' ``Observation/1`` are two resources here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from services.fhir import jsontext

LONGEST_ID = 64
_RELATIVE = re.compile(r"([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,256})(/_history/[^/]+)?")


class Naming:
    """Renames the resources of one place.

    Args:
        place: short name of the place.
        base: address of its FHIR API; absolute references below it are made relative.
        patient: the person's id there, and the one that they have here.
        known: ``Type/id`` of what is here already, word for word and under the same id.
    """

    def __init__(
        self,
        place: str,
        base: str,
        patient: tuple[str, str] | None = None,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._place, self._base, self._patient = place, f"{base}/", patient
        self._known = known

    def id(self, kind: str, there: str) -> str:
        """The id here of what has this id there."""
        if kind == "Patient" and self._patient and self._patient[0] == there:
            return self._patient[1]
        if f"{kind}/{there}" in self._known:
            return there
        named = f"{self._place}.{there}"
        if len(named) <= LONGEST_ID:
            return named
        return f"{self._place}.{hashlib.sha256(there.encode()).hexdigest()[:48]}"

    def localised(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The resource under its id here, its references too; decimals become plain numbers."""
        renamed: dict[str, Any] = self._walk(plain(resource))
        return renamed | {"id": self.id(str(resource["resourceType"]), str(resource["id"]))}

    def _walk(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self._reference(item)
                if key == "reference" and isinstance(item, str)
                else self._walk(item)
                for key, item in value.items()
            }
        return [self._walk(item) for item in value] if isinstance(value, list) else value

    def _reference(self, text: str) -> str:
        found = _RELATIVE.fullmatch(text.removeprefix(self._base))
        return f"{found[1]}/{self.id(found[1], found[2])}" if found else text


def plain(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource with plain numbers for decimals, as the vault keeps it."""
    found: dict[str, Any] = json.loads(jsontext.dumps(resource))
    return found
