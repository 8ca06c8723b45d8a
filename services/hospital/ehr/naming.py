"""What a resource of another record is called here.

Its id gets the connection's prefix, and so do the ids in its references, so that two sources and
what was written here never meet. One connection, the hospital's main EHR, may go without a prefix:
then ids are the same on both sides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.fhir.client import Resource

MAX_ID = 64
"""Longest id of R4, in characters."""
_REFERENCE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")


@dataclass(frozen=True)
class Naming:
    """How the resources of one connection are called.

    Attributes:
        base: address of the server.
        prefix: before each id; empty to keep them.
    """

    base: str
    prefix: str = ""

    def local(self, id_: str) -> str:
        """The id here of a resource there."""
        whole = self.prefix + id_
        if len(whole) <= MAX_ID:
            return whole
        return self.prefix + hashlib.sha256(id_.encode()).hexdigest()[:40]

    def localise(self, resource: Resource) -> Resource:
        """The resource as it is kept here: ids and references of here, and where it came from."""
        made: Resource = self._renamed(resource)
        if not self.prefix:
            return made
        kind, id_ = str(resource["resourceType"]), str(resource["id"])
        held = made.get("meta")
        meta = {**(held if isinstance(held, dict) else {}), "source": f"{self.base}/{kind}/{id_}"}
        first = {"resourceType": kind, "id": self.local(id_), "meta": meta}
        return first | {name: value for name, value in made.items() if name not in first}

    def target(self, reference: Any) -> tuple[str, str] | None:
        """Type and id there of a reference to a resource of this server."""
        if not isinstance(reference, str):
            return None
        found = _REFERENCE.fullmatch(reference.removeprefix(f"{self.base}/"))
        return (found[1], found[2]) if found else None

    def person(self, resource: Resource) -> str | None:
        """Id there of the Patient whose record a resource is in, by its own word."""
        if resource["resourceType"] == "Patient":
            return str(resource["id"])
        for name in ("subject", "patient", "beneficiary"):
            held = resource.get(name)
            target = self.target(held.get("reference") if isinstance(held, dict) else None)
            if target is not None and target[0] == "Patient":
                return target[1]
        return None

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._member(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        return value

    def _member(self, name: str, value: Any) -> Any:
        target = self.target(value) if name == "reference" else None
        return self._renamed(value) if target is None else f"{target[0]}/{self.local(target[1])}"


def references(value: Any) -> Iterator[str]:
    """Every literal reference within a resource."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
