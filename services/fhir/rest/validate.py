"""``$validate``: what is wrong with a resource, told without storing anything.

    POST /fhir/Patient/$validate?profile=http://hl7.org/fhir/us/core/StructureDefinition/…
    POST /fhir/Patient/p07/$validate        # as an update of that resource

The body is the resource, or a Parameters with ``resource``, ``mode`` and ``profile``. The answer is
200 with an OperationOutcome also where the resource is invalid: the validation itself went well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from services.fhir import jsontext
from services.fhir.errors import Fault, FhirParameterError, FhirUnreadableError
from services.fhir.outcome import fhir_response
from services.fhir.rest.call import Call
from services.fhir.rest.negotiation import check_content
from services.fhir.validate import faults, require_type, type_of
from services.fhir.validate.profiles import ANY, Profile, fitting, lacks, named

_MODES = frozenset({"create", "update"})
_PARAMETERS = frozenset({"mode", "profile", "_format", "_pretty"})
_SOUND = {
    "severity": "information",
    "code": "informational",
    "diagnostics": "nothing is wrong with it",
}
Issue = dict[str, Any]


@dataclass(frozen=True)
class _Asked:
    resource: Any
    mode: str
    profile: str


def validate(call: Call, kind: str, identity: str | None = None) -> Response:
    """Say what is wrong with a resource, as R4 and as US Core; nothing is stored."""
    require_type(kind)
    check_content(call.header("content-type"))
    asked = _asked(call)
    if asked.mode and asked.mode not in _MODES:
        raise FhirParameterError("mode must be create or update")
    issues = [*_of_r4(asked, kind, identity)]
    if not issues:
        issues = [*_of_profiles(asked)]
    outcome = {"resourceType": "OperationOutcome", "issue": issues or [_SOUND]}
    return fhir_response(jsontext.dumps(outcome))


def _asked(call: Call) -> _Asked:
    query = dict(call.pairs)
    if not set(query) <= _PARAMETERS:
        raise FhirParameterError("$validate has the parameters mode and profile")
    try:
        body = jsontext.loads_strict(call.body)
    except jsontext.JsonError as error:
        raise FhirUnreadableError((Fault("resource", str(error)),)) from None
    parts = _parts(body)
    resource = parts.get("resource", {}).get("resource", body)
    return _Asked(resource, *(_value(parts, query, name) for name in ("mode", "profile")))


def _parts(body: Any) -> dict[str, dict[str, Any]]:
    """The parameters of a Parameters by name, none of anything else."""
    if type_of(body) != "Parameters" or not isinstance(body.get("parameter"), list):
        return {}
    parts = [part for part in body["parameter"] if isinstance(part, dict)]
    return {str(part.get("name")): part for part in parts}


def _value(parts: Mapping[str, Mapping[str, Any]], query: Mapping[str, str], name: str) -> str:
    part = parts.get(name, {})
    values = (part[key] for key in ("valueCode", "valueUri", "valueCanonical") if key in part)
    return str(next(values, query.get(name, "")))


def _of_r4(asked: _Asked, kind: str, identity: str | None) -> Iterator[Issue]:
    update = asked.mode == "update" or identity is not None
    for fault in faults(asked.resource, identified=update):
        yield _issue("error", "invalid", fault)
    given = asked.resource if isinstance(asked.resource, dict) else {}
    if given.get("resourceType") != kind:
        yield _issue("error", "invalid", Fault("resourceType", "is not that of this address"))
    if identity is not None and given.get("id") != identity:
        yield _issue("error", "invalid", Fault(f"{kind}.id", "is not that of this address"))


def _of_profiles(asked: _Asked) -> Iterator[Issue]:
    """What a sound resource lacks of the profile asked for, or as a warning of those it claims."""
    for profile in _profiles(asked):
        for lack in lacks(asked.resource, profile):
            if lack.needed:
                yield _issue("error" if asked.profile else "warning", "required", lack.fault)
            else:
                yield _issue("information", "informational", lack.fault)
    if asked.profile not in {"", ANY} and named(asked.profile) is None:
        fault = Fault(asked.resource["resourceType"], "was not checked by that profile: unknown")
        yield _issue("error", "not-supported", fault)


def _profiles(asked: _Asked) -> tuple[Profile, ...]:
    if asked.profile == ANY or not asked.profile:
        claims = asked.profile or asked.resource.get("meta", {}).get("profile")
        return fitting(asked.resource) if claims else ()
    profile = named(asked.profile)
    return (profile,) if profile else ()


def _issue(severity: str, code: str, fault: Fault) -> Issue:
    return {
        "severity": severity,
        "code": code,
        "diagnostics": str(fault),
        "expression": [fault.element],
    }
