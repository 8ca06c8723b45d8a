"""The parts of an R4 AuditEvent, and the profiles of IHE Basic Audit Log Patterns that fit them.

Source: IHE ITI BALP 1.1.4, https://profiles.ihe.net/ITI/BALP. Those profiles describe successes; an
event with another outcome claims none.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from compliance.audit.agents import DICOM, Agent, coding
from compliance.errors import BadInputError

Outcome = Literal["0", "4", "8", "12"]
"""FHIR audit-event-outcome: success, and failures of growing weight."""

Profile = Literal[
    "PatientRead",
    "Read",
    "PatientQuery",
    "Query",
    "PatientCreate",
    "Create",
    "PatientUpdate",
    "Update",
    "PatientDelete",
    "Delete",
    "PrivacyDisclosure.Source",
    "PrivacyDisclosure.Recipient",
]

_PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."

REST = coding("audit-event-type", "rest", "Restful Operation")
EXPORT = coding(DICOM, "110106", "Export")
IMPORT = coding(DICOM, "110107", "Import")
DISCLOSE = coding("iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event")
_PERSON = coding("audit-entity-type", "1", "Person")
_SYSTEM_OBJECT = coding("audit-entity-type", "2", "System Object")
_OTHER = coding("audit-entity-type", "4", "Other")
_PATIENT_ROLE = coding("object-role", "1", "Patient")
_DOMAIN_RESOURCE = coding("object-role", "4", "Domain Resource")
_QUERY_ROLE = coding("object-role", "24", "Query")


def interaction(code: str) -> dict[str, str]:
    """Return the coding of a FHIR interaction, for example ``read``."""
    return coding("http://hl7.org/fhir/restful-interaction", code, code)


def event(
    *,
    kind: dict[str, str],
    subtypes: list[dict[str, str]],
    action: Literal["C", "R", "U", "D", "E"],
    agents: list[dict[str, Any]],
    observer: Agent,
    site: str,
    entities: list[dict[str, Any]],
    profile: Profile | None = None,
    outcome: Outcome = "0",
    purpose: str | None = None,
) -> dict[str, Any]:
    """Put an AuditEvent together.

    Args:
        kind: what happened, AuditEvent.type.
        subtypes: what exactly.
        action: create, read, update, delete or execute.
        agents: from `Agent.to_fhir`.
        observer: who writes this down.
        site: name of the node that writes this down.
        entities: from `patient`, `thing` and `query`.
        profile: of BALP; claimed for a success only.
        outcome: how it ended.
        purpose: code of v3-ActReason, for example ``TREAT``.
    """
    built: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(uuid4()),
        "type": kind,
        "subtype": subtypes,
        "action": action,
        "recorded": datetime.now(UTC).isoformat(),
        "outcome": outcome,
        "agent": agents,
        "source": {"observer": observer.who(), "site": site},
        "entity": entities,
    }
    if profile is not None and outcome == "0":
        built["meta"] = {"profile": [_PROFILES + profile]}
    if purpose is not None:
        system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
        built["purposeOfEvent"] = [{"coding": [{"system": system, "code": purpose}]}]
    return built


def patient(who: str) -> dict[str, Any]:
    """Return the entity of the patient that an event is about.

    Args:
        who: ``Patient/id`` where this node holds the record, else a pseudonym.
    """
    found = {"reference": who} if who.startswith("Patient/") else _pseudonym("person", who)
    return {"what": found | {"type": "Patient"}, "type": _PERSON, "role": _PATIENT_ROLE}


def thing(what: str, **detail: str) -> dict[str, Any]:
    """Return the entity of what was used.

    Args:
        what: ``Type/id`` of a resource, or ``referral:id``, ``key:id``…: kind and id.
        detail: more, as short texts without protected data.

    Raises:
        BadInputError: a text is empty, or ``what`` has neither form.
    """
    kind, colon, id_ = what.partition(":")
    if not all((what, *detail.values())) or ("/" not in what and not (kind and id_)):
        raise BadInputError("An audit event has no empty texts.")
    reference = _pseudonym(kind, id_) if colon else {"reference": what}
    entity = {"what": reference, "type": _SYSTEM_OBJECT, "role": _DOMAIN_RESOURCE}
    return entity | _details(detail)


def reason(text: str) -> dict[str, Any]:
    """Return the entity that holds why somebody did it, in their own words.

    Raises:
        BadInputError: there is no reason.
    """
    if not text.strip():
        raise BadInputError("There is no reason.")
    return {"type": _OTHER, "name": "reason", "description": text.strip()}


def query(request: str) -> dict[str, Any]:
    """Return the entity of a search: the request as path and query, in base64 as BALP wants it."""
    encoded = base64.b64encode(request.encode()).decode()
    return {"type": _SYSTEM_OBJECT, "role": _QUERY_ROLE, "query": encoded}


def _pseudonym(kind: str, value: str) -> dict[str, Any]:
    if not value:
        raise BadInputError("An audit event has no empty texts.")
    return {"identifier": {"system": f"urn:caretier:{kind}", "value": value}}


def _details(detail: dict[str, str]) -> dict[str, Any]:
    if not detail:
        return {}
    return {"detail": [{"type": name, "valueString": text} for name, text in detail.items()]}
