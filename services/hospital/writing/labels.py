"""How a resource says that software had a part in its words: AI Transparency on FHIR.

The guide (hl7.fhir.uv.aitransparency, ballot 1.0.0 and the build after it) asks for the security
label ``AIAST`` on every resource that AI had a part in, whether a person checked it or not; codes
for mixtures (``CLINAST_AIRPT``) were tried there and taken out again. Where a part of a resource
alone comes from AI, ``PROCESSINLINELABEL`` stands beside it and the label again on the element.
"""

from __future__ import annotations

from typing import Any

_IG = "http://hl7.org/fhir/uv/aitransparency"
AI_DEVICE = f"{_IG}/StructureDefinition/AI-Device"
AI_MODEL_CARD = f"{_IG}/StructureDefinition/AI-ModelCard"
AI_PROVENANCE = f"{_IG}/StructureDefinition/AI-Provenance"
AI_KIND = f"{_IG}/StructureDefinition/aitransparency.AIKind"
MODEL_CARD_OF = f"{_IG}/StructureDefinition/aitransparency.modelCardDescription"
DEVICE_TYPES = f"{_IG}/CodeSystem/AIdeviceTypeCS"
INPUTS = f"{_IG}/CodeSystem/AIinputsCS"
INLINE_LABEL = (
    "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
)
TARGET_PATH = "http://hl7.org/fhir/StructureDefinition/targetPath"

AIAST: dict[str, str] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
INLINE: dict[str, str] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "PROCESSINLINELABEL",
    "display": "process inline security label",
}


def whole() -> list[dict[str, str]]:
    """``meta.security`` of a resource that AI made as a whole."""
    return [dict(AIAST)]


def in_part() -> list[dict[str, str]]:
    """``meta.security`` of a resource in which the labelled elements alone come from AI."""
    return [dict(AIAST), dict(INLINE)]


def inline() -> dict[str, Any]:
    """The siblings (``_element``) of a primitive element whose value comes from AI."""
    return {"extension": [{"url": INLINE_LABEL, "valueCoding": dict(AIAST)}]}


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """A CodeableConcept with one coding."""
    shown = {"display": display} if display else {}
    return {"coding": [{"system": system, "code": code, **shown}]}
