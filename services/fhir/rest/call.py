"""One call of the REST API, as its handlers see it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.fhir.access import Access, ScopeError
from services.fhir.errors import FhirNotFoundError
from services.fhir.rest.negotiation import check_format
from services.fhir.store import FhirStore
from services.fhir.validate import ID, resource_types
from services.web.address import public_base

StoreDependency = Callable[..., FhirStore]
AuthoriseDependency = Callable[..., Any]
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Call:
    """A request with what is needed to answer it.

    Attributes:
        request: as it came; its address has no say in what is served.
        store: the resources.
        access: what the caller may do.
        base: absolute URL of ``/fhir``, without a final slash.
        body: bytes of the body; empty where the interaction has none.
    """

    request: Request
    store: FhirStore
    access: Access
    base: str
    body: bytes = b""

    def header(self, name: str) -> str:
        """Value of a header, "" where it was not sent."""
        return str(self.request.headers.get(name, ""))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query, decoded, in order."""
        return list(self.request.query_params.multi_items())


Handler = Callable[..., Response]
"""Takes a `Call` and the values of its path."""


@dataclass(frozen=True)
class Route:
    """An address of the API.

    Attributes:
        method: HTTP verb; GET answers HEAD as well.
        path: template below ``/fhir``.
        handler: answers it.
        takes: media type of its body; "" where it has none.
    """

    method: str
    path: str
    handler: Handler
    takes: str = ""


def fhir_base(request: Request) -> str:
    """Absolute URL of ``/fhir`` for the outside, without a final slash."""
    return f"{public_base(request)}/fhir"


def add(
    api: APIRouter, route: Route, store: StoreDependency, authorise: AuthoriseDependency
) -> None:
    """Serve ``route``: who is let in is decided before its body is read."""
    endpoint = _endpoint(route, store, authorise)
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]
    described: dict[str, Any] = {"parameters": places} if places else {}
    if route.takes:
        content: dict[str, Any] = {route.takes: {"schema": {}}}
        described["requestBody"] = {"content": content, "required": True}
    api.add_api_route(
        route.path,
        endpoint,
        methods=[route.method],
        name=route.handler.__name__,
        description=route.handler.__doc__,
        openapi_extra=described,
    )
    if route.method == "GET":
        api.add_api_route(route.path, endpoint, methods=["HEAD"], include_in_schema=False)
    if not route.path:  # some clients write the base with its slash
        api.add_api_route("/", endpoint, methods=[route.method], include_in_schema=False)


def _endpoint(
    route: Route, store: StoreDependency, authorise: AuthoriseDependency
) -> Callable[..., Any]:
    StoreDep = Annotated[FhirStore, Depends(store)]  # noqa: N806  # a type
    AccessDep = Annotated[Access | None, Depends(authorise)]  # noqa: N806  # a type

    async def body(request: Request) -> bytes:
        return await request.body() if route.takes else b""

    def call(request: Request, store: StoreDep, access: AccessDep) -> Call:
        check_format(request.headers.get("accept", ""), request.query_params.get("_format"))
        return Call(request, store, access or Access(), fhir_base(request))

    def answer(
        let_in: Annotated[Call, Depends(call)], body: Annotated[bytes, Depends(body)]
    ) -> Response:
        path = let_in.request.path_params
        given = Call(let_in.request, let_in.store, let_in.access, let_in.base, body)
        return serve(route, given, path)

    return answer


def serve(route: Route, call: Call, places: Mapping[str, str]) -> Response:
    """Do what a route does; what the caller may not have is told to `Access.refused`.

    A caller of one record who is told that something is not there may have asked for another's.
    """
    try:
        return route.handler(call, **places)
    except (ScopeError, FhirNotFoundError) as error:
        if isinstance(error, ScopeError) or call.access.patient is not None:
            call.access.refused(_asked_for(places))
        raise


def _asked_for(places: Mapping[str, str]) -> str:
    kind, identity = places.get("kind", "Patient"), places.get("identity", "")
    if kind not in resource_types():
        return "fhir:unknown"
    return f"{kind}/{identity}" if ID.fullmatch(identity) else f"fhir:{kind}"
