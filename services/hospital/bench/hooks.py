"""How long decision support takes: with prefetch, and where the EHR's FHIR server hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from compliance.audit.trail import AuditTrail
from services.bricks.knowledge import Knowledge
from services.fhir import jsontext
from services.fhir.bench.timing import Figure, Timing, each_awaited
from services.fhir.cds import Service, TrustedEhr
from services.fhir.cds.engine import Arrived, CdsHooks
from services.fhir.cds.errors import CdsUnavailableError
from services.fhir.cds.prefetch import kind_of
from services.fhir.sandbox import generate
from services.hospital.audited import Auditor
from services.hospital.cds import Cds
from services.hospital.cds.rehearsal import rehearse
from services.store.database import Database
from services.web.outbound import Outbound

_PATIENT = "p07"
_SERVER = "https://ehr.example.org/fhir"
_EHR = TrustedEhr("bench", "https://ehr.example.org", "https://ehr.example.org/keys", _SERVER)
_TOKEN = {
    "access_token": "bench",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "bench",
}
_HANGING_CALLS = 10
"""At most; each waits for its whole time."""


class _Hanging(httpx.AsyncBaseTransport):
    """A server that takes a request and never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for longer than anybody does."""
        await asyncio.sleep(60)
        return httpx.Response(504, request=request)


async def hooks(folder: Path, times: int) -> AsyncIterator[Figure]:
    """Yield the figures of each service with prefetch, then of a hanging FHIR server.

    Args:
        folder: for the data of a hospital, whose trail and ledger are really written.
        times: calls of each service.
    """
    database = Database(f"sqlite:///{folder / 'hospital.db'}")
    database.migrate("services.hospital")
    trail = AuditTrail.open(folder, "hospital", node="bench")
    knowledge = cache(partial(Knowledge.load, "hospital"))
    auditor = Auditor(trail.record_all, "bench")
    cds = Cds(database, bytes(32), auditor, Outbound(()), knowledge)
    hooks = CdsHooks(cds.hooks.services, _client, cds.ledger)
    record = [r for r in generate() if r["id"].split("-")[0] == _PATIENT]
    try:
        for service in hooks.services.values():
            rehearse(service)  # as the hospital does when it starts
            prefetch = _prefetch(service, record)
            timing = await _timed(hooks, service, {"prefetch": prefetch}, times)
            yield Figure(f"CDS {service.hook}, prefetch", timing)
        for service in hooks.services.values():
            more = {"fhirServer": _SERVER, "fhirAuthorization": _TOKEN}
            timing = await _timed(hooks, service, more, min(times, _HANGING_CALLS))
            yield Figure(f"CDS {service.hook}, FHIR server hangs", timing)
    finally:
        hooks.close()
        await cds.close()
        database.close()


def _client(_server: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=_Hanging())


async def _timed(hooks: CdsHooks, service: Service[Any], more: Any, times: int) -> Timing:
    async def call() -> None:
        body = {"hook": service.hook, "hookInstance": str(uuid4()), "context": _context(), **more}
        began = asyncio.get_running_loop().time()
        arrived = Arrived(jsontext.dumps(body).encode(), began, "http://localhost")
        with suppress(CdsUnavailableError):  # given up in time: that counts like an answer
            await hooks.answer(service, _EHR, arrived)

    return await each_awaited([call] * times)


def _prefetch(service: Service[Any], record: list[dict[str, Any]]) -> Mapping[str, Any]:
    made: dict[str, Any] = {}
    for key, template in service.prefetch.items():
        found = [r for r in record if r["resourceType"] == kind_of(template)]
        entries = [{"resource": one} for one in found]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        made[key] = bundle if "?" in template else next(iter(found), None)
    return made


def _context() -> dict[str, Any]:
    order = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{_PATIENT}"},
        "medicationCodeableConcept": {"text": "Ibuprofen 400 MG Oral Tablet"},
    }
    return {
        "userId": "Practitioner/bench",
        "patientId": _PATIENT,
        "encounterId": f"{_PATIENT}-visit-1",
        "selections": ["MedicationRequest/order-1"],
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]},
    }
