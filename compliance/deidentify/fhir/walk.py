"""The walk over one resource by the table of paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compliance.deidentify.errors import DeidentificationError
from compliance.deidentify.fhir.actions import Actions
from compliance.deidentify.fhir.names import Names
from compliance.deidentify.fhir.table import Node, table
from compliance.deidentify.fhir.texts import REMOVED, Here

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
AGE_GROUP = "urn:caretier:fhir:age-group"
PSEUDONYMISED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
    "display": "pseudonymized",
}
"""Security label of every resource that is given out."""
_DATES = ("shift", "generalise:birth")
_MAX_DEPTH = 40
_MASKED = {"url": ABSENT, "valueCode": "masked"}


class WithheldError(Exception):
    """A resource is not given out; the text says why and quotes nothing (internal)."""


class Walk:
    """The walk of one run.

    Attributes:
        notes: how often what was left out, by path and reason; no words of the record.
    """

    def __init__(self, actions: Actions, names: Names) -> None:
        self._actions = actions.by_name
        self._names = names
        self._table = table()
        self.notes: Counter[tuple[str, str]] = Counter()

    def resource(self, resource: Mapping[str, Any], here: Here) -> dict[str, Any]:
        """A resource by the table, with its security label.

        Raises:
            WithheldError: it is of a type that is not given out, or its meaning would change.
        """
        kind = str(resource.get("resourceType"))
        node = self._table.types.get(kind)
        if node is None:
            raise WithheldError(self._table.withheld.get(kind, "there is no table for its type"))
        if resource.get("implicitRules"):
            raise WithheldError("it is to be read by rules that are not here")
        made = {"resourceType": kind, **self._object(resource, node, kind, here)}
        meta = made.setdefault("meta", {})
        meta["security"] = [*meta.get("security", ()), PSEUDONYMISED]
        if "contained" in resource:
            made |= self._contained(resource["contained"], here)
        return made

    def _contained(self, resources: Any, here: Here) -> dict[str, Any]:
        """Contained resources under pseudonymous ids; those that are withheld are left out."""
        made = []
        for inner in resources if isinstance(resources, list) else ():
            try:
                done = self.resource(inner, here)
            except WithheldError as reason:
                self.notes["contained", str(reason)] += 1
                continue
            done.pop("meta")
            done["id"] = self._names.contained(str(inner.get("id", "")), here.name)
            made.append(done)
        return {"contained": made} if made else {}

    def _object(
        self, value: Mapping[str, Any], node: Node, path: str, here: Here
    ) -> dict[str, Any]:
        """An object by its node."""
        if path.count(".") > _MAX_DEPTH:
            raise DeidentificationError("The record is nested too deeply.")
        if value.get("modifierExtension"):
            raise WithheldError("an extension changes its meaning")
        made: dict[str, Any] = {}
        for name, inner in value.items():
            if name in {"resourceType", "contained"} or name.startswith("_"):
                continue
            if name == "extension":
                made |= self._extensions(inner, node, path, here)
                continue
            treatment = node.get(name, "unlisted")
            where = f"{path}.{name}" if name in node else path
            if treatment in ("drop", "unlisted"):
                self.notes[where, "dropped" if name in node else "an unlisted element dropped"] += 1
                continue
            made |= self._element(name, inner, treatment, where, here)
        return made

    def _element(
        self, name: str, value: Any, treatment: str | Node, path: str, here: Here
    ) -> dict[str, Any]:
        """``{name: value}`` treated; nothing when nothing is left."""
        several = isinstance(value, list)
        items = [
            self._value(item, treatment, path, here)
            for item in (value if several else [value])
            if item is not None
        ]
        kept = [item for item in items if item is not None and item != {}]
        if any(self._is_removed(item) for item in kept):
            self.notes[path, "removed: it could not be shown to be free of identifiers"] += 1
        if kept:
            return {name: kept if several else kept[0]}
        if not several and treatment in _DATES and isinstance(value, str):
            self.notes[path, "a date that cannot be told"] += 1
            return {f"_{name}": _absent(treatment == "generalise:birth")}
        return {}

    def _value(self, value: Any, treatment: str | Node, path: str, here: Here) -> Any:
        """One value by an action, or by a node."""
        if isinstance(treatment, str):
            return self._actions[treatment](value, here)
        if not isinstance(value, Mapping):
            return None
        return self._object(value, treatment, path, here)

    def _extensions(self, value: Any, node: Node, path: str, here: Here) -> dict[str, Any]:
        """The extensions whose URL is listed; inside one, those that it is made of."""
        inside = node is self._table.extension
        kept = []
        for extension in value if isinstance(value, list) else ():
            url = extension.get("url") if isinstance(extension, Mapping) else None
            if not isinstance(url, str) or (not inside and url not in self._table.extensions):
                self.notes[path, "an unlisted extension dropped"] += 1
                continue
            below = f"{path}.extension"
            inner = self._object(extension, self._table.extension, below, here)
            if len(inner) > 1:
                kept.append(inner)
        return {"extension": kept} if kept else {}

    @staticmethod
    def _is_removed(item: Any) -> bool:
        """Whether a text or an attachment was taken out."""
        return item == REMOVED or (isinstance(item, dict) and item.get("title") == REMOVED)


def _absent(is_birth: bool) -> dict[str, Any]:
    """Extensions of a date that is not told; a birth says the age group."""
    group = [{"url": AGE_GROUP, "valueString": "90 or older"}] if is_birth else []
    return {"extension": [_MASKED, *group]}


def within(here: Here, name: str) -> Here:
    """``here`` for the resource ``name``."""
    return replace(here, name=name)
