"""Read identifiers out of FHIR R4 JSON: everything in a record that tells whose it is.

People and organisations (Patient, RelatedPerson, Practitioner, Organization, Location …) give
names, telecoms, addresses, dates and photographs, with the contacts, contained resources and
extensions inside them. Every other resource gives its numbers (``record_numbers``) and the names in
the references that it holds. States and countries are not taken: they may stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compliance.deidentify.errors import KnownIdentifiersError
from compliance.deidentify.record_numbers import numbers
from compliance.deidentify.record_references import ROLES, references
from compliance.deidentify.record_values import (
    Known,
    KnownName,
    KnownValue,
    address,
    identifier,
    identity_of,
    items,
    name,
    telecom,
)

__all__ = ["Known", "KnownName", "KnownValue", "read_record"]

_MAX_DEPTH = 40
_DEFINITIONS = frozenset(
    "CodeSystem ValueSet ConceptMap StructureDefinition Questionnaire Library Measure "
    "PlanDefinition ActivityDefinition CapabilityStatement OperationDefinition SearchParameter "
    "NamingSystem Medication Substance MedicationKnowledge".split()
)
_DATES = ("birthDate", "deceasedDateTime", "bornDate", "deceasedDate")


def read_record(resources: Iterable[Mapping[str, Any]]) -> tuple[Known, ...]:
    """Everything that identifies someone in ``resources``, without repetition, in order.

    Raises:
        KnownIdentifiersError: something is not a FHIR resource.
    """
    opened = [each for resource in resources for each in _open(resource, "", 0)]
    kinds = {key: str(resource["resourceType"]) for keys, resource in opened for key in keys if key}
    found: dict[Known, None] = {}
    for _, resource in opened:
        found.update(dict.fromkeys(_resource(resource, kinds)))
    return tuple(found)


def _open(
    resource: Any, url: str, depth: int
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every resource in ``resource`` (Bundles, contained ones), with what references call it."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
        raise KnownIdentifiersError("The record holds something that is not a FHIR resource.")
    if resource["resourceType"] == "Bundle":
        for entry in items(resource.get("entry")):
            if isinstance(entry, Mapping) and isinstance(entry.get("resource"), Mapping):
                yield from _open(entry["resource"], str(entry.get("fullUrl") or ""), depth + 1)
        return
    yield (url, str(resource.get("id") or "")), resource
    for inner in items(resource.get("contained")):
        if isinstance(inner, Mapping):
            yield from _open(inner, "", depth + 1)


def _resource(resource: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[Known]:
    """Identifiers of one resource, without the resources contained in it."""
    kind = str(resource["resourceType"])
    own = {key: value for key, value in resource.items() if key != "contained"}
    role = ROLES.get(kind)
    if role:
        identity = identity_of(role, own)
        if isinstance(own.get("id"), str) and any(map(str.isdigit, own["id"])):
            yield KnownValue("UNIQUE_CODE", identity, own["id"])
        yield from _party(own, role, identity, 0)
    elif kind == "FamilyMemberHistory":
        yield from name(own.get("name"), "RELATIVE", identity_of("RELATIVE", own))
        yield from _dates(own, "RELATIVE")
    if kind not in _DEFINITIONS:
        yield from numbers(own, kind, known_person=role is not None)
    yield from references(own, kinds)


def _dates(node: Mapping[str, Any], identity: str) -> Iterator[Known]:
    """Dates of birth and death."""
    for key in _DATES:
        if isinstance(node.get(key), str):
            yield KnownValue("DATE", identity, node[key])


def _party(node: Mapping[str, Any], role: str, identity: str, depth: int) -> Iterator[Known]:
    """Identifiers of a person or organisation, by FHIR path."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    for entry in (*items(node.get("name")), *items(node.get("alias"))):
        yield from name(entry, role, identity)
    for entry in items(node.get("telecom")):
        yield from telecom(entry, identity)
    for entry in items(node.get("address")):
        yield from address(entry, identity)
    for entry in items(node.get("identifier")):
        yield from identifier(entry, identity)
    yield from _dates(node, identity)
    yield from _photos(node, identity)
    for number, contact in enumerate(items(node.get("contact"))):
        if isinstance(contact, Mapping):
            inner = "RELATIVE" if role == "PATIENT" else "PERSON"
            whose = identity_of(inner, contact, f"{identity}/{number}")
            yield from _party(contact, inner, whose, depth + 1)
    yield from _extensions(node, identity, role, depth)


def _photos(node: Mapping[str, Any], identity: str) -> Iterator[Known]:
    """Addresses and titles of photographs."""
    for photo in items(node.get("photo")):
        if isinstance(photo, Mapping):
            for key in ("url", "title"):
                if isinstance(photo.get(key), str):
                    yield KnownValue("BIOMETRIC_ID", identity, photo[key])


def _extensions(node: Mapping[str, Any], identity: str, role: str, depth: int) -> Iterator[Known]:
    """Identifiers in extensions: maiden names, birth places, further names and numbers."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    for extension in items(node.get("extension")):
        if not isinstance(extension, Mapping):
            continue
        url = str(extension.get("url", "")).lower()
        if "name" in url and isinstance(extension.get("valueString"), str):
            whose = "RELATIVE" if "maiden" in url else role
            yield from name(extension["valueString"], whose, f"{identity}/{url}")
        yield from name(extension.get("valueHumanName"), role, identity)
        yield from address(extension.get("valueAddress"), identity)
        yield from telecom(extension.get("valueContactPoint"), identity)
        yield from identifier(extension.get("valueIdentifier"), identity)
        if "birth" in url and isinstance(extension.get("valueDateTime"), str):
            yield KnownValue("DATE", identity, extension["valueDateTime"])
        yield from _extensions(extension, identity, role, depth + 1)
