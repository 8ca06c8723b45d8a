"""Where the EHR's server tells of changes: ``POST /v1/ehr/{connection}/notify``."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from compliance.errors import BadInputError
from services.fhir import jsontext
from services.hospital.ehr.subscribing import Subscriptions
from services.hospital.errors import SignInError

MAX_BODY = 1 << 20
"""Largest notification, in bytes; it holds ids only."""


def ehr_router(subscriptions: Subscriptions) -> APIRouter:
    """The route of notifications.

    Args:
        subscriptions: of the connections.
    """
    router = APIRouter(prefix="/v1/ehr", tags=["ehr"])

    @router.post("/{connection}/notify", status_code=200, response_class=Response)
    async def notify(connection: str, request: Request) -> Response:
        """Take a notification of a subscription; it must bring the subscription's secret."""
        proof = request.headers.get("authorization")
        if not await asyncio.to_thread(subscriptions.knows, connection, proof):
            raise SignInError("That is not the secret of a subscription.", remedy="Send it.")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                raise BadInputError("The notification is too long.")
        try:
            bundle = jsontext.loads(body) if body.strip() else None
        except (ValueError, RecursionError):
            raise BadInputError("The notification is not JSON.") from None
        await asyncio.to_thread(subscriptions.notified, connection, bundle)
        return Response(status_code=200)

    return router
