"""Reading one resource: as it is, or as it was."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Response

from services.fhir import jsontext
from services.fhir.access import Disclosure
from services.fhir.capability import capability_statement
from services.fhir.errors import FhirGoneError, FhirNotFoundError
from services.fhir.outcome import fhir_response
from services.fhir.rest.answers import entity, headers
from services.fhir.rest.call import Call
from services.fhir.rest.conditions import is_known
from services.fhir.results import Entry, Version
from services.fhir.search.controls import read_controls
from services.fhir.search.subset import part
from services.fhir.validate import ID, require_type
from services.web.address import public_base

_PARTS = frozenset({"_elements", "_summary"})
NOT_HERE = "there is no such resource for this caller"


def metadata(call: Call) -> Response:
    """Say what this server does."""
    app = call.request.app
    security = getattr(app.state, "fhir_security", None)
    told = security(public_base(call.request)) if security else None
    return fhir_response(
        jsontext.dumps(capability_statement(call.base, app.openapi()["paths"], told))
    )


def read(call: Call, kind: str, identity: str) -> Response:
    """Return one resource as it came; 304 where the caller has it already."""
    require_type(kind)
    call.access.require(kind, "r")
    found = call.store.entry(kind, identity, call.access) if ID.fullmatch(identity) else None
    if found is None:
        if ID.fullmatch(identity) and call.store.deleted(kind, identity, call.access):
            raise FhirGoneError("the resource was deleted")
        raise FhirNotFoundError(NOT_HERE)
    owners = call.store.owners([(kind, identity)])
    call.access.require_known([found], owners)
    if is_known(call, found):
        return Response(None, 304, headers(found))
    controls = read_controls(kind, [pair for pair in call.pairs if pair[0] in _PARTS])
    made = _disclosed(call, found, f"{kind}/{identity}", owners.get((kind, identity), ()))
    wanted = part(found.text, kind, controls)
    return made if wanted == found.text else fhir_response(wanted, headers=headers(found))


def vread(call: Call, kind: str, identity: str, version: str) -> Response:
    """Return one version of a resource as it came."""
    require_type(kind)
    call.access.require(kind, "r")
    sound = ID.fullmatch(identity) and version.isascii() and version.isdigit()
    number = int(version) if sound and len(version) <= 9 else 0  # noqa: PLR2004  # digits
    found = call.store.version(kind, identity, number, call.access) if number else None
    if found is None:
        raise FhirNotFoundError("there is no such version for this caller")
    owners = call.store.owners_then([found])[found.sequence]
    call.access.require_theirs(kind, owners)
    if found.text is None:
        raise FhirGoneError("this version is a deletion")
    if is_known(call, found):
        return Response(None, 304, headers(found))
    return _disclosed(call, found, f"{kind}/{identity}/_history/{version}", owners)


def _disclosed(call: Call, found: Entry | Version, what: str, owners: Iterable[str]) -> Response:
    call.access.disclose(Disclosure("read", what, tuple(sorted(owners))))
    return entity(found)
