"""What is kept about a person, for that person: a FHIR Bundle, and the same as a page to read.

    bundle = collection([patient, *record, *consents])
    page = as_page(bundle, language="es")

The page is one file without script or address of anybody else, so that it can be read years later.
Everything in the bundle stands on it: what a line does not say in words stands below it as data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jinja2

TEMPLATE = Path(__file__).with_name("takeout.html")
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "My health data",
        "made": "Exported",
        "entries": "entries",
        "data": "As data",
        "note": "Everything that was kept about you, and nothing else. Keep this file safe.",
    },
    "es": {
        "title": "Mis datos de salud",
        "made": "Exportado",
        "entries": "entradas",
        "data": "Como datos",
        "note": "Todo lo que se guardaba sobre usted, y nada más. Guarde bien este archivo.",
    },
}
_DATES = (
    "effectiveDateTime", "onsetDateTime", "authoredOn", "occurrenceDateTime", "performedDateTime",
    "recordedDate", "dateTime", "sent", "date", "issued", "birthDate",
)  # fmt: skip


def collection(
    resources: Iterable[Mapping[str, Any]], now: datetime | None = None
) -> dict[str, Any]:
    """Put resources into a FHIR R4 Bundle of type ``collection``, the Patient first."""
    ordered = sorted(resources, key=lambda r: r.get("resourceType") != "Patient")
    entries = [{"fullUrl": f"urn:uuid:{uuid4()}", "resource": dict(one)} for one in ordered]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
    }
    return bundle | ({"entry": entries} if entries else {})  # FHIR has no empty arrays


def as_page(bundle: Mapping[str, Any], language: str = "en") -> str:
    """The bundle as one HTML file.

    Args:
        bundle: from `collection`.
        language: ``en`` or ``es``.
    """
    kinds: dict[str, list[dict[str, str]]] = {}
    for entry in bundle.get("entry", ()):
        resource = entry["resource"]
        kinds.setdefault(str(resource.get("resourceType", "?")), []).append(
            {
                "text": _said(resource),
                "day": _day(resource),
                "data": json.dumps(resource, ensure_ascii=False, indent=2),
            }
        )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    words = WORDS.get(language, WORDS["en"])
    return template.render(
        t=words, language=language, made=bundle.get("timestamp", ""), kinds=kinds
    )


def _said(resource: Mapping[str, Any]) -> str:
    """The most telling words of a resource; its type and id where it has none."""
    name = resource.get("name")
    if isinstance(name, list) and name and isinstance(name[0], Mapping):
        parts = [*name[0].get("given", ()), name[0].get("family", "")]
        return str(name[0].get("text") or " ".join(filter(None, parts)))
    payload = [str(p.get("contentString", "")) for p in resource.get("payload", ())]
    if any(payload):
        return "\n".join(filter(None, payload))
    for element in ("code", "medicationCodeableConcept", "vaccineCode", "type", "scope"):
        text = _concept(resource.get(element))
        if text:
            return f"{text}{_value(resource)}"
    return f"{resource.get('resourceType')}/{resource.get('id', '')}"


def _concept(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping):
        return ""
    codings = first.get("coding") or [{}]
    return str(first.get("text") or codings[0].get("display") or codings[0].get("code") or "")


def _value(resource: Mapping[str, Any]) -> str:
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, Mapping) and "value" in quantity:
        return f": {quantity['value']} {quantity.get('unit', '')}".rstrip()
    text = _concept(resource.get("valueCodeableConcept")) or resource.get("valueString", "")
    return f": {text}" if text else ""


def _day(resource: Mapping[str, Any]) -> str:
    found = next((resource[name] for name in _DATES if resource.get(name)), "")
    return str(found)[:10]
