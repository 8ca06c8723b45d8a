"""A store with subscriptions, and a subscriber whose answers a test chooses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request

from compliance.access import Scopes
from services.fhir._prepare import prepare
from services.fhir.access import Access, Disclosure, Grant
from services.fhir.store import FhirStore
from services.fhir.subscriptions import routes
from services.fhir.subscriptions.service import Subscriptions
from services.fhir.subscriptions.spec import BACKPORT
from services.fhir.subscriptions.topics import Topic, topics_of
from services.web.outbound import Outbound

BASE = "http://localhost/fhir"
ENDPOINT = "https://listener.example.org/hook"
REPLIES = Topic("urn:example:topic:replies", "Replies", (("Communication", ""),))


def criteria(text: str = "Observation?patient=Patient/p1", **channel: Any) -> dict[str, Any]:
    """A Subscription of R4 by criteria."""
    return {
        "resourceType": "Subscription",
        "id": "s1",
        "status": "requested",
        "reason": "test",
        "criteria": text,
        "channel": {
            "type": "rest-hook",
            "endpoint": ENDPOINT,
            "payload": "application/fhir+json",
            **channel,
        },
    }


def by_topic(*filters: str, content: str = "id-only", topic: str = "", **more: Any) -> dict:
    """A Subscription by topic, as the backport writes it."""
    made = criteria(topic or "urn:caretier:topic:record-changed", **more)
    made["channel"]["_payload"] = {
        "extension": [{"url": f"{BACKPORT}/backport-payload-content", "valueCode": content}]
    }
    if filters:
        made["_criteria"] = {
            "extension": [
                {"url": f"{BACKPORT}/backport-filter-criteria", "valueString": text}
                for text in filters
            ]
        }
    return made


def observation(id_: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


@dataclass
class Listener:
    """What came to the subscriber, and how it answers."""

    status: int = 200
    came: list[tuple[httpx.Headers, dict[str, Any] | None]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == ENDPOINT
        self.came.append((request.headers, json.loads(request.content or b"null")))
        return httpx.Response(self.status)

    def parameters(self, number: int = -1) -> dict[str, Any]:
        """Name and value of each parameter of a notification."""
        bundle = self.came[number][1]
        return read(bundle["entry"][0]["resource"])

    def kinds(self) -> list[str]:
        return [self.parameters(number)["type"] for number in range(len(self.came))]


def read(parameters: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"events": []}
    for one in parameters["parameter"]:
        if one["name"] == "notification-event":
            parts = {p["name"]: next(v for k, v in p.items() if k != "name") for p in one["part"]}
            found["events"].append(parts)
        else:
            found[one["name"]] = next(v for k, v in one.items() if k != "name")
    return found


class Hub:
    """One server with subscriptions."""

    def __init__(self, database: Any, outbound: Outbound) -> None:
        self.scopes = {"client": "system/*.cruds", "other": "system/*.cruds"}
        self.disclosed: list[Disclosure] = []
        self.jobs: list[str] = []
        self._known: set[str] = set()
        self.listener = Listener()
        self.subscriptions = Subscriptions(
            database,
            topics=topics_of(REPLIES),
            access=self.access,
            outbound=outbound,
            add_job=self._add_job,
            base=BASE,
        )
        self.database = database
        self.store = FhirStore(database, self.subscriptions.checks)
        self.store.put({"resourceType": "Patient", "id": "p1"})
        self.store.put({"resourceType": "Patient", "id": "p2"})
        app = FastAPI()
        app.include_router(routes.router(self.subscriptions, self._enter))
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def heard_by_listener(self, **_kwargs: Any) -> httpx.AsyncClient:
        """A client that reaches the listener and nobody else."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self.listener))

    def _add_job(self, _session: Any, _kind: str, subject: str) -> None:
        if subject not in self._known:  # the same once only, as the hospital's jobs are
            self._known.add(subject)
            self.jobs.append(subject)

    def _enter(self, request: Request) -> Access:
        return self.access_of(request.headers.get("x-program", "client"))

    def access_of(self, name: str) -> Access:
        found = self.access(Grant(name, self.scopes[name]))
        assert found is not None
        return found

    def access(self, grant: Grant) -> Access | None:
        if grant.client not in self.scopes:
            return None
        scopes = Scopes.parse(self.scopes[grant.client])
        return Access(
            allows=scopes.allows,
            queries=scopes.queries,
            disclose=self.disclosed.append,
            grant=grant,
        )

    def write(self, resource: dict[str, Any], by: str = "client", access: Any = None) -> None:
        """Write a resource as a client does."""
        item = prepare(resource)
        self.store.write(lambda writer: writer.update(item), access or self.access_of(by))

    async def work(self) -> None:
        """Look for events, and do the jobs that there are."""
        while self.subscriptions.scan.step():
            pass
        while self.jobs:
            await self.subscriptions.delivery.run(self.jobs.pop(0), lambda _session: True)

    async def subscribe(self, resource: dict[str, Any], by: str = "client") -> None:
        """Write a Subscription and see it become active."""
        self.write(resource, by)
        await self.work()
        assert self.status(resource["id"]) == "active"

    def status(self, id_: str = "s1") -> str:
        return self.store.read("Subscription", id_)["status"]
