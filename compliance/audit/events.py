"""FHIR R4 AuditEvents for what crosses a tier; `compliance.audit.acts` has those of one node."""

from __future__ import annotations

from typing import Any, Literal

from compliance.audit import balp
from compliance.audit.agents import AUTHORISER, DESTINATION, DICOM, SOURCE, Agent, coding
from compliance.audit.balp import DISCLOSE, EXPORT, IMPORT, Outcome, Profile
from compliance.errors import BadInputError

Action = Literal["send", "receive", "answer", "enrol", "sign", "read", "withdraw"]
_Code = Literal["C", "R", "U", "D"]

_RECORD = coding(DICOM, "110110", "Patient Record")
_SECURITY = coding(DICOM, "110113", "Security Alert")
_ATTRIBUTES = coding(DICOM, "110137", "User security Attributes Changed")
_TRANSMIT = coding("iso-21089-lifecycle", "transmit", "Transmit Record Lifecycle Event")
_RECEIVE = coding("iso-21089-lifecycle", "receive", "Receive/Retain Record Lifecycle Event")

_Kind = tuple[dict[str, str], tuple[dict[str, str], ...], _Code, Profile | None]
_KINDS: dict[Action, _Kind] = {
    # action: type, subtypes beside our own, FHIR action, BALP profile
    "send": (EXPORT, (DISCLOSE,), "R", "PrivacyDisclosure.Source"),
    "receive": (IMPORT, (DISCLOSE,), "C", "PrivacyDisclosure.Recipient"),
    "answer": (EXPORT, (_TRANSMIT,), "R", None),
    "enrol": (_SECURITY, (_ATTRIBUTES,), "C", None),
    "sign": (_RECORD, (), "U", None),
    "read": (_RECORD, (), "R", None),
    "withdraw": (_RECORD, (), "D", None),
}
_TO_THE_PERSON: _Kind = (IMPORT, (_RECEIVE,), "C", None)
"""An answer that comes back to the device: the person's own, so no disclosure."""


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
    patient: str | None = None,
) -> dict[str, Any]:
    """Describe a crossing as a FHIR R4 AuditEvent.

    Args:
        action: what happens.
        referral: id of the referral, or what else it is about (``Patient/p1``, ``consent:c1``).
        person: for whom, pseudonymous; for ``sign`` and ``read`` who does it.
        application: which program acts; it is also who writes this down.
        model: which model was used, if any.
        source: node or level that it comes from.
        destination: node or level that it goes to.
        detail: more, as short texts without protected data (receipt id, digest, bytes…).
        outcome: FHIR code, ``0`` success, ``4``, ``8``, ``12`` failures of growing weight.
        patient: ``Patient/id`` or a pseudonym; what crosses is about ``person`` when left out.

    Raises:
        BadInputError: an agent is in another's place, or a text is empty.
    """
    agents = {"person": person, "application": application, "model": model}
    if any(agent is not None and agent.kind != kind for kind, agent in agents.items()):
        raise BadInputError("Each agent of an audit event must stand in its own place.")
    if not all((referral, source, destination, *detail, *detail.values())):
        raise BadInputError("An audit event has no empty texts.")
    own = action == "receive" and destination == "device"
    kind, subtypes, code, profile = _TO_THE_PERSON if own else _KINDS[action]
    within = action in {"read", "sign", "enrol"}
    about = patient or (None if within else person.id)
    named = "/" in referral or ":" in referral
    what = referral if named else f"referral:{referral}"
    used = balp.thing(what, source=source, destination=destination, **detail)
    return balp.event(
        kind=kind,
        subtypes=[coding("urn:caretier:crossing", action, action), *subtypes],
        action=code,
        agents=_agents(action, person, application, model, (source, destination)),
        observer=application,
        site=destination if action == "receive" else source,
        entities=[used, *([balp.patient(about)] if about else [])],
        profile=profile,
        outcome=outcome,
        purpose=None if action == "enrol" else "TREAT",
    )


def _agents(
    action: Action,
    person: Agent,
    application: Agent,
    model: Agent | None,
    ends: tuple[str, str],
) -> list[dict[str, Any]]:
    """The person, the program at this end, the model, and the node at the other end."""
    mine, other = ends if action != "receive" else ends[::-1]
    here, there = (SOURCE, DESTINATION) if action != "receive" else (DESTINATION, SOURCE)
    authorises = (AUTHORISER,) if action in {"send", "receive", "withdraw"} else ()
    return [
        person.to_fhir(*authorises),
        application.to_fhir(here, address=mine),
        *([model.to_fhir()] if model else []),
        Agent("node", other).to_fhir(there, address=other),
    ]


def repair(node: str, torn_bytes: int) -> dict[str, Any]:
    """Describe that an unfinished line of this many bytes was set aside after a crash."""
    application = Agent("application", node, name="caretier")
    detail = [{"type": "torn-bytes", "valueString": str(torn_bytes)}]
    return balp.event(
        kind=coding(DICOM, "110101", "Audit Log Used"),
        subtypes=[coding("urn:caretier:crossing", "repair", "repair")],
        action="U",
        agents=[application.to_fhir()],
        observer=application,
        site=node,
        entities=[{"name": "unfinished last line", "detail": detail}],
        outcome="4",
    )
