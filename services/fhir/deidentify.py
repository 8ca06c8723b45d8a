"""``$de-identify``: a person's record for a study, or a bundle of the caller's, without the person.

    app.include_router(router(lambda: records, doors.study, study=..., once=...))

| request | answer |
|---|---|
| ``GET /fhir/Patient/{id}/$de-identify`` | the whole record, under pseudonyms of the study |
| ``POST /fhir/$de-identify`` | the Bundle or resource of the body, under those of this call |

Both answer with a Bundle; what was left out stands in an OperationOutcome at its end, by path and
reason. Nothing of a body is stored. A body never meets the study's key: whoever could choose what
goes in could make the pseudonym of each person in turn, and so undo those of the study.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from compliance.errors import CaretierError
from services.fhir import jsontext
from services.fhir.access import Access, Disclosure
from services.fhir.errors import Fault, FhirInvalidError, FhirNotFoundError
from services.fhir.outcome import FhirRoute, fhir_response
from services.fhir.routes import AuthoriseDependency, StoreDependency
from services.fhir.store import FhirStore
from services.fhir.validate import ID

if TYPE_CHECKING:
    from compliance.deidentify.fhir import Exported, FhirDeidentifier, Note

MAX_ENTRIES = 20_000
"""Most resources of one call."""


class NoStudyError(CaretierError):
    """This server has no study's key, so it has no pseudonyms to give."""

    kind = "no-study"
    status = 501
    exit_code = 1
    remedy = "Ask the operator to set a root key and the study's name."


def router(
    store: StoreDependency,
    authorise: AuthoriseDependency,
    *,
    study: "Callable[[], FhirDeidentifier | None]",
    once: "Callable[[], FhirDeidentifier]",
) -> APIRouter:
    """Return the routes of ``$de-identify``.

    Args:
        store: FastAPI dependency that gives the store.
        authorise: as in `services.fhir.routes.router`. Who may read records in the clear should
            not be let in: they could tell whose record a study's is.
        study: gives the deidentifier with the study's key, or None where there is none.
        once: gives a deidentifier with a key made for one call and then forgotten.
    """
    api = APIRouter(prefix="/fhir", tags=["fhir"], route_class=FhirRoute)
    StoreDep = Annotated[FhirStore, Depends(store)]  # noqa: N806  # a type
    AccessDep = Annotated[Access | None, Depends(authorise)]  # noqa: N806  # a type

    @api.get("/Patient/{identity}/$de-identify")
    def of_record(identity: str, store: StoreDep, access: AccessDep) -> Response:
        """Give one person's record out under the pseudonyms of the study."""
        caller = access or Access()
        caller.require_whole(identity)
        entries = store.everything_entries(identity) if ID.fullmatch(identity) else []
        if not entries:
            raise FhirNotFoundError("there is no such patient for this caller")
        exporter = study()
        if exporter is None:
            raise NoStudyError("There is no study on this server.")
        made = exporter.resources([jsontext.loads_exact(entry.text) for entry in entries])
        what = f"Patient/{identity}/$de-identify"
        caller.disclose(Disclosure("de-identify", what, (identity,), entries=len(made.resources)))
        return _answer({"type": "collection", "entry": _entries(made)}, made)

    @api.post("/$de-identify")
    async def of_body(request: Request, access: AccessDep) -> Response:
        """Give the body back without its people."""
        body = _read(await request.body())
        return await run_in_threadpool(_treated, body, access or Access(), once)

    return api


def _treated(
    body: Mapping[str, Any], caller: Access, once: "Callable[[], FhirDeidentifier]"
) -> Response:
    exporter = once()
    if body["resourceType"] == "Bundle":
        made = exporter.bundle(body)
        bundle = made.resource or {}
    else:
        made = exporter.resources([body])
        bundle = {"type": "collection", "entry": _entries(made)}
    caller.disclose(
        Disclosure("de-identify", "operation:de-identify", (), entries=len(made.resources))
    )
    return _answer(bundle, made)


def _read(text: bytes) -> Mapping[str, Any]:
    """A resource out of a body.

    Raises:
        FhirInvalidError: it is none, or has too many entries.
    """
    try:
        body = jsontext.loads_exact(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, Mapping) or not isinstance(body.get("resourceType"), str):
        raise FhirInvalidError((Fault("resourceType", "must name a resource type of FHIR R4"),))
    entries = body.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise FhirInvalidError((Fault("Bundle.entry", f"may have {MAX_ENTRIES} entries"),))
    return body


def _entries(made: "Exported") -> list[dict[str, Any]]:
    return [{"resource": resource} for resource in made.resources]


def _answer(bundle: Mapping[str, Any], made: "Exported") -> Response:
    """The bundle, with what was left out at its end."""
    entries = [*bundle.get("entry", ())]
    if made.notes:
        entries.append({"resource": _outcome(made.notes)})
    text = jsontext.dumps(
        {"resourceType": "Bundle", **bundle, **({"entry": entries} if entries else {})}
    )
    return fhir_response(text, headers={"Cache-Control": "no-store"})


def _outcome(notes: "tuple[Note, ...]") -> dict[str, Any]:
    """An OperationOutcome with an issue for each path and reason."""
    issues = [
        {
            "severity": "information",
            "code": "suppressed",
            "diagnostics": f"{note.reason} ({note.count})",
            "expression": [note.path],
        }
        for note in notes
    ]
    return {"resourceType": "OperationOutcome", "id": "left-out", "issue": issues}
