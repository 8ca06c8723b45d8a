"""The read side of the FHIR REST API, to be mounted by the hospital behind its authentication.

    app.include_router(router(lambda: store, authorise))

| request | answer |
|---|---|
| ``GET /fhir/metadata`` | CapabilityStatement, open to all |
| ``GET /fhir/{type}/{id}`` | the resource as it came, with ETag and Last-Modified |
| ``GET /fhir/{type}?patient=&_id=&code=&category=&identifier=&_count=&_page=`` | searchset |
| ``GET /fhir/Patient/{id}/$everything`` | searchset with the whole record of one person |

Search parameters that the server does not know are refused with 400 and not ignored: a client that
misspells ``patient`` must not be given everybody. Texts go out as they were stored, so decimals
keep their digits; bundles are joined from those texts. What leaves is told to ``Access.disclose``
before the body is built: where that raises, nothing leaves.
"""

from collections.abc import Callable, Sequence
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from services.fhir import jsontext
from services.fhir.access import Access, Disclosure
from services.fhir.capability import CONTROLS, PARAMETERS, capability_statement
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.outcome import FhirRoute, fhir_response
from services.fhir.results import Entry
from services.fhir.store import MAX_COUNT, FhirStore
from services.fhir.validate import ID, require_type
from services.web.address import public_base

__all__ = ["Access", "router"]
DEFAULT_COUNT = 50
"""Entries on a page when ``_count`` is not given."""


StoreDependency = Callable[..., FhirStore]
AuthoriseDependency = Callable[..., Any]


def router(store: StoreDependency, authorise: AuthoriseDependency) -> APIRouter:
    """Return the routes under ``/fhir``.

    Args:
        store: FastAPI dependency that gives the store.
        authorise: FastAPI dependency that raises for a caller who may not read, and returns
            `Access` (or None for a caller who may read all); it may be async.
    """
    api = APIRouter(prefix="/fhir", tags=["fhir"], route_class=FhirRoute)
    StoreDep = Annotated[FhirStore, Depends(store)]  # noqa: N806  # a type
    AccessDep = Annotated[Access | None, Depends(authorise)]  # noqa: N806  # a type

    @api.get("/metadata")
    def metadata(request: Request) -> Response:
        """Say what this server does."""
        return fhir_response(jsontext.dumps(capability_statement(_base(request))))

    @api.get("/Patient/{identity}/$everything")
    def everything(identity: str, request: Request, store: StoreDep, access: AccessDep) -> Response:
        """Return one person's whole record."""
        caller = access or Access()
        caller.require_whole(identity)
        entries = store.everything_entries(identity) if ID.fullmatch(identity) else []
        if not entries:
            raise FhirNotFoundError("there is no such patient for this caller")
        caller.disclose(
            Disclosure("everything", f"Patient/{identity}", (identity,), entries=len(entries))
        )
        base = _base(request)
        links = [("self", f"{base}/Patient/{identity}/$everything")]
        return fhir_response(_bundle(entries, len(entries), links, base))

    @api.get("/{kind}/{identity}")
    def read(kind: str, identity: str, store: StoreDep, access: AccessDep) -> Response:
        """Return one resource as it came."""
        require_type(kind)
        caller = access or Access()
        caller.require(kind, "r")
        entry = store.entry(kind, identity) if ID.fullmatch(identity) else None
        foreign = caller.patient and not store.belongs(kind, identity, caller.patient)
        if entry is None or foreign:
            raise FhirNotFoundError("there is no such resource for this caller")
        caller.disclose(Disclosure("read", f"{kind}/{identity}", _whose([entry], store, caller)))
        headers = {
            "ETag": f'W/"{entry.version}"',
            "Last-Modified": format_datetime(entry.updated, usegmt=True),
        }
        return fhir_response(entry.text, headers=headers)

    @api.get("/{kind}")
    def search(kind: str, request: Request, store: StoreDep, access: AccessDep) -> Response:
        """Search one type; every parameter given must hold."""
        require_type(kind)
        caller = access or Access()
        caller.require(kind, "s")
        asked = _asked(request)
        caller.require_named(kind, asked.get("patient"))
        page = store.search(kind, **_criteria(asked, caller))
        whose = _whose(page.entries, store, caller)
        query = f"{kind}?{urlencode(asked)}"
        caller.disclose(Disclosure("search", kind, whose, query, len(page.entries)))
        base = _base(request)
        links = [("self", _link(base, kind, asked))]
        if page.next:
            links.append(("next", _link(base, kind, {**asked, "_page": page.next})))
        return fhir_response(_bundle(page.entries, page.total, links, base))

    return api


def _whose(entries: Sequence[Entry], store: FhirStore, access: Access) -> tuple[str, ...]:
    """The people whom these resources are about; refused where the caller treats one not."""
    owners = store.owners([(entry.type, entry.id) for entry in entries])
    access.require_known(entries, owners)
    return tuple(sorted(frozenset[str]().union(*owners.values())))


def _base(request: Request) -> str:
    return f"{public_base(request)}/fhir"


def _asked(request: Request) -> dict[str, str]:
    asked = {}
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS and name not in CONTROLS:
            raise FhirParameterError("a search parameter is not supported")
        if name in asked:
            raise FhirParameterError(f"{name} may be given once")
        if not value:
            raise FhirParameterError(f"{name} is empty")
        asked[name] = value
    return asked


def _criteria(asked: dict[str, str], access: Access) -> dict[str, Any]:
    patient = asked.get("patient")
    if access.patient:
        if patient and patient.removeprefix("Patient/") != access.patient:
            raise FhirNotFoundError("there is no such patient for this caller")
        patient = access.patient
    count = asked.get("_count", str(DEFAULT_COUNT))
    if not (count.isascii() and count.isdigit() and len(count) <= 9):  # noqa: PLR2004  # digits
        raise FhirParameterError(f"_count must be 0 to {MAX_COUNT}")
    return {
        "patient": patient,
        "ids": asked["_id"].split(",") if "_id" in asked else None,
        "code": asked.get("code"),
        "category": asked.get("category"),
        "identifier": asked.get("identifier"),
        "count": min(int(count), MAX_COUNT),
        "after": asked.get("_page"),
    }


def _link(base: str, kind: str, asked: dict[str, str]) -> str:
    query = urlencode(asked)
    return f"{base}/{kind}?{query}" if query else f"{base}/{kind}"


def _bundle(
    entries: list[Entry] | tuple[Entry, ...],
    total: int,
    links: list[tuple[str, str]],
    base: str,
) -> str:
    head = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": relation, "url": url} for relation, url in links],
    }
    text = jsontext.dumps(head)
    if not entries:  # FHIR has no empty arrays
        return text
    joined = ",".join(
        f'{{"fullUrl":{jsontext.dumps(f"{base}/{e.type}/{e.id}")},"resource":{e.text},'
        '"search":{"mode":"match"}}'
        for e in entries
    )
    return f'{text[:-1]},"entry":[{joined}]}}'
