"""Reading one resource: as it is, or as it was."""

from __future__ import annotations

from fastapi import Response

from services.fhir import jsontext
from services.fhir.access import Disclosure
from services.fhir.capability import capability_statement
from services.fhir.errors import FhirGoneError, FhirNotFoundError, FhirParameterError
from services.fhir.outcome import fhir_response
from services.fhir.rest.answers import headers
from services.fhir.rest.call import Call
from services.fhir.rest.conditions import is_known
from services.fhir.results import Version
from services.fhir.search.controls import Controls, Pair, read_controls
from services.fhir.search.subset import part
from services.fhir.validate import ID, require_type
from services.web.address import public_base

_PARTS = frozenset({"_elements", "_summary"})
ASIDE = frozenset({"_format", "_pretty"})
NOT_HERE = "there is no such resource for this caller"


def metadata(call: Call) -> Response:
    """Say what this server does."""
    app = call.request.app
    security = getattr(app.state, "fhir_security", None)
    statement = capability_statement(
        call.base,
        app.openapi()["paths"],
        security(public_base(call.request)) if security else None,
        getattr(app.state, "fhir_topics", ()),
    )
    return fhir_response(jsontext.dumps(statement))


def read(call: Call, kind: str, identity: str) -> Response:
    """Return one resource as it came; 304 where the caller has it already."""
    require_type(kind)
    call.access.require(kind, "r")
    found = call.store.version(kind, identity, None, call.access) if _is_id(identity) else None
    if found is None:
        if _is_id(identity) and call.store.deleted(kind, identity, call.access):
            raise FhirGoneError("the resource was deleted")
        raise FhirNotFoundError(NOT_HERE)
    controls = read_controls(kind, _taken(call, _PARTS))
    return _answer(call, found, f"{kind}/{identity}", controls)


def vread(call: Call, kind: str, identity: str, version: str) -> Response:
    """Return one version of a resource as it came."""
    require_type(kind)
    call.access.require(kind, "r")
    _taken(call, frozenset())
    sound = _is_id(identity) and version.isascii() and version.isdigit()
    number = int(version) if sound and len(version) <= 9 else 0  # noqa: PLR2004  # digits
    found = call.store.version(kind, identity, number, call.access) if number else None
    if found is None:
        raise FhirNotFoundError("there is no such version for this caller")
    return _answer(call, found, f"{kind}/{identity}/_history/{version}", Controls())


def _taken(call: Call, names: frozenset[str]) -> list[Pair]:
    """The parameters of a read.

    Raises:
        FhirParameterError: there are others, which would do nothing.
    """
    if any(name not in names | ASIDE for name, _ in call.pairs):
        raise FhirParameterError("a read takes no parameters but _elements and _summary")
    return [pair for pair in call.pairs if pair[0] in names]


def _is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def _answer(call: Call, found: Version, what: str, controls: Controls) -> Response:
    call.access.require_theirs(found.type, found.patients)
    if found.text is None:
        raise FhirGoneError("this version is a deletion")
    known = is_known(call, found)
    call.access.disclose(Disclosure("read", what, tuple(sorted(found.patients))))
    if known:  # that it is there, and since when, is told all the same
        return Response(None, 304, headers(found))
    return fhir_response(part(found.text, found.type, controls), headers=headers(found))
