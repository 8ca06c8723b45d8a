"""FHIR R4 AuditEvents for what crosses a tier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from compliance.errors import BadInputError

Action = Literal["send", "receive", "answer", "enrol", "sign", "read"]
Outcome = Literal["0", "4", "8", "12"]

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_KINDS: dict[Action, tuple[str, str, str]] = {
    # action: DICOM audit event id, its display, FHIR action code
    "send": ("110106", "Export", "R"),
    "receive": ("110107", "Import", "C"),
    "answer": ("110106", "Export", "C"),
    "enrol": ("110137", "User security Attributes Changed", "C"),
    "sign": ("110110", "Patient Record", "U"),
    "read": ("110110", "Patient Record", "R"),
}


@dataclass(frozen=True)
class Agent:
    """Who or what took part.

    Attributes:
        kind: a person, the application that acted for it, or the model that was used.
        id: a pseudonym, client id or model digest; never a name from a record.
        name: how to show it, for an application or model; None for persons.
        role: for example ``patient`` or ``clinician``; None where it says nothing.
    """

    kind: Literal["person", "application", "model"]
    id: str
    name: str | None = None
    role: str | None = None

    def to_fhir(self) -> dict[str, Any]:
        """Write it as AuditEvent.agent; only the person is the requestor."""
        type_code, display = {
            "person": ("humanuser", "human user"),
            "application": ("dataprocessor", "data processor"),
            "model": ("dataprocessor", "data processor"),
        }[self.kind]
        coding = {
            "system": f"{_TERMINOLOGY}/extra-security-role-type",
            "code": type_code,
            "display": display,
        }
        agent: dict[str, Any] = {
            "type": {"coding": [coding], "text": self.kind},
            "who": {"identifier": {"system": f"urn:caretier:{self.kind}", "value": self.id}},
            "requestor": self.kind == "person",
        }
        if self.name is not None:
            agent["name"] = self.name
        if self.role is not None:
            agent["role"] = [{"text": self.role}]
        return agent


def crossing(
    *,
    action: Action,
    referral: str,
    person: Agent,
    application: Agent,
    model: Agent | None,
    source: str,
    destination: str,
    detail: dict[str, str],
    outcome: Outcome = "0",
) -> dict[str, Any]:
    """Describe a crossing as a FHIR R4 AuditEvent.

    Args:
        action: what happens.
        referral: id of the referral (of the device, for ``enrol``).
        person: for whom; pseudonymous.
        application: which program acts.
        model: which model was used, if any.
        source: node or level that it comes from.
        destination: node or level that it goes to.
        detail: more, as short texts without protected data (receipt id, digest, bytes…).
        outcome: FHIR code, ``0`` success, ``4``, ``8``, ``12`` failures of growing weight.

    Raises:
        BadInputError: an agent is in another's place, or a text is empty.
    """
    agents = {"person": person, "application": application, "model": model}
    if any(agent is not None and agent.kind != kind for kind, agent in agents.items()):
        raise BadInputError("Each agent of an audit event must stand in its own place.")
    present = [agent for agent in agents.values() if agent is not None]
    texts = [referral, source, destination, *detail, *detail.values(), *(a.id for a in present)]
    if not all(texts):
        raise BadInputError("An audit event has no empty texts.")
    code, display, fhir_action = _KINDS[action]
    event = _event(code, display, action, [agent.to_fhir() for agent in present])
    entity = {
        "what": {"identifier": {"system": "urn:caretier:referral", "value": referral}},
        "detail": [
            {"type": name, "valueString": text}
            for name, text in {"source": source, "destination": destination, **detail}.items()
        ],
    }
    return event | {
        "action": fhir_action,
        "outcome": outcome,
        "source": {"observer": {"display": source}, "site": source},
        "entity": [entity],
    }


def repair(node: str, torn_bytes: int) -> dict[str, Any]:
    """Describe that an unfinished line of this many bytes was set aside after a crash."""
    application = Agent("application", node, name="caretier").to_fhir()
    event = _event("110101", "Audit Log Used", "repair", [application])
    detail = [{"type": "torn-bytes", "valueString": str(torn_bytes)}]
    return event | {
        "action": "U",
        "outcome": "4",
        "source": {"observer": {"display": node}, "site": node},
        "entity": [{"name": "unfinished last line", "detail": detail}],
    }


def _event(code: str, display: str, subtype: str, agents: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "id": str(uuid4()),
        "type": {"system": _DICOM, "code": code, "display": display},
        "subtype": [{"system": "urn:caretier:crossing", "code": subtype}],
        "recorded": datetime.now(UTC).isoformat(),
        "agent": agents,
    }
