"""Bulk Data Access 2.0 over REST: kick-off, state, files, and away with them.

| request | answer |
|---|---|
| ``GET`` or ``POST /fhir/$export`` | 202 with Content-Location: every type the scopes allow |
| ``…/fhir/Patient/$export`` | the records of all patients, or of those that ``patient`` names |
| ``…/fhir/Group/{id}/$export`` | the records of a group's members |
| ``GET /fhir/$export/{order}`` | 202 with X-Progress and Retry-After, then 200 with the manifest |
| ``GET /fhir/$export/{order}/{file}`` | NDJSON, to the client that asked for it |
| ``DELETE /fhir/$export/{order}`` | 202: files and order are gone |
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from services.fhir import jsontext
from services.fhir.access import Access, Disclosure
from services.fhir.bulk.asked import Level, Pair, of_parameters
from services.fhir.bulk.files import patients_in
from services.fhir.bulk.kickoff import preferences, program
from services.fhir.bulk.orders import Order
from services.fhir.bulk.service import Bulk
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.outcome import FhirRoute, fhir_response, operation_outcome
from services.web.address import public_base

NDJSON = "application/fhir+ndjson"
_NEVER = datetime.fromtimestamp(0, UTC)
LISTS = ("output", "deleted", "error")
"""Members of a manifest that list files."""


def router(bulk: Bulk, authorise: Callable[..., Any]) -> APIRouter:
    """Return the routes; include them before those of single resources.

    Args:
        bulk: of the server.
        authorise: FastAPI dependency that returns the caller's `Access`.
    """
    api = APIRouter(prefix="/fhir", tags=["bulk data"], route_class=FhirRoute)
    _add_kick_offs(api, bulk, Annotated[Access, Depends(authorise)])
    _add_orders(api, bulk, Annotated[Access, Depends(authorise)])
    return api


def _add_kick_offs(api: APIRouter, bulk: Bulk, AccessDep: Any) -> None:  # noqa: N803  # a type
    async def begin(request: Request, access: Access, level: Level, group: str = "") -> Response:
        program(access)  # nothing is read from a caller who may not ask at all
        posted = request.method == "POST"
        order = await run_in_threadpool(
            bulk.kick_off.begin,
            access,
            await parameters(request) if posted else request.query_params.multi_items(),
            level=level,
            group=group,
            request=_address(request),
            prefer=preferences(request.headers.getlist("prefer")),
        )
        return accepted(request, "export", order)

    @api.get("/$export")
    @api.post("/$export")
    async def export(request: Request, access: AccessDep) -> Response:
        """Begin an export of everything."""
        return await begin(request, access, "system")

    @api.get("/Patient/$export")
    @api.post("/Patient/$export")
    async def export_patients(request: Request, access: AccessDep) -> Response:
        """Begin an export of records."""
        return await begin(request, access, "Patient")

    @api.get("/Group/{group}/$export")
    @api.post("/Group/{group}/$export")
    async def export_group(group: str, request: Request, access: AccessDep) -> Response:
        """Begin an export of the records of a group."""
        return await begin(request, access, "Group", group)


def _add_orders(api: APIRouter, bulk: Bulk, AccessDep: Any) -> None:  # noqa: N803  # a type
    @api.get("/$export/{order}")
    def state(order: str, request: Request, access: AccessDep) -> Response:
        """How an export stands; its manifest when it is done."""
        return answer(request, bulk, bulk.orders.find("export", order, program(access)))

    @api.delete("/$export/{order}")
    def cancel(order: str, access: AccessDep) -> Response:
        """Stop an export, or delete its files."""
        bulk.orders.cancel(bulk.orders.find("export", order, program(access)))
        return _told(202, "The export and its files are gone.")

    @api.get("/$export/{order}/{file}")
    def part(order: str, file: str, access: AccessDep) -> Response:
        """One file."""
        found = bulk.orders.find("export", order, program(access))
        listed = [item for name in LISTS for item in found.outcome.get(name, ())]
        chosen = next((item for item in listed if item["file"] == file), None)
        if chosen is None:
            raise FhirNotFoundError("there is no such file for this caller")
        if chosen["type"] != "Bundle":
            bulk.require_covered(access, found, chosen["type"])
        path = bulk.orders.files.of(found.id, found.attempt) / file
        what, count = f"export:{found.id}", chosen["count"]
        access.disclose(
            Disclosure("export", what, patients_in(path), f"$export/{order}/{file}", count)
        )
        return FileResponse(path, media_type=NDJSON)


async def parameters(request: Request) -> list[Pair]:
    """The parameters in the body of a kick-off.

    Raises:
        FhirParameterError: there are none.
    """
    try:
        body = jsontext.loads(await request.body())
    except (ValueError, RecursionError):
        raise FhirParameterError("the body is not JSON") from None
    return of_parameters(body)


def accepted(request: Request, kind: str, order: str) -> Response:
    """Say that an order was taken, and where it stands."""
    place = f"{public_base(request)}/fhir/${kind}/{order}"
    return _told(202, f"The {kind} has begun.", {"Content-Location": place})


def answer(request: Request, bulk: Bulk, order: Order) -> Response:
    """How an order stands."""
    if order.state == "waiting":
        wait = bulk.orders.poll(order)
        return Response(
            status_code=202, headers={"X-Progress": order.progress, "Retry-After": str(wait)}
        )
    if order.state == "failed":
        body = operation_outcome("exception", str(order.outcome.get("error", "It failed.")))
        return fhir_response(jsontext.dumps(body), 500)
    base = f"{public_base(request)}/fhir/${order.kind}/{order.id}"
    manifest: dict[str, Any] = {
        "transactionTime": order.outcome["transactionTime"],
        "request": order.request,
        "requiresAccessToken": True,
    }
    for name in LISTS:
        manifest[name] = [
            {"type": item["type"], "url": f"{base}/{item['file']}", "count": item["count"]}
            for item in order.outcome.get(name, ())
        ]
    ends = (order.ended or _NEVER) + bulk.orders.keep
    headers = {"Expires": format_datetime(ends, usegmt=True)}
    return Response(jsontext.dumps(manifest), 200, headers, "application/json")


def _told(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    issue = {"severity": "information", "code": "informational", "diagnostics": text}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return fhir_response(jsontext.dumps(body), status, headers)


def _address(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{public_base(request)}{request.url.path}{query}"
