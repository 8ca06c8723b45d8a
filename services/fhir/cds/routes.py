"""``/cds-services``: discovery, the services, and feedback to their cards (CDS Hooks 2.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from compliance.errors import NotFoundError
from services.fhir.cds.engine import Arrived, CdsHooks
from services.fhir.cds.service import Service
from services.fhir.cds.tokens import TrustedEhr
from services.web.address import public_base

PREFIX = "/cds-services"
Admit = Callable[[Request, Sequence[str]], Awaitable[TrustedEhr]]
"""Tells who calls one of these addresses, or raises."""


def cds_router(hooks: Callable[[], CdsHooks], admit: Admit) -> APIRouter:
    """Serve decision support.

    Args:
        hooks: the services.
        admit: lets callers in, before anything of their body is read.
    """
    router = APIRouter(prefix=PREFIX, tags=["CDS Hooks"])

    def service_of(name: str) -> Service[Any]:
        found = hooks().services.get(name)
        if found is None:
            raise NotFoundError("There is no such service.")
        return found

    @router.get("")
    async def discovery() -> JSONResponse:
        """What services there are; public, as it tells nothing of anybody."""
        return JSONResponse({"services": [s.to_json() for s in hooks().services.values()]})

    @router.post("/{service}")
    async def call(service: str, request: Request) -> JSONResponse:
        """Cards for what a clinician is doing."""
        began = _now()
        wanted = service_of(service)
        address = f"{public_base(request)}{PREFIX}/{service}"
        ehr = await admit(request, [address])
        sending = _now()
        body = await request.body()
        began += _now() - sending  # how long the client takes to send is not ours
        arrived = Arrived(body, began, public_base(request), _client(request))
        return JSONResponse(await hooks().answer(wanted, ehr, arrived))

    @router.post("/{service}/feedback")
    async def feedback(service: str, request: Request) -> JSONResponse:
        """What people did with cards."""
        wanted = service_of(service)
        address = f"{public_base(request)}{PREFIX}/{service}"
        ehr = await admit(request, [f"{address}/feedback", address])
        await hooks().feedback(wanted, ehr, await request.body())
        return JSONResponse({})

    return router


def _now() -> float:
    return asyncio.get_running_loop().time()


def _client(request: Request) -> str | None:
    return request.client.host if request.client else None
