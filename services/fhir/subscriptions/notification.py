"""Notifications as R4 has them: a Bundle of history that begins with the status as Parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from services.fhir import jsontext
from services.fhir.models import SubscriptionEventRow
from services.fhir.subscriptions.spec import BACKPORT

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]


@dataclass(frozen=True)
class Event:
    """An event as its subscriber may be told of it.

    Attributes:
        number: of the event.
        occurred: instant of the write.
        focus: ``Type/id``; "" where nothing of it is told.
        text: the resource as it is now; "" where only its name is told.
        created: whether it was new then.
    """

    number: int
    occurred: str
    focus: str = ""
    text: str = ""
    created: bool = False

    @classmethod
    def of(cls, row: SubscriptionEventRow, content: str, text: str) -> Event:
        """An event with as much of its resource as the subscription asks for."""
        focus = "" if content == "empty" else f"{row.type}/{row.resource}"
        shown = text if content == "full-resource" else ""
        return cls(row.number, row.occurred, focus, shown, row.version == 1)


@dataclass(frozen=True)
class Status:
    """How a subscription stands: its id, topic, state, number of events, and what is wrong."""

    subscription: str
    topic: str
    state: str
    events: int
    error: str = ""

    def parameters(self, base: str, kind: Kind, events: Sequence[Event] = ()) -> dict[str, Any]:
        """The Parameters of the backport's profile.

        Args:
            base: absolute URL of ``/fhir``.
            kind: why it is said.
            events: that it tells of.
        """
        place = {"reference": f"{base}/Subscription/{self.subscription}"}
        found: list[dict[str, Any]] = [{"name": "subscription", "valueReference": place}]
        if self.topic:
            found.append({"name": "topic", "valueCanonical": self.topic})
        found += [
            {"name": "status", "valueCode": self.state},
            {"name": "type", "valueCode": kind},
            {"name": "events-since-subscription-start", "valueString": str(self.events)},
            *(_event(base, event) for event in events),
        ]
        if self.error:
            found.append({"name": "error", "valueCodeableConcept": {"text": self.error}})
        return {
            "resourceType": "Parameters",
            "id": str(uuid4()),
            "meta": {"profile": [f"{BACKPORT}/backport-subscription-status-r4"]},
            "parameter": found,
        }


def _event(base: str, event: Event) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": event.occurred},
    ]
    if event.focus:
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.focus}"}})
    return {"name": "notification-event", "part": parts}


def notification(base: str, status: Status, kind: Kind, events: Sequence[Event] = ()) -> str:
    """The JSON text of a notification; resources stand in it as they came.

    Args:
        base: absolute URL of ``/fhir``.
        status: of the subscription.
        kind: of the notification.
        events: that it tells of.
    """
    parameters = status.parameters(base, kind, events)
    asked = {"method": "GET", "url": f"{base}/Subscription/{status.subscription}/$status"}
    first: Mapping[str, Any] = {
        "fullUrl": f"urn:uuid:{parameters['id']}",
        "resource": parameters,
        "request": asked,
        "response": {"status": "200"},
    }
    texts = [jsontext.dumps(first), *_entries(base, events)]
    head = {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"profile": [f"{BACKPORT}/backport-subscription-notification-r4"]},
        "type": "history",
    }
    return f'{jsontext.dumps(head)[:-1]},"entry":[{",".join(texts)}]}}'


def _entries(base: str, events: Sequence[Event]) -> list[str]:
    """The resources of the events, each once, as the last event has it."""
    last = {event.focus: event for event in events if event.text}
    return [
        f'{{"fullUrl":{jsontext.dumps(f"{base}/{event.focus}")},"resource":{event.text},'
        f'"request":{jsontext.dumps(_request(event))},'
        f'"response":{{"status":"{201 if event.created else 200}"}}}}'
        for event in last.values()
    ]


def _request(event: Event) -> dict[str, str]:
    kind, _, _identity = event.focus.partition("/")
    if event.created:
        return {"method": "POST", "url": kind}
    return {"method": "PUT", "url": event.focus}
