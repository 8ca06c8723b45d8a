"""What a resource contains, and the ``#id`` references to it (dom-2 to dom-5, ref-1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.fhir.errors import Fault
from services.fhir.validate import targets


@dataclass(frozen=True, slots=True)
class _Pointer:
    path: str
    id: str
    allowed: frozenset[str] | None
    inside: str


@dataclass(slots=True)
class Contained:
    """Gathers, while a resource of type ``type`` is walked, what can be judged only at its end.

    ``inside`` is the path of the contained resource that is being walked, "" outside of them.
    """

    type: str
    inside: str = ""
    _pointers: list[_Pointer] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)
    _held: dict[str, tuple[str, str]] = field(default_factory=dict)
    _answering: set[str] = field(default_factory=set)

    def name(self, identity: str) -> None:
        """Note that ``#identity`` stands in a reference, uri, url or canonical."""
        self._named.add(identity)
        if not identity:
            self._answering.add(self.inside)

    def point(self, identity: str, allowed: frozenset[str] | None, path: str) -> None:
        """Note a Reference to ``#identity`` at ``path`` and the types allowed there."""
        self.name(identity)
        self._pointers.append(_Pointer(path, identity, allowed, self.inside))

    def hold(self, kind: str, value: Mapping[str, Any], path: str) -> Iterator[Fault]:
        """Note a contained resource, and yield what it may not have because it is contained."""
        if "contained" in value:
            yield Fault(f"{path}.contained", "must not be in a contained resource (dom-2)")
        meta: Any = value.get("meta")
        rules = (("versionId", "dom-4"), ("lastUpdated", "dom-4"), ("security", "dom-5"))
        for name, key in rules if isinstance(meta, Mapping) else ():
            if name in meta:
                yield Fault(f"{path}.meta.{name}", f"must not be in a contained resource ({key})")
        identity = value.get("id")
        if not isinstance(identity, str):
            yield Fault(f"{path}.id", "is required, so that it can be referred to (dom-3)")
        elif identity in self._held:
            yield Fault(f"{path}.id", "is the id of another contained resource (dom-3)")
        else:
            self._held[identity] = (kind, path)

    def faults(self) -> Iterator[Fault]:
        """Yield the references to nothing, and what nothing refers to."""
        for pointer in self._pointers:
            kind, _ = self._held.get(pointer.id, ("", ""))
            if not pointer.id and pointer.inside:
                kind = self.type
            if not kind:
                yield Fault(f"{pointer.path}.reference", "names no contained resource (ref-1)")
            elif pointer.allowed is not None and kind not in pointer.allowed:
                yield Fault(f"{pointer.path}.reference", targets.NOT_ALLOWED)
        for identity, (_, path) in self._held.items():
            if identity not in self._named and path not in self._answering:
                yield Fault(path, "is referred to by nothing (dom-3)")
