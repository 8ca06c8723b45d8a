"""Parts of a resource: what ``_elements`` and ``_summary`` leave of it.

What must be there stays there, as do elements that change the meaning of others; the result is
tagged as a part, so that nobody writes it back for the whole.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from services.fhir import jsontext
from services.fhir.search.controls import Controls

_TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})
_MODIFIERS = frozenset(
    {"status", "clinicalStatus", "verificationStatus", "active", "modifierExtension", "intent"}
    | {"doNotPerform", "deceasedBoolean", "deceasedDateTime", "abatementDateTime"}
)
"""Elements without which a resource could be taken for what it is not."""


def part(text: str, kind: str, controls: Controls) -> str:
    """Return the JSON text of what a request asks for of a resource.

    Args:
        text: JSON text of the whole.
        kind: resource type.
        controls: of the request.
    """
    if not controls.elements and controls.summary not in {"true", "text", "data"}:
        return text
    resource = jsontext.loads_exact(text)
    kept = {name: value for name, value in resource.items() if _stays(name, kind, controls)}
    meta = dict(kept.get("meta") or {})
    meta["tag"] = [*(meta.get("tag") or ()), _TAG]
    ordered: dict[str, Any] = {}
    for name, value in kept.items():
        if name != "meta":
            ordered[name] = value
        if name == "id":
            ordered["meta"] = meta
    return jsontext.dumps(ordered if "meta" in ordered else {**ordered, "meta": meta})


def _stays(name: str, kind: str, controls: Controls) -> bool:
    name = name.removeprefix("_")
    if name in _ALWAYS or name in _MODIFIERS or name in _required(kind):
        return True
    if controls.elements and name not in controls.elements:
        return any(_is_choice(name, asked) for asked in controls.elements)
    if controls.summary == "data":
        return name != "text"
    if controls.summary == "text":
        return name == "text"
    return controls.summary != "true" or name in _summary(kind)


def _is_choice(name: str, asked: str) -> bool:
    """Whether an element is a type of the choice element asked for (``valueQuantity``, value)."""
    return name.startswith(asked) and name[len(asked) : len(asked) + 1].isupper()


@lru_cache(maxsize=300)
def _required(kind: str) -> frozenset[str]:
    return frozenset(
        field.alias or name
        for name, field in get_fhir_model_class(kind).model_fields.items()
        if field.is_required() or _says(field, "element_required")
    )


@lru_cache(maxsize=300)
def _summary(kind: str) -> frozenset[str]:
    return frozenset(
        field.alias or name
        for name, field in get_fhir_model_class(kind).model_fields.items()
        if _says(field, "summary_element_property")
    )


def _says(field: Any, key: str) -> bool:
    return bool((field.json_schema_extra or {}).get(key))
