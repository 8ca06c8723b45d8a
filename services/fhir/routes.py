"""The FHIR REST API, to be mounted by the hospital behind its authentication.

    app.include_router(router(lambda: store, authorise))

`ROUTES` is the whole of it. Routers with operations of their own (``$export``) are included before
this one, `unmatched` after everything: it answers what nobody else does.

What the server does not understand is refused and not ignored: a client that misspells ``patient``
must not be given everybody. Texts go out as they were stored, so decimals keep their digits;
bundles are joined from those texts. What leaves is told to ``Access.disclose`` before the body is
built, what is written to ``Access.change`` before it counts: where that raises, nothing happens.
"""

from fastapi import APIRouter, Request, Response
from starlette.routing import compile_path

from services.fhir.access import Access
from services.fhir.errors import FhirMethodError, FhirNotFoundError
from services.fhir.outcome import FhirRoute
from services.fhir.rest import bundles, everything, history, reading, search, validate, writing
from services.fhir.rest.call import (
    AuthoriseDependency,
    Route,
    StoreDependency,
    add,
)
from services.fhir.rest.negotiation import JSON, JSON_PATCH

__all__ = [
    "MAX_BUNDLE",
    "ROUTES",
    "Access",
    "AuthoriseDependency",
    "StoreDependency",
    "router",
    "unmatched",
]
MAX_BUNDLE = 16 << 20
"""Largest bundle that is taken at ``/fhir``, in bytes."""
_ENTRIES = (
    Route("GET", "/_history", history.of_all),
    Route("GET", "/Patient/{identity}/$everything", everything.everything),
    Route("GET", "/{kind}/_history", history.of_type),
    Route("GET", "/{kind}/{identity}/_history", history.of_resource),
    Route("GET", "/{kind}/{identity}/_history/{version}", reading.vread),
    Route("GET", "/{kind}/{identity}", reading.read),
    Route("PUT", "/{kind}/{identity}", writing.update, takes=JSON),
    Route("PATCH", "/{kind}/{identity}", writing.patch, takes=JSON_PATCH),
    Route("DELETE", "/{kind}/{identity}", writing.delete),
    Route("POST", "/{kind}/$validate", validate.validate, takes=JSON),
    Route("POST", "/{kind}/{identity}/$validate", validate.validate, takes=JSON),
    Route("GET", "/{kind}", search.search),
    Route("POST", "/{kind}/_search", search.search_by_post, takes=search.FORM),
    Route("POST", "/{kind}", writing.create, takes=JSON),
    Route("PUT", "/{kind}", writing.update_matching, takes=JSON),
    Route("PATCH", "/{kind}", writing.patch_matching, takes=JSON_PATCH),
    Route("DELETE", "/{kind}", writing.delete_matching),
)
_OPEN = Route("GET", "/metadata", reading.metadata)
ROUTES = (Route("POST", "", bundles.process((_OPEN, *_ENTRIES)), takes=JSON), *_ENTRIES)
"""Every address below ``/fhir`` but ``metadata``, which is open to all; the first that fits."""


def router(store: StoreDependency, authorise: AuthoriseDependency) -> APIRouter:
    """Return the routes under ``/fhir``.

    Args:
        store: FastAPI dependency that gives the store.
        authorise: FastAPI dependency that raises for a caller who may do nothing, and returns
            `Access` (or None for a caller who may read all); it may be async.
    """
    api = APIRouter(prefix="/fhir", tags=["fhir"], route_class=FhirRoute)
    add(api, _OPEN, store, lambda: None)
    for route in ROUTES:
        add(api, route, store, authorise)
    return api


def unmatched() -> APIRouter:
    """Return what answers below ``/fhir`` where no route does; to be included last of all."""
    api = APIRouter(prefix="/fhir", tags=["fhir"], route_class=FhirRoute)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    @api.api_route("/{address:path}", methods=methods, include_in_schema=False)
    def nothing_here(request: Request) -> Response:
        """Say whether the address or only the method is wrong."""
        path = request.url.path.removeprefix("/fhir")
        allowed = {r.method for r in ROUTES if compile_path(r.path)[0].match(path)}
        if not allowed:
            raise FhirNotFoundError("there is nothing at this address")
        raise FhirMethodError("this address does not take that method", sorted(allowed))

    return api
