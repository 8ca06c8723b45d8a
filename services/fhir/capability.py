"""The CapabilityStatement: exactly the interactions and parameters that `routes` serves."""

from __future__ import annotations

from typing import Any

from services.fhir.validate import resource_types

PUBLISHED = "2026-11-25"
"""Day on which what the statement says last changed."""
PARAMETERS = {
    "_id": ("token", "http://hl7.org/fhir/SearchParameter/Resource-id"),
    "patient": ("reference", "http://hl7.org/fhir/SearchParameter/clinical-patient"),
    "code": ("token", "http://hl7.org/fhir/SearchParameter/clinical-code"),
    "category": ("token", None),
    "identifier": ("token", "http://hl7.org/fhir/SearchParameter/clinical-identifier"),
}
"""Search parameters of every type, with FHIR type and definition."""
DE_IDENTIFY = {"name": "de-identify", "definition": "urn:caretier:operation:de-identify"}
"""FHIR R4 defines no such operation; it is described in `deidentify`."""
CONTROLS = frozenset({"_count", "_page", "_format"})
"""Parameters that steer the result and select nothing."""


def capability_statement(base: str) -> dict[str, Any]:
    """Return the statement of the server at ``base`` (absolute URL without a final slash)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Caretier"},
        "implementation": {"description": "Caretier FHIR R4 store", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(name) for name in sorted(resource_types())],
                "operation": [DE_IDENTIFY],
            }
        ],
    }


def _resource(name: str) -> dict[str, Any]:
    parameters = []
    for parameter, (kind, definition) in PARAMETERS.items():
        entry = {"name": parameter, "type": kind}
        if definition:
            entry["definition"] = definition
        parameters.append(entry)
    described: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": parameters,
    }
    if name == "Patient":
        definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
        everything = {"name": "everything", "definition": definition}
        described["operation"] = [everything, DE_IDENTIFY]
    return described
