"""The CapabilityStatement: what the server does, taken from what serves it.

Interactions are those of `policy`, search parameters those of `search.parameters`, operations those
of which an application has routes (``/fhir/Patient/{identity}/$everything``), whoever made them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from services.fhir import policy
from services.fhir.search.parameters import Parameter, parameters
from services.fhir.search.query import possible_targets
from services.fhir.validate import resource_types

PUBLISHED = "2026-11-26"
"""Day on which what the statement says last changed."""
_HL7 = "http://hl7.org/fhir"
_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition"
_BACKPORT = f"{_HL7}/uv/subscriptions-backport"
_ANY = "{kind}"
"""Stands in a template for every type."""
_OPERATION = re.compile(r"/fhir(?:/(?P<type>[A-Z]\w+|\{kind\}))?(?:/\{\w+\})?/\$(?P<name>[a-z-]+)")
_DEFINED: Mapping[tuple[str, str], str] = {
    ("Patient", "everything"): f"{_HL7}/OperationDefinition/Patient-everything",
    (_ANY, "validate"): f"{_HL7}/OperationDefinition/Resource-validate",
    ("", "export"): f"{_HL7}/uv/bulkdata/OperationDefinition/export",
    ("Patient", "export"): f"{_HL7}/uv/bulkdata/OperationDefinition/patient-export",
    ("Group", "export"): f"{_HL7}/uv/bulkdata/OperationDefinition/group-export",
    ("Subscription", "status"): f"{_BACKPORT}/OperationDefinition/backport-subscription-status",
    ("Subscription", "events"): f"{_BACKPORT}/OperationDefinition/backport-subscription-events",
}
"""Operations that others defined; the rest are this server's own."""
_EVERYWHERE = {
    "_id": f"{_HL7}/SearchParameter/Resource-id",
    "_lastUpdated": f"{_HL7}/SearchParameter/Resource-lastUpdated",
    "_profile": f"{_HL7}/SearchParameter/Resource-profile",
    "_security": f"{_HL7}/SearchParameter/Resource-security",
    "_source": f"{_HL7}/SearchParameter/Resource-source",
    "_tag": f"{_HL7}/SearchParameter/Resource-tag",
}


def capability_statement(
    base: str,
    paths: Collection[str] = (),
    security: Mapping[str, Any] | None = None,
    topics: Collection[str] = (),
) -> dict[str, Any]:
    """Return the statement of a server.

    Args:
        base: absolute URL of ``/fhir``, without a final slash.
        paths: templates of the addresses that the application serves.
        security: how callers come in, for example `smart_security`.
        topics: canonical addresses of what can be subscribed to.
    """
    operations = sorted({found for path in paths if (found := _operation(path))})
    rest: dict[str, Any] = {"mode": "server"}
    if security is not None:
        rest["security"] = dict(security)
    rest["resource"] = [
        _resource(name) | _operations(name, operations) | _topics(name, topics)
        for name in sorted(resource_types())
    ]
    rest["interaction"] = [{"code": c} for c in ("transaction", "batch", "history-system")]
    rest["searchParam"] = [_parameter(p) for p in parameters("Basic").values() if _is_shared(p)]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Caretier"},
        "implementation": {"description": "Caretier FHIR R4 server", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [rest | _operations("", operations)],
    }


def smart_security(authorize: str, token: str, **others: str) -> dict[str, Any]:
    """Return the security section of a server that speaks SMART on FHIR.

    Args:
        authorize: absolute URL of the authorization endpoint.
        token: of the token endpoint.
        others: further endpoints by name: ``introspect``, ``revoke``, ``manage``, ``register``.
    """
    endpoints = {"token": token, "authorize": authorize, **others}
    addresses = [{"url": name, "valueUri": url} for name, url in endpoints.items()]
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
        "code": "SMART-on-FHIR",
    }
    return {
        "extension": [{"url": f"{_SMART}/oauth-uris", "extension": addresses}],
        "cors": True,
        "service": [{"coding": [coding], "text": "OAuth2 by SMART App Launch"}],
    }


def _operation(path: str) -> tuple[str, str] | None:
    found = _OPERATION.fullmatch(path)
    return (found["type"] or "", found["name"]) if found else None


def _operations(kind: str, operations: Collection[Any]) -> dict[str, Any]:
    """The operations of a type, "" for those of the whole server."""
    levels = {kind, _ANY} if kind else {""}
    own = [{"name": n, "definition": _definition(of, n)} for of, n in operations if of in levels]
    return {"operation": own} if own else {}  # FHIR has no empty arrays


def _definition(kind: str, name: str) -> str:
    return _DEFINED.get((kind, name), f"urn:caretier:operation:{name}")


def _topics(kind: str, topics: Collection[str]) -> dict[str, Any]:
    """What can be subscribed to, as the R5 backport has it, on the entry of Subscription."""
    if kind != "Subscription" or not topics:
        return {}
    place = f"{_BACKPORT}/StructureDefinition"
    named = f"{place}/capabilitystatement-subscriptiontopic-canonical"
    return {
        "extension": [{"url": named, "valueCanonical": topic} for topic in sorted(topics)],
        "supportedProfile": [f"{place}/backport-subscription"],
    }


def _is_shared(parameter: Parameter) -> bool:
    return parameter.name in _EVERYWHERE


def _parameter(parameter: Parameter) -> dict[str, Any]:
    kind = "reference" if parameter.kind == "canonical" else parameter.kind
    described: dict[str, Any] = {"name": parameter.name}
    if _is_shared(parameter):
        described["definition"] = _EVERYWHERE[parameter.name]
    return described | {"type": kind}


@lru_cache(maxsize=300)
def _resource(name: str) -> dict[str, Any]:
    own = parameters(name)
    includes = [f"{name}:{p.name}" for p in own.values() if p.kind == "reference"]
    pointing = _pointing().get(name, [])
    described: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in policy.interactions(name)],
        "versioning": "versioned-update" if policy.writable(name, "u") else "versioned",
        "readHistory": True,
        "updateCreate": policy.UPDATE_CREATE and policy.writable(name, "u"),
        "conditionalCreate": policy.writable(name, "c"),
        "conditionalRead": "full-support",
        "conditionalUpdate": policy.writable(name, "u"),
        "conditionalDelete": "single" if policy.writable(name, "d") else "not-supported",
        "searchInclude": ["*", *includes],
    }
    if pointing:
        described["searchRevInclude"] = pointing
    return described | {"searchParam": [_parameter(p) for p in own.values()]}


@lru_cache(maxsize=1)
def _pointing() -> dict[str, list[str]]:
    """Names of the references that can lead to each type (``Provenance:target``)."""
    found: dict[str, list[str]] = {}
    for source, name, targets in _references():
        for target in targets:
            found.setdefault(target, []).append(f"{source}:{name}")
    return found


def _references() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for source in sorted(resource_types()):
        for parameter in parameters(source).values():
            if parameter.kind == "reference":
                yield source, parameter.name, possible_targets(source, parameter)
