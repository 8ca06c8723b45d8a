"""What a resource points at, and whose record it belongs to.

Three ways to point are understood: ``Type/id`` (also below this server's own base), the conditional
``Type?identifier=system|value`` of bulk exports, and a logical reference that has only an
``identifier``. An address of another server points at nothing here: its ``Patient/1`` is another
person than ours. Resources inside ``contained`` are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LITERAL = re.compile(r"([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")
_SERVER = re.compile(r"https?://[^\s?#]+/(?=[A-Z][A-Za-z]{2,63}/)")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{2,63})\?identifier=(.{1,400})")
COMPARTMENT: Mapping[str, frozenset[str]] = {
    "Account": frozenset({"subject"}),
    "AdverseEvent": frozenset({"subject"}),
    "AllergyIntolerance": frozenset({"patient", "recorder", "asserter"}),
    "Appointment": frozenset({"participant.actor"}),
    "AppointmentResponse": frozenset({"actor"}),
    "AuditEvent": frozenset({"agent.who", "entity.what"}),
    "Basic": frozenset({"subject", "author"}),
    "Binary": frozenset({"securityContext"}),
    "BodyStructure": frozenset({"patient"}),
    "CarePlan": frozenset({"subject", "activity.detail.performer"}),
    "CareTeam": frozenset({"subject", "participant.member"}),
    "ChargeItem": frozenset({"subject"}),
    "Claim": frozenset({"patient", "payee.party"}),
    "ClaimResponse": frozenset({"patient"}),
    "ClinicalImpression": frozenset({"subject"}),
    "Communication": frozenset({"subject", "sender", "recipient"}),
    "CommunicationRequest": frozenset({"subject", "sender", "recipient", "requester"}),
    "Composition": frozenset({"subject", "author", "attester.party"}),
    "Condition": frozenset({"subject", "asserter"}),
    "Consent": frozenset({"patient"}),
    "Coverage": frozenset({"policyHolder", "subscriber", "beneficiary", "payor"}),
    "CoverageEligibilityRequest": frozenset({"patient"}),
    "CoverageEligibilityResponse": frozenset({"patient"}),
    "DetectedIssue": frozenset({"patient"}),
    "Device": frozenset({"patient"}),
    "DeviceRequest": frozenset({"subject", "performer"}),
    "DeviceUseStatement": frozenset({"subject"}),
    "DiagnosticReport": frozenset({"subject"}),
    "DocumentManifest": frozenset({"subject", "author", "recipient"}),
    "DocumentReference": frozenset({"subject", "author"}),
    "Encounter": frozenset({"subject"}),
    "EnrollmentRequest": frozenset({"candidate"}),
    "EpisodeOfCare": frozenset({"patient"}),
    "ExplanationOfBenefit": frozenset({"patient", "payee.party"}),
    "FamilyMemberHistory": frozenset({"patient"}),
    "Flag": frozenset({"subject"}),
    "Goal": frozenset({"subject"}),
    "ImagingStudy": frozenset({"subject"}),
    "Immunization": frozenset({"patient"}),
    "ImmunizationEvaluation": frozenset({"patient"}),
    "ImmunizationRecommendation": frozenset({"patient"}),
    "Invoice": frozenset({"subject", "recipient"}),
    "List": frozenset({"subject", "source"}),
    "MeasureReport": frozenset({"subject"}),
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
    "RequestGroup": frozenset({"subject", "action.participant"}),
    "ResearchSubject": frozenset({"individual"}),
    "RiskAssessment": frozenset({"subject"}),
    "ServiceRequest": frozenset({"subject", "performer"}),
    "SupplyDelivery": frozenset({"patient"}),
    "SupplyRequest": frozenset({"deliverTo"}),
    "Specimen": frozenset({"subject"}),
    "Task": frozenset({"for", "owner"}),
    "VisionPrescription": frozenset({"patient"}),
}
"""Elements that put a resource into a patient's compartment (R4 patient compartment definition).

Group, Person and Patient.link are left out on purpose: they would show one person the names of
others; Schedule, since it is a practitioner's. ``Task.for`` is added, since it is how tasks name
the person they are about.
"""
THROUGH: Mapping[str, str] = {"Binary": "securityContext", "Provenance": "target"}
"""Types whose resources belong where those belong that they point at, by the element that points.

A Provenance of an observation is in the record that the observation is in, though R4 counts it to
the compartment only where it names the patient as well.
"""
PERSONAL = frozenset(
    {
        *("BiologicallyDerivedProduct", "Bundle", "Contract", "Group", "GuidanceResponse"),
        *("Linkage", "MessageHeader", "OperationOutcome", "Parameters", "Patient"),
        *("PaymentNotice", "PaymentReconciliation", "Person", "VerificationResult"),
    }
).union(COMPARTMENT)
"""Types whose resources are about people, or may hold what is."""


@dataclass(frozen=True)
class Link:
    """A reference of a resource.

    Attributes:
        path: element names joined with dots, for example ``participant.actor``.
        target_type: type pointed at, empty for a logical reference that does not say.
        target_id: id pointed at, None when only an identifier is given.
        identifier: ``system|value`` of a conditional or logical reference, or one that stands
            beside the id.
        compartment: whether it puts the resource into that patient's record.
    """

    path: str
    target_type: str
    target_id: str | None
    identifier: str | None
    compartment: bool


def links(resource: Mapping[str, Any], base: str | None = None) -> tuple[Link, ...]:
    """Every distinct reference of ``resource``, in document order.

    Args:
        resource: as Python values.
        base: absolute URL below which addresses are the same server's, without a final slash;
            None where all is of one server, whatever its address (a file of one person's record).
    """
    own = COMPARTMENT.get(str(resource.get("resourceType")), frozenset())
    found: dict[Link, None] = {}
    for path, reference in _references(resource, ""):
        target = _target(reference, base)
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


def _target(
    reference: Mapping[str, Any], base: str | None
) -> tuple[str, str | None, str | None] | None:
    text, identifier = reference.get("reference"), _identifier(reference.get("identifier"))
    if isinstance(text, str):
        if literal := _LITERAL.fullmatch(_local(text, base)):
            return literal[1], literal[2], identifier
        if conditional := _CONDITIONAL.fullmatch(text):
            return conditional[1], None, conditional[2]
    kind = reference.get("type") if isinstance(reference.get("type"), str) else ""
    return (str(kind), None, identifier) if identifier else None


def _local(text: str, base: str | None) -> str:
    """A reference without the address of this server."""
    if base is None:
        return _SERVER.sub("", text, count=1)
    return text.removeprefix(f"{base}/") if base else text


def _identifier(identifier: Any) -> str | None:
    if not isinstance(identifier, Mapping) or not identifier.get("value"):
        return None
    return f"{identifier.get('system', '')}|{identifier['value']}"
