"""Who or what took part in an event, each with the code of the part that it played."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal

from compliance.errors import BadInputError

Kind = Literal["person", "application", "model", "node"]

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def coding(system: str, code: str, display: str) -> dict[str, str]:
    """Return a FHIR Coding; a bare system name is one of terminology.hl7.org."""
    url = system if "://" in system or system.startswith("urn:") else f"{TERMINOLOGY}/{system}"
    return {"system": url, "code": code, "display": display}


APPLICATION = coding(DICOM, "110150", "Application")
ASSEMBLER = coding("provenance-participant-type", "assembler", "Assembler")
AUTHOR = coding("v3-ParticipationType", "AUT", "author (originator)")
AUTHORISER = coding("http://snomed.info/sct", "429577009", "Patient Advocate")
CUSTODIAN = coding("provenance-participant-type", "custodian", "Custodian")
DESTINATION = coding(DICOM, "110152", "Destination Role ID")
DEVICE = coding("v3-ParticipationType", "DEV", "device")
HUMAN = coding("extra-security-role-type", "humanuser", "human user")
RECIPIENT = coding("v3-ParticipationType", "IRCP", "information recipient")
SOURCE = coding(DICOM, "110153", "Source Role ID")

_TYPES: dict[Kind, tuple[dict[str, str], ...]] = {
    "person": (HUMAN,),
    "application": (APPLICATION,),
    # An AI model is a device that puts an answer together from what others wrote.
    "model": (DEVICE, ASSEMBLER),
    "node": (),
}


@dataclass(frozen=True)
class Agent:
    """Who or what took part.

    Attributes:
        kind: a person, the application that acted for it, the model that was used, or the node
            (the machine) at the other end.
        id: a pseudonym, client id, model digest or node name; never a name from a record.
        name: how to show it, for an application or model; None for persons of a record.
        role: for example ``patient`` or ``clinician``; None where it says nothing.
    """

    kind: Kind
    id: str
    name: str | None = None
    role: str | None = None

    def who(self) -> dict[str, Any]:
        """Return the logical reference to this agent."""
        return {"identifier": {"system": f"urn:caretier:{self.kind}", "value": self.id}}

    def to_fhir(self, *parts: dict[str, str], address: str | None = None) -> dict[str, Any]:
        """Write it as AuditEvent.agent; only the person is the requestor.

        Args:
            parts: codes of the part that it played here, beside the codes of its kind.
            address: network address, for an application or a node.

        Raises:
            BadInputError: it has no id.
        """
        if not self.id:
            raise BadInputError("An audit event has no empty texts.")
        agent: dict[str, Any] = {
            "type": {"coding": [*parts, *_TYPES[self.kind]], "text": self.kind},
            "who": self.who(),
            "requestor": self.kind == "person",
        }
        if self.name is not None:
            agent["name"] = self.name
        if self.role is not None:
            agent["role"] = [{"text": self.role}]
        if address is not None:
            agent["network"] = {"address": address, "type": _network_type(address)}
        return agent


def _network_type(address: str) -> str:
    """The code of FHIR's network-type: 1 a machine name, 2 an IP address, 5 a URI."""
    if "://" in address:
        return "5"
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return "1"
    return "2"
