"""A FHIR server over a database of one's own, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.fhir.access import Access, Change, Disclosure
from services.fhir.routes import router, unmatched
from services.fhir.store import FhirStore
from services.store.database import Database

JSON = {"content-type": "application/fhir+json"}
PATCH = {"content-type": "application/json-patch+json"}


@dataclass
class Told:
    """What was written down."""

    changes: list[Change] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def access(self, letters: str = "cruds", **more: Any) -> Access:
        """Access with these letters for every type."""
        return Access(
            **{
                "allows": lambda _kind, letter: letter in letters,
                "change": lambda *changes: self.changes.extend(changes),
                "disclose": self.disclosures.append,
                **more,
            }
        )


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def store(database: Database) -> FhirStore:
    return FhirStore(database)


Serve = Callable[[Access], TestClient]


@pytest.fixture
def serve(store: FhirStore) -> Iterator[Serve]:
    """Make a client with an access."""
    opened: list[TestClient] = []

    def make(access: Access) -> TestClient:
        app = FastAPI()
        app.include_router(router(lambda: store, lambda: access))
        app.include_router(unmatched())
        client = TestClient(app, headers=JSON)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(serve: Serve, told: Told) -> TestClient:
    """A client that may do everything."""
    return serve(told.access())


@dataclass(frozen=True)
class Make:
    """Resources and bundles of the tests."""

    @staticmethod
    def patient(identity: str | None = "p", **more: Any) -> dict[str, Any]:
        named = {} if identity is None else {"id": identity}
        return {"resourceType": "Patient", **named, "gender": "female", **more}

    @staticmethod
    def observation(subject: str = "Patient/p", **more: Any) -> dict[str, Any]:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
            "subject": {"reference": subject},
            **more,
        }

    @staticmethod
    def entry(
        method: str, url: str, resource: Any = None, full_url: str = "", **request: str
    ) -> dict[str, Any]:
        made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
        if resource is not None:
            made["resource"] = resource
        return made | ({"fullUrl": full_url} if full_url else {})

    @staticmethod
    def bundle(*entries: Any, kind: str = "transaction") -> dict[str, Any]:
        return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


@pytest.fixture
def make() -> Make:
    return Make()
