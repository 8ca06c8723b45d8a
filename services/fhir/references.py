"""What a resource points at, whose record it belongs to, and the codes it can be found by.

Three ways to point are understood: ``Type/id`` (also as the end of an absolute URL), the
conditional ``Type?identifier=system|value`` of bulk exports, and a logical reference that has only
an ``identifier``. Resources inside ``contained`` are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LITERAL = re.compile(
    r"(?:https?://[^\s?#]+/)?([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?"
)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{2,63})\?identifier=(.{1,400})")
COMPARTMENT: Mapping[str, frozenset[str]] = {
    "Account": frozenset({"subject"}),
    "AdverseEvent": frozenset({"subject"}),
    "AllergyIntolerance": frozenset({"patient", "recorder", "asserter"}),
    "Appointment": frozenset({"participant.actor"}),
    "AppointmentResponse": frozenset({"actor"}),
    "AuditEvent": frozenset({"agent.who", "entity.what"}),
    "Basic": frozenset({"subject", "author"}),
    "BodyStructure": frozenset({"patient"}),
    "CarePlan": frozenset({"subject"}),
    "CareTeam": frozenset({"subject", "participant.member"}),
    "ClinicalImpression": frozenset({"subject"}),
    "Communication": frozenset({"subject", "sender", "recipient"}),
    "CommunicationRequest": frozenset({"subject", "sender", "recipient", "requester"}),
    "Composition": frozenset({"subject", "author", "attester.party"}),
    "Condition": frozenset({"subject", "asserter"}),
    "Consent": frozenset({"patient"}),
    "Coverage": frozenset({"policyHolder", "subscriber", "beneficiary", "payor"}),
    "DetectedIssue": frozenset({"patient"}),
    "Device": frozenset({"patient"}),
    "DeviceRequest": frozenset({"subject", "performer"}),
    "DeviceUseStatement": frozenset({"subject"}),
    "DiagnosticReport": frozenset({"subject"}),
    "DocumentManifest": frozenset({"subject", "author", "recipient"}),
    "DocumentReference": frozenset({"subject", "author"}),
    "Encounter": frozenset({"subject"}),
    "EpisodeOfCare": frozenset({"patient"}),
    "ExplanationOfBenefit": frozenset({"patient", "payee.party"}),
    "FamilyMemberHistory": frozenset({"patient"}),
    "Flag": frozenset({"subject"}),
    "Goal": frozenset({"subject"}),
    "ImagingStudy": frozenset({"subject"}),
    "Immunization": frozenset({"patient"}),
    "ImmunizationEvaluation": frozenset({"patient"}),
    "ImmunizationRecommendation": frozenset({"patient"}),
    "List": frozenset({"subject", "source"}),
    "Media": frozenset({"subject"}),
    "MedicationAdministration": frozenset({"subject", "performer.actor"}),
    "MedicationDispense": frozenset({"subject", "receiver"}),
    "MedicationRequest": frozenset({"subject"}),
    "MedicationStatement": frozenset({"subject"}),
    "MolecularSequence": frozenset({"patient"}),
    "NutritionOrder": frozenset({"patient"}),
    "Observation": frozenset({"subject", "performer"}),
    "Procedure": frozenset({"subject", "performer.actor"}),
    "Provenance": frozenset({"target"}),
    "QuestionnaireResponse": frozenset({"subject", "author"}),
    "RelatedPerson": frozenset({"patient"}),
    "RequestGroup": frozenset({"subject"}),
    "RiskAssessment": frozenset({"subject"}),
    "ServiceRequest": frozenset({"subject", "performer"}),
    "Specimen": frozenset({"subject"}),
    "Task": frozenset({"for", "owner"}),
    "VisionPrescription": frozenset({"patient"}),
}
"""Elements that put a resource into a patient's compartment (R4 patient compartment definition).

Group and Patient.link are left out on purpose: they would show one person the names of others.
``Task.for`` is added, since it is how tasks name the person they are about.
"""
MAX_TOKEN_CHARS = 400
"""Longest system or code that is indexed, in characters; longer ones cannot be searched for."""
_CODED = ("code", "vaccineCode", "medicationCodeableConcept", "type")


@dataclass(frozen=True)
class Link:
    """A reference of a resource.

    Attributes:
        path: element names joined with dots, for example ``participant.actor``.
        target_type: type pointed at, empty for a logical reference that does not say.
        target_id: id pointed at, None when only an identifier is given.
        identifier: ``system|value`` of a conditional or logical reference.
        compartment: whether it puts the resource into that patient's record.
    """

    path: str
    target_type: str
    target_id: str | None
    identifier: str | None
    compartment: bool


@dataclass(frozen=True, order=True)
class Token:
    """A searchable code: ``parameter`` is ``code``, ``category`` or ``identifier``."""

    parameter: str
    system: str
    code: str


def links(resource: Mapping[str, Any]) -> tuple[Link, ...]:
    """Every distinct reference of ``resource``, in document order."""
    own = COMPARTMENT.get(str(resource.get("resourceType")), frozenset())
    found: dict[Link, None] = {}
    for path, reference in _references(resource, ""):
        target = _target(reference)
        if target is not None:
            kind, identity, identifier = target
            mine = kind == "Patient" and path in own
            found[Link(path, kind, identity, identifier, mine)] = None
    return tuple(found)


def _references(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str) or _is_logical(value, path):
            yield path, value
            return
        for key, item in value.items():
            if key not in {"contained", "extension", "modifierExtension"}:
                yield from _references(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item, path)


def _is_logical(value: Mapping[str, Any], path: str) -> bool:
    only = set(value) <= {"identifier", "display", "type"}
    return bool(path) and only and isinstance(value.get("identifier"), Mapping)


def _target(reference: Mapping[str, Any]) -> tuple[str, str | None, str | None] | None:
    text = reference.get("reference")
    if isinstance(text, str):
        if literal := _LITERAL.fullmatch(text):
            return literal[1], literal[2], None
        if conditional := _CONDITIONAL.fullmatch(text):
            return conditional[1], None, conditional[2]
        return None
    identifier = reference["identifier"]
    value = identifier.get("value")
    kind = reference.get("type") if isinstance(reference.get("type"), str) else ""
    key = f"{identifier.get('system', '')}|{value}"
    return (str(kind), None, key) if value and len(key) <= MAX_TOKEN_CHARS else None


def tokens(resource: Mapping[str, Any]) -> tuple[Token, ...]:
    """The codes, categories and identifiers that ``resource`` can be searched by, sorted."""
    found: set[Token] = set()
    for name in _CODED:
        found.update(_codings(resource.get(name), "code"))
    found.update(_codings(resource.get("category"), "category"))
    identifiers = resource.get("identifier")
    for item in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(item, Mapping) and item.get("value"):
            found.add(Token("identifier", str(item.get("system", "")), str(item["value"])))
    return tuple(sorted(token for token in found if _fits(token)))


def _fits(token: Token) -> bool:
    long = max(len(token.system), len(token.code)) > MAX_TOKEN_CHARS
    return not long and "\x00" not in token.system + token.code


def _codings(value: Any, parameter: str) -> Iterator[Token]:
    for concept in value if isinstance(value, list) else [value]:
        if isinstance(concept, str):
            yield Token(parameter, "", concept)
        elif isinstance(concept, Mapping):
            for coding in concept.get("coding", ()):
                if coding.get("code"):
                    yield Token(parameter, str(coding.get("system", "")), str(coding["code"]))
