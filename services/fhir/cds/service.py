"""A decision-support service: what it is called, what it wants to know, and how it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from services.fhir.cds.cards import Decision, Indicator
from services.fhir.cds.messages import Context
from services.fhir.cds.prefetch import Gathered
from services.fhir.cds.tokens import TrustedEhr

Hook = TypeVar("Hook", bound=Context)


@dataclass(frozen=True)
class Call(Generic[Hook]):
    """One call, with all that could be had for it in time.

    Attributes:
        ehr: who calls.
        context: of the hook.
        gathered: resources of the patient.
        base: address under which the outside knows this server.
        today: day on which it is decided.
        client: network address of the caller.
    """

    ehr: TrustedEhr
    context: Hook
    gathered: Gathered
    base: str
    today: date
    client: str | None = None


@dataclass(frozen=True)
class Service(Generic[Hook]):
    """One entry of ``/cds-services``.

    Attributes:
        id: last part of its address.
        hook: at which it is called.
        title, description: for the people who configure an EHR.
        usage: what the service expects, and its policies.
        context: model of the hook's context.
        prefetch: templates by key.
        called: what a reader calls the data of each key, for what could not be checked.
        optional: keys whose absence alone is not worth a card; many an EHR has no such data.
        silence: indicator of the card that says what could not be checked.
        decide: yields decisions, the gravest first: whatever it has yielded when the time is up is
            answered. It must only read.
    """

    id: str
    hook: str
    title: str
    description: str
    usage: str
    context: type[Hook]
    prefetch: Mapping[str, str]
    called: Mapping[str, str]
    decide: Callable[[Call[Hook]], Iterator[Decision]] = field(repr=False)
    optional: frozenset[str] = frozenset()
    silence: Indicator = "warning"

    def to_json(self) -> dict[str, Any]:
        """The entry as it is sent."""
        return {
            "hook": self.hook,
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "usageRequirements": self.usage,
            "prefetch": dict(self.prefetch),
        }
