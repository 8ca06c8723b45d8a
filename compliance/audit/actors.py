"""Who acts on a node, and what every event of theirs has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.audit import balp
from compliance.audit.agents import DESTINATION, SOURCE, Agent, coding


@dataclass(frozen=True)
class Actors:
    """Who acts on a node.

    Attributes:
        application: the program that asks, by its client id.
        node: name of the node that serves and writes it down.
        person: who asks; None for a program of its own.
        model: the model that is used, if any.
        client: network address that the request comes from.
        purpose: code of v3-ActReason.
    """

    application: Agent
    node: str
    person: Agent | None = None
    model: Agent | None = None
    client: str = "127.0.0.1"
    purpose: str = "TREAT"

    def to_fhir(
        self,
        client: tuple[dict[str, str], ...] = (SOURCE,),
        server: tuple[dict[str, str], ...] = (DESTINATION,),
        person: tuple[dict[str, str], ...] = (),
    ) -> list[dict[str, Any]]:
        """Write all of them as agents, each with the codes of its part."""
        return [
            *([self.person.to_fhir(*person)] if self.person else []),
            self.application.to_fhir(*client, address=self.client),
            *([self.model.to_fhir()] if self.model else []),
            Agent("node", self.node).to_fhir(*server, address=self.node),
        ]


def own(code: str) -> dict[str, str]:
    """Return our own code of an act."""
    return coding("urn:caretier:act", code, code)


def event(by: Actors, **parts: Any) -> dict[str, Any]:
    """Put an event together that this node writes down; `balp.event` says what parts there are."""
    site: dict[str, Any] = {
        "observer": Agent("node", by.node),
        "site": by.node,
        "agents": by.to_fhir(),
    }
    return balp.event(**(site | parts))


def about(patient: str | None) -> list[dict[str, Any]]:
    """Return the entity of the patient, if there is one."""
    return [balp.patient(patient)] if patient else []
