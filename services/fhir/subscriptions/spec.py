"""What a Subscription asks for: R4 by criteria, or by topic as the R5 backport writes it.

    spec = Spec.read(resource, topics)
    spec.searches           # (("Observation", "patient=Patient/p01&code=4548-4"),)

Whatever is not done here is refused, element by element, so that nobody waits for notifications
that never come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from services.fhir.errors import Fault, FhirInvalidError, FhirParameterError
from services.fhir.search.narrow import narrowing
from services.fhir.subscriptions.topics import Search, Topics
from services.fhir.validate import resource_types

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
JSON = frozenset({"application/fhir+json", "application/json"})
CONTENTS = frozenset({"empty", "id-only", "full-resource"})
MAX_HEADERS = 10
MAX_SEARCHES = 20
MAX_COUNT = 100
"""Most events of one notification."""
LEAST_BEAT = 10
"""Shortest heartbeat period, in seconds."""
MOST_TIMEOUT = 30
"""Longest time that a subscriber may take to answer, in seconds."""
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}): ?([\x21-\x7e](?:[\x20-\x7e]{0,998}))")
_OURS = frozenset(
    {
        *("accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
"""Headers that say how a message is sent, and are not the subscriber's to set."""
_SEARCH = re.compile(r"([A-Z][A-Za-z]{2,63})(?:\?(.*))?", re.DOTALL)
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Spec:
    """A subscription as it is done.

    Attributes:
        topic: canonical address; "" where criteria say all.
        searches: one of which a resource that was written must match.
        endpoint: where notifications go.
        headers: names and values that go with them.
        content: how much of the resource they hold; "" for a bare call without a body.
        beat: seconds after which a quiet subscription is heard of; 0 for never.
        timeout: how long the subscriber may take, in seconds.
        count: most events of one notification.
        end: when the subscription is over.
    """

    topic: str
    searches: tuple[Search, ...]
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    content: str
    beat: int
    timeout: int
    count: int
    end: datetime | None

    @property
    def over(self) -> bool:
        """Whether its time is over."""
        return self.end is not None and self.end <= datetime.now(UTC)

    @property
    def quiet(self) -> timedelta | None:
        """After how much time the subscriber is to hear of it; None for never."""
        return timedelta(seconds=self.beat) if self.beat else None

    @classmethod
    def read(cls, resource: Json, topics: Topics) -> Self:
        """Read a Subscription.

        Raises:
            FhirInvalidError: it asks for something that is not done here; each is named.
        """
        reading = _Reading(resource, topics)
        spec = cls(
            topic=reading.topic(),
            searches=reading.searches(),
            endpoint=str(reading.channel.get("endpoint", "")),
            headers=reading.headers(),
            content=reading.content(),
            beat=reading.number("backport-heartbeat-period", 0, LEAST_BEAT, 86_400),
            timeout=reading.number("backport-timeout", 10, 1, 86_400),
            count=reading.number("backport-max-count", MAX_COUNT, 1, 1 << 31, of="channel"),
            end=reading.end(),
        )
        reading.require_rest_hook()
        if reading.faults:
            raise FhirInvalidError(tuple(reading.faults))
        return spec


class _Reading:
    """Reads the elements of one Subscription, and collects what is wrong with them."""

    def __init__(self, resource: Json, topics: Topics) -> None:
        self._resource, self._topics = resource, topics
        self.channel: Json = resource.get("channel", {})
        self.faults: list[Fault] = []

    def fault(self, element: str, rule: str) -> None:
        self.faults.append(Fault(f"Subscription.{element}", rule))

    def topic(self) -> str:
        criteria = str(self._resource.get("criteria", ""))
        if ":" not in criteria.partition("?")[0]:
            return ""
        if criteria not in self._topics:
            self.fault("criteria", "is a topic that this server does not have")
        return criteria

    def searches(self) -> tuple[Search, ...]:
        criteria = str(self._resource.get("criteria", ""))
        beside = self._resource.get("_criteria", {})
        filters = list(_extensions(beside, "backport-filter-criteria"))
        topic = self._topics.get(criteria)
        if topic is None and ":" in criteria.partition("?")[0]:
            return ()
        given = filters if topic is not None else [criteria, *filters]
        found = [search for text in given if (search := self._search(str(text)))]
        if topic is not None and topic.searches:
            if found:
                self.fault("criteria", "has a topic that takes no filter")
            return topic.searches
        if not found and not self.faults:
            self.fault("criteria", "needs a filter, as Observation?patient=Patient/x")
        if len(found) > MAX_SEARCHES:
            self.fault("criteria", f"has more than {MAX_SEARCHES} filters")
        return tuple(found)

    def _search(self, text: str) -> Search | None:
        parts = _SEARCH.fullmatch(text)
        if parts is None or parts[1] not in resource_types():
            self.fault("criteria", "must be Type?query, or the address of a topic")
            return None
        kind, query = parts[1], parts[2] or ""
        try:
            if query:
                narrowing(kind, query)
        except FhirParameterError as error:
            self.fault("criteria", error.message)
            return None
        return kind, query

    def headers(self) -> tuple[tuple[str, str], ...]:
        given: Sequence[Any] = self.channel.get("header", ())
        found = [_HEADER.fullmatch(str(text)) for text in given]
        if len(given) > MAX_HEADERS:
            self.fault("channel.header", f"has more than {MAX_HEADERS} headers")
        if not all(one and one[1].lower() not in _OURS for one in found):
            self.fault("channel.header", "must be Name: value, of a header that may be set")
        return tuple((one[1], one[2]) for one in found if one)

    def content(self) -> str:
        payload = str(self.channel.get("payload", ""))
        beside = self.channel.get("_payload", {})
        asked = next(_extensions(beside, "backport-payload-content"), None)
        if payload and payload.partition(";")[0].strip() not in JSON:
            self.fault("channel.payload", "must be application/fhir+json")
        if asked is not None and asked not in CONTENTS:
            self.fault("channel.payload", "must be empty, id-only or full-resource")
        if asked is None:
            return "full-resource" if payload else ""
        return str(asked)

    def number(self, name: str, default: int, least: int, most: int, *, of: str = "channel") -> int:
        value = next(_extensions(self._resource.get(of, {}), name), default)
        if not isinstance(value, int) or not (value == default or least <= value <= most):
            self.fault("channel", f"has a {name} that is not {least} to {most}")
            return default
        return value

    def end(self) -> datetime | None:
        text = self._resource.get("end")
        return datetime.fromisoformat(text) if text else None

    def require_rest_hook(self) -> None:
        if self.channel.get("type") != "rest-hook":
            self.fault("channel.type", "must be rest-hook")
        if self.channel.get("_type"):
            self.fault("channel.type", "has an extension that is not done here")
        if not self.channel.get("endpoint"):
            self.fault("channel.endpoint", "is required")


def _extensions(element: Any, name: str) -> Iterator[Any]:
    """Values of the backport's extension of this name on an element."""
    for extension in element.get("extension", ()) if isinstance(element, Mapping) else ():
        if extension.get("url") == f"{BACKPORT}/{name}":
            yield next((v for k, v in extension.items() if k.startswith("value")), None)
