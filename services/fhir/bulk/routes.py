"""Bulk Data Access 2.0 over REST: kick-off, state, files, and away with them.

| request | answer |
|---|---|
| ``GET`` or ``POST /fhir/$export`` | 202 with Content-Location: every type the scopes allow |
| ``…/fhir/Patient/$export`` | the records of all patients, or of those that ``patient`` names |
| ``…/fhir/Group/{id}/$export`` | the records of a group's members |
| ``GET /fhir/$export/{order}`` | 202 with X-Progress and Retry-After, then 200 with the manifest |
| ``GET /fhir/$export/{order}/{file}`` | NDJSON, to the client that asked for it |
| ``DELETE /fhir/$export/{order}`` | 202: files and order are gone |
| ``POST /fhir/$import`` | 202 with Content-Location: NDJSON in the body, or Parameters |
| ``GET`` and ``DELETE /fhir/$import/{order}``, ``…/{file}`` | as those of an export |

An import is of this server's own making, as the guide has none: its Parameters are ``inputFormat``,
``inputSource`` and ``input`` with the parts ``type`` and ``url``; what was taken stands in the
manifest's ``extension`` by type, what was refused in the files of ``error``, line by line.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from services.fhir import jsontext
from services.fhir.access import Access, Disclosure, ScopeError
from services.fhir.bulk.asked import Level, of_parameters
from services.fhir.bulk.files import patients_in
from services.fhir.bulk.importing import may_import
from services.fhir.bulk.kickoff import preferences, program, require_async
from services.fhir.bulk.orders import Kind, Order
from services.fhir.bulk.service import Bulk
from services.fhir.bulk.sources import NDJSON, Inputs, is_body, read_inputs, receive
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.outcome import FhirRoute, fhir_response, operation_outcome
from services.fhir.validate import resource_types
from services.web.address import public_base

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
    let_in = Annotated[Access, Depends(authorise)]
    _add_kick_offs(api, bulk, let_in)
    _add_import(api, bulk, let_in)
    for kind in get_args(Kind):
        _add_orders(api, bulk, let_in, kind)
    return api


def _add_kick_offs(api: APIRouter, bulk: Bulk, AccessDep: Any) -> None:  # noqa: N803  # a type
    async def begin(request: Request, access: Access, level: Level, group: str = "") -> Response:
        program(access)  # nothing is read from a caller who may not ask at all
        posted = request.method == "POST"
        order = await run_in_threadpool(
            bulk.kick_off.begin,
            access,
            of_parameters(await _json(request)) if posted else request.query_params.multi_items(),
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


def _add_import(api: APIRouter, bulk: Bulk, AccessDep: Any) -> None:  # noqa: N803  # a type
    @api.post("/$import")
    async def take(request: Request, access: AccessDep) -> Response:
        """Begin an import; nothing is read from a caller who may not write."""
        grant = program(access)
        if not any(may_import(access, kind) for kind in resource_types()):
            raise ScopeError("An import needs scopes as system/*.cu.")
        require_async(preferences(request.headers.getlist("prefer")))
        brings = is_body(request.headers.get("content-type", ""))
        inputs = Inputs() if brings else read_inputs(await _json(request), bulk.outbound)
        order = await run_in_threadpool(
            bulk.orders.open,
            "import",
            grant,
            request=_address(request),
            asked=inputs.dump(),
            receiving=True,
        )
        try:
            if brings:
                await receive(request, bulk.orders.files.received(order))
            await run_in_threadpool(bulk.orders.start, order)
        except BaseException:
            bulk.orders.cancel(order)
            raise
        return accepted(request, "import", order)


def _add_orders(api: APIRouter, bulk: Bulk, AccessDep: Any, kind: Kind) -> None:  # noqa: N803  # a type
    @api.get(f"/${kind}/{{order}}")
    def state(order: str, request: Request, access: AccessDep) -> Response:
        """How an order stands; its manifest when it is done."""
        return answer(request, bulk, bulk.orders.find(kind, order, program(access)))

    @api.delete(f"/${kind}/{{order}}")
    def cancel(order: str, access: AccessDep) -> Response:
        """Stop an order, or delete its files."""
        bulk.orders.cancel(bulk.orders.find(kind, order, program(access)).id)
        return _told(202, f"The {kind} and its files are gone.")

    @api.get(f"/${kind}/{{order}}/{{file}}")
    def part(order: str, file: str, access: AccessDep) -> Response:
        """One file."""
        found = bulk.orders.find(kind, order, program(access))
        listed = [item for name in LISTS for item in found.outcome.get(name, ())]
        chosen = next((item for item in listed if item["file"] == file), None)
        path = bulk.orders.files.of(found.id, found.attempt) / file
        if chosen is None or not path.is_file():
            raise FhirNotFoundError("there is no such file for this caller")
        if kind == "export":
            bulk.require_covered(access, found, chosen["type"])
            request, count = f"${kind}/{order}/{file}", chosen["count"]
            told = Disclosure("export", f"export:{order}", patients_in(path), request, count)
            access.disclose(told)
        return FileResponse(path, media_type=NDJSON)


async def _json(request: Request) -> Any:
    """The body of a request, parsed.

    Raises:
        FhirParameterError: it is not JSON.
    """
    try:
        return jsontext.loads_strict(await request.body())
    except jsontext.JsonError as error:
        raise FhirParameterError(f"the body {error}") from None


def accepted(request: Request, kind: str, order: str) -> Response:
    """Say that an order was taken, and where it stands."""
    place = f"{public_base(request)}/fhir/${kind}/{order}"
    return _told(202, f"The {kind} has begun.", {"Content-Location": place})


def answer(request: Request, bulk: Bulk, order: Order) -> Response:
    """How an order stands."""
    if order.state in {"waiting", "receiving"}:
        wait = bulk.orders.poll(order)
        return Response(
            status_code=202, headers={"X-Progress": order.progress, "Retry-After": str(wait)}
        )
    if order.state == "failed":
        body = operation_outcome("exception", str(order.outcome["problem"]))
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
    if order.kind == "import":
        counts = {name: order.outcome[name] for name in ("taken", "refused")}
        manifest["extension"] = {"urn:caretier:import": counts}
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
