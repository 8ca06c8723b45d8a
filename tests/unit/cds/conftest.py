"""A hospital that an invented EHR calls for decision support."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from support.cds_ehr import BASE, ISSUER, JWKS, key_set, token

from services.bricks.knowledge import Knowledge
from services.fhir.cds.keysets import KeySets
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings


class _QuickHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)


@cache
def _node() -> Any:
    """A node that knows, and does not consult."""
    return SimpleNamespace(index=SimpleNamespace(knowledge=Knowledge.load("hospital")))


class Trail:
    """Keeps events, in place of a file."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def record_all(self, events: Any) -> None:
        self.kept += events


@dataclass
class Desk:
    """The hospital, and how the EHR calls it."""

    hospital: Hospital
    app: FastAPI
    trail: Trail

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Call with a fresh token, unless an Authorization is given."""
        address = f"{BASE}{path}"
        sent = {"authorization": f"Bearer {token(address)}"} | headers
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        async with self.client() as client:
            return await client.post(path, headers=sent, **content)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app, client=("10.1.2.3", 5000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield client

    def events(self) -> list[dict[str, Any]]:
        """What was written down of decision support."""
        return [event for event in self.trail.kept if "urn:caretier:cds" in str(event)]


@pytest.fixture
def make_desk(tmp_path, monkeypatch, _migrated_sqlite):
    monkeypatch.setattr("services.hospital.accounts.PasswordHasher", _QuickHasher)
    made = []

    def make(
        *,
        fhir: str | None = None,
        origins: tuple[str, ...] = (),
        hurried: bool = False,
        **settings: Any,
    ) -> Desk:
        """Make a hospital; unless ``hurried`` it takes its time, however busy the machine is."""
        if not hurried:
            for name in ("FETCH_SECONDS", "WORK_SECONDS", "ANSWER_SECONDS"):
                monkeypatch.setattr(f"services.fhir.cds.engine.{name}", 20.0)
            monkeypatch.setattr("services.hospital.cds.service.ONCE_SECONDS", 20.0)
            monkeypatch.setattr("services.hospital.cds.service.CALL_SECONDS", 20.0)
            monkeypatch.setattr("services.fhir.cds.keysets.PATIENCE", 20.0)
        chosen = HospitalSettings(data=tmp_path / f"hospital-{len(made)}", **settings)
        chosen.data.mkdir()
        shutil.copyfile(_migrated_sqlite, chosen.data / "hospital.db")
        hospital, trail = Hospital(chosen, _node()), Trail()
        hospital.intake.audit = trail
        made.append(hospital)
        hospital.cds.ehrs.trust(ISSUER, JWKS, fhir_server=fhir, origins=origins)

        async def keys(_url: str) -> Any:
            return key_set()

        hospital.cds._verifier._keys = KeySets(keys)
        hospital.cds.warm()
        hospital.cds._outbound.client()
        return Desk(hospital, create(chosen, hospital), trail)

    yield make
    for hospital in made:
        hospital.cds.hooks.close()
        hospital.database.close()


@pytest.fixture
def desk(make_desk) -> Desk:
    return make_desk()
