"""As many resources as wanted: those of a folder, or of the sandbox, repeated under new ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

from services.fhir import jsontext
from services.fhir.sandbox import generate

_OWN = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,56})")


@dataclass(frozen=True, slots=True)
class Item:
    """A resource: type, id, the Patient whom it is about ("" for none) and its JSON."""

    type: str
    id: str
    patient: str
    text: str


@dataclass
class Known:
    """What the corpus holds, to ask for: filled while `items` are made.

    Attributes:
        keys: type and id of every resource.
        patients: ids of Patients.
        values: by kind of value ("family", "code", "birthdate", "identifier"), what there is.
    """

    keys: list[tuple[str, str]] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)

    def note(self, item: Item, resource: dict[str, Any]) -> None:
        """Keep what can be asked for of a resource."""
        self.keys.append((item.type, item.id))
        if item.type == "Patient":
            self.patients.append(item.id)
            self._value("family", resource.get("name", [{}])[0].get("family"))
            self._value("birthdate", resource.get("birthDate"))
            for one in resource.get("identifier", ())[:1]:
                self._value("identifier", f"{one.get('system', '')}|{one.get('value', '')}")
        if item.type == "Condition":
            coding = resource.get("code", {}).get("coding", [{}])[0]
            self._value("code", f"{coding.get('system', '')}|{coding.get('code', '')}")

    def _value(self, kind: str, value: Any) -> None:
        if value and value != "|":
            self.values.setdefault(kind, []).append(str(value))


def items(size: int, data: Path | None, known: Known) -> Iterator[Item]:
    """Yield ``size`` resources and note them in ``known``.

    Args:
        size: how many.
        data: folder with NDJSON files; the sandbox when None.
        known: is filled.
    """
    base = list(generate()) if data is None else list(_of_folder(data))
    repeated = (_renamed(resource, turn) for turn in count() for resource in base)
    for resource in islice(repeated, size if base else 0):
        patient = _patient(resource)
        item = Item(resource["resourceType"], resource["id"], patient, jsontext.dumps(resource))
        known.note(item, resource)
        yield item


def _of_folder(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.ndjson")):
        with file.open("rb") as lines:
            for line in lines:
                if line.strip():
                    yield jsontext.loads_exact(line)


def _patient(resource: dict[str, Any]) -> str:
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    about = resource.get("subject") or resource.get("patient") or {}
    return str(about.get("reference", "")).removeprefix("Patient/")


def _renamed(resource: dict[str, Any], turn: int) -> dict[str, Any]:
    made = _moved(resource, turn) if turn else resource
    return {**made, "id": f"{turn}-{resource['id']}"} if turn else made


def _moved(value: Any, turn: int) -> Any:
    """The same with its references inside the corpus led to the copies."""
    if isinstance(value, list):
        return [_moved(item, turn) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _moved(item, turn) for key, item in value.items()}
    pointed = _OWN.fullmatch(str(value.get("reference", "")))
    return made | {"reference": f"{pointed[1]}/{turn}-{pointed[2]}"} if pointed else made
