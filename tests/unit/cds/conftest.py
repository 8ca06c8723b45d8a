"""A hospital that an invented EHR calls for decision support."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from support.cds_ehr import BASE, ISSUER, JWKS, key_set, token

from services.bricks.knowledge import Knowledge
from services.fhir.cds.keysets import KeySets
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings


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


@contextmanager
def _opened(
    folder: Path, migrated: Path, fhir: str | None, origins: Any, more: Any
) -> Iterator[Desk]:
    folder.mkdir()
    shutil.copyfile(migrated, folder / "hospital.db")
    chosen = HospitalSettings(data=folder, **more)
    hospital, trail = Hospital(chosen, _node()), Trail()
    hospital.intake.audit = trail
    hospital.cds.ehrs.trust(ISSUER, JWKS, fhir_server=fhir, origins=origins)

    async def keys(_url: str) -> Any:
        return key_set()

    hospital.cds._verifier._keys = KeySets(keys)
    hospital.cds.warm()
    hospital.cds._outbound.client()
    yield Desk(hospital, create(chosen, hospital), trail)
    hospital.cds.hooks.close()
    hospital.database.close()


def _patient(patch: pytest.MonkeyPatch) -> None:
    """Let it take its time, however busy this machine is."""
    for name in ("FETCH_SECONDS", "WORK_SECONDS", "ANSWER_SECONDS"):
        patch.setattr(f"services.fhir.cds.engine.{name}", 20.0)
    for name in ("ONCE_SECONDS", "CALL_SECONDS"):
        patch.setattr(f"services.hospital.cds.service.{name}", 20.0)
    patch.setattr("services.fhir.cds.keysets.PATIENCE", 20.0)


@pytest.fixture
def make_desk(tmp_path, monkeypatch, _migrated_sqlite):
    """Make a hospital of one's own; ``hurried`` keeps to the time that it has in earnest."""
    with ExitStack() as stack:
        count = iter(range(99))

        def make(*, fhir=None, origins=(), hurried=False, **more: Any) -> Desk:
            if not hurried:
                _patient(monkeypatch)
            folder = tmp_path / f"hospital-{next(count)}"
            return stack.enter_context(_opened(folder, _migrated_sqlite, fhir, origins, more))

        yield make


@pytest.fixture(scope="module")
def _shared(tmp_path_factory, _migrated_sqlite):
    folder = tmp_path_factory.mktemp("cds") / "hospital"
    with _opened(folder, _migrated_sqlite, None, (), {}) as made:
        yield made


@pytest.fixture
def desk(_shared, monkeypatch) -> Desk:
    """A hospital that the tests of a module share."""
    _patient(monkeypatch)
    return _shared
