"""The route of ``$ask``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from services.consult.node import Node
from services.fhir import jsontext
from services.fhir.access import Access
from services.fhir.errors import FhirNotFoundError
from services.fhir.outcome import FhirRoute, fhir_response
from services.fhir.store import FhirStore
from services.fhir.validate import ID
from services.hospital.asking.answer import parameters
from services.hospital.asking.request import Asked, Wish, read_asked
from services.hospital.asking.service import ask


@dataclass(frozen=True)
class Asker:
    """Who asks.

    Attributes:
        access: what of the record they may see.
        put: called with the ids of the consult and the patient before anything is read; when it
            raises, nothing is.
    """

    access: Access
    put: Callable[[str, str], None]


def ask_router(
    store: Callable[[], FhirStore], node: Callable[[], Node], authorise: Callable[..., Asker]
) -> APIRouter:
    """Routes of ``$ask``.

    Args:
        store: gives the record.
        node: runs the consult.
        authorise: FastAPI dependency that raises for who may not ask.
    """
    api = APIRouter(prefix="/fhir", tags=["fhir"], route_class=FhirRoute)
    AskerDep = Annotated[Asker, Depends(authorise)]  # noqa: N806 - a type

    @api.post("/Patient/{identity}/$ask")
    async def ask_patient(identity: str, request: Request, asker: AskerDep) -> Response:
        """Answer a question about one person from their record and the sources."""
        wish = Wish.read(request.headers.get("prefer", ""))
        asked = read_asked(await request.body(), wish)
        record = await run_in_threadpool(_record, store(), identity, asker, asked)
        answer, reason = await ask(node(), asked, record)
        text = jsontext.dumps(parameters(answer, reason, asked, wish))
        return fhir_response(text, headers={"Cache-Control": "no-store", **wish.applied})

    return api


def _record(store: FhirStore, identity: str, asker: Asker, asked: Asked) -> list[dict[str, Any]]:
    """The whole record, written down as read.

    Raises:
        ScopeError, NoRelationError: the caller may not have all of it.
        FhirNotFoundError: there is no such patient, or encounter of theirs, for this caller.
    """
    asker.access.require_whole(identity)
    if not ID.fullmatch(identity) or store.entry("Patient", identity) is None:
        raise FhirNotFoundError("there is no such patient for this caller")
    asker.put(asked.consult, identity)
    resources = store.everything(identity)
    if asked.encounter is not None and not any(
        f"{r['resourceType']}/{r['id']}" == asked.encounter for r in resources
    ):
        raise FhirNotFoundError("there is no such encounter of this patient")
    return resources
