"""What a subscriber may ask: how its subscriptions stand, and which events there were.

| request | answer |
|---|---|
| ``GET /fhir/Subscription/{id}/$status`` | searchset with its status |
| ``GET /fhir/Subscription/$status?id=`` | the same of several, or of all of this client |
| ``GET /fhir/Subscription/{id}/$events`` | the events from ``eventsSinceNumber``, as notified |
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.fhir.access import Access
from services.fhir.outcome import FhirRoute, fhir_response
from services.fhir.subscriptions.service import Subscriptions
from services.web.address import public_base


def router(subscriptions: Subscriptions, authorise: Callable[..., Any]) -> APIRouter:
    """Return the routes; include them before those of single resources.

    Args:
        subscriptions: of the server.
        authorise: FastAPI dependency that returns the caller's `Access`.
    """
    api = APIRouter(prefix="/fhir/Subscription", tags=["subscriptions"], route_class=FhirRoute)
    AccessDep = Annotated[Access, Depends(authorise)]  # noqa: N806  # a type

    @api.get("/$status")
    def several(request: Request, access: AccessDep) -> Response:
        """How the caller's subscriptions stand."""
        query = request.query_params
        ids = [one for text in query.getlist("id") for one in text.split(",") if one]
        states = [one for text in query.getlist("status") for one in text.split(",") if one]
        return fhir_response(subscriptions.statuses(_base(request), access, ids, states))

    @api.get("/{identity}/$status")
    def status(identity: str, request: Request, access: AccessDep) -> Response:
        """How one subscription of the caller stands."""
        subscriptions.require_own(access, identity)
        return fhir_response(subscriptions.statuses(_base(request), access, [identity], []))

    @api.get("/{identity}/$events")
    def events(identity: str, request: Request, access: AccessDep) -> Response:
        """What a subscriber was told, or should have been."""
        subscriptions.require_own(access, identity)
        query = request.query_params
        text = subscriptions.events(
            _base(request),
            access,
            identity,
            since=query.get("eventsSinceNumber", "1"),
            until=query.get("eventsUntilNumber", ""),
            content=query.get("content", ""),
        )
        return fhir_response(text)

    return api


def _base(request: Request) -> str:
    return f"{public_base(request)}/fhir"
