"""A store with bulk data over it, its jobs done when a test says so."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from compliance.access import Scopes
from services.fhir.access import Access, Change, Disclosure, Grant
from services.fhir.bulk import routes
from services.fhir.bulk.service import Bulk
from services.fhir.store import FhirStore
from services.store.database import Database
from services.web.outbound import Outbound

ASYNC = {"prefer": "respond-async"}


@dataclass
class Programs:
    """What each program may see; a header of the request says which one it is."""

    scopes: dict[str, str] = field(default_factory=lambda: {"reader": "system/*.rs"})
    bounds: dict[str, Access] = field(default_factory=dict)
    disclosed: list[Disclosure] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def of(self, grant: Grant) -> Access | None:
        if grant.client not in self.scopes:
            return None
        scopes = Scopes.parse(grant.scopes)
        return Access(
            allows=scopes.allows,
            queries=scopes.queries,
            change=lambda *changes: self.changes.extend(changes),
            disclose=self.disclosed.append,
            grant=grant,
        )

    def enter(self, request: Request) -> Access:
        name = request.headers.get("x-program", "reader")
        if name in self.bounds:
            return self.bounds[name]
        found = self.of(Grant(name, self.scopes[name]))
        assert found is not None
        return found


class Server:
    """One server of bulk data, with a client for it."""

    def __init__(self, database: Any, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.store, self.programs = FhirStore(database), Programs()
        self.jobs: list[tuple[str, str]] = []
        self.bulk = Bulk(
            database,
            self.store,
            folder,
            self.programs.of,
            add_job=lambda _session, kind, subject: self.jobs.append((kind, subject)),
            outbound=Outbound(["https://files.example.org"]),
            keep=timedelta(days=1),
        )
        app = FastAPI()
        app.include_router(routes.router(self.bulk, self.programs.enter))
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def work(self, attempt: int = 1) -> None:
        """Do the jobs that there are."""
        while self.jobs:
            kind, subject = self.jobs.pop(0)
            doers = {"bulk-export": self.bulk.exporter, "bulk-import": self.bulk.importer}
            with ThreadPoolExecutor(1) as thread:  # as the hospital does
                thread.submit(doers[kind].run, subject, attempt, lambda _session: True).result()

    async def kick_off(self, path: str = "/fhir/$export", **sent: Any) -> httpx.Response:
        sent["headers"] = ASYNC | sent.get("headers", {})
        return await self.client.request("POST" if "json" in sent else "GET", path, **sent)

    async def manifest(self, path: str = "/fhir/$export", **sent: Any) -> dict[str, Any]:
        """Export, and return the manifest."""
        begun = await self.kick_off(path, **sent)
        assert begun.status_code == 202, begun.text
        self.work()
        headers = sent.get("headers", {})
        done = await self.client.get(begun.headers["content-location"], headers=headers)
        assert done.status_code == 200, done.text
        return done.json()

    async def lines(self, manifest: dict[str, Any], name: str = "output", **sent: Any) -> list[str]:
        """Every line of the files that a manifest lists."""
        found: list[str] = []
        for item in manifest[name]:
            answer = await self.client.get(item["url"], **sent)
            assert answer.status_code == 200, answer.text
            lines = answer.text.splitlines()
            assert len(lines) == item["count"]
            found += lines
        return found

    async def exported(self, path: str = "/fhir/$export", **sent: Any) -> set[str]:
        """References of what an export holds."""
        manifest = await self.manifest(path, **sent)
        lines = await self.lines(manifest, headers=sent.get("headers", {}))
        found = [json.loads(line) for line in lines]
        refs = [f"{one['resourceType']}/{one['id']}" for one in found]
        assert len(refs) == len(set(refs))
        return set(refs)


@pytest.fixture
async def server(database, tmp_path):
    made = Server(database, tmp_path / "bulk")
    yield made
    await made.client.aclose()


@pytest.fixture
async def loaded(sandbox_url, tmp_path):
    database = Database(sandbox_url)
    made = Server(database, tmp_path / "bulk")
    yield made
    await made.client.aclose()
    database.close()


@pytest.fixture
def bounded():
    """An access that is bound to something."""
    return replace(Access(), grant=Grant("bound", "system/*.rs"))
