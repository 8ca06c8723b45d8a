"""Numbers of a person's resources: identifiers, devices, specimens, claims, accounts, coverages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from compliance.deidentify.errors import KnownIdentifiersError
from compliance.deidentify.record_values import Known, KnownValue, identifier, items

_MAX_DEPTH = 40
_STRINGS = {
    "serialNumber": "DEVICE_ID",
    "lotNumber": "DEVICE_ID",
    "distinctIdentifier": "DEVICE_ID",
    "deviceIdentifier": "DEVICE_ID",
    "carrierHRF": "DEVICE_ID",
    "subscriberId": "HEALTH_PLAN_NUMBER",
    "policyHolderId": "HEALTH_PLAN_NUMBER",
    "dependent": "HEALTH_PLAN_NUMBER",
    "preAuthRef": "HEALTH_PLAN_NUMBER",
    "uid": "UNIQUE_CODE",
}
"""Elements that hold a number as a string, wherever they stand."""
_IDENTIFIERS = regex.compile(r"identifier|requisition", regex.IGNORECASE)
_KINDS = {
    "Account": "ACCOUNT_NUMBER",
    "Coverage": "UNIQUE_CODE",
    "Device": "DEVICE_ID",
}
_MIN_ID_DIGITS = 4


def numbers(resource: Mapping[str, Any], kind: str, *, known_person: bool) -> Iterator[Known]:
    """Identifiers, serial and lot numbers and the like, anywhere in ``resource``.

    Args:
        resource: FHIR JSON of any type.
        kind: its type.
        known_person: its own ``id`` and ``identifier`` are taken elsewhere.

    Raises:
        KnownIdentifiersError: it is nested too deeply.
    """
    own = resource.get("id")
    if not known_person and isinstance(own, str) and _tells(own):
        yield KnownValue("UNIQUE_CODE", kind, own)
    if kind == "Coverage":
        for group in items(resource.get("class")):
            if isinstance(group, Mapping) and isinstance(group.get("value"), str):
                yield KnownValue("HEALTH_PLAN_NUMBER", kind, group["value"])
    rest = {k: v for k, v in resource.items() if not (known_person and k == "identifier")}
    yield from _below(rest, kind, 0)


def _below(node: Any, kind: str, depth: int) -> Iterator[Known]:
    """Numbers in ``node`` and everything under it."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    if isinstance(node, list):
        for value in node:
            yield from _below(value, kind, depth + 1)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _element(key, value, kind)
            if isinstance(value, Mapping | list):
                yield from _below(value, kind, depth + 1)


def _element(key: str, value: Any, kind: str) -> Iterator[Known]:
    """The numbers that one element holds itself."""
    if key in _STRINGS:
        for text in items(value):
            if isinstance(text, str):
                yield KnownValue(_STRINGS[key], kind, text)
    elif _IDENTIFIERS.search(key):
        for each in items(value):
            yield from identifier(each, kind, _KINDS.get(kind, "UNIQUE_CODE"))


def _tells(identifier_of_resource: str) -> bool:
    """An id that somebody could be found by, not one that describes ("blood-pressure-1")."""
    digits = sum(map(str.isdigit, identifier_of_resource))
    letters = sum(map(str.isalpha, identifier_of_resource))
    hexadecimal = regex.fullmatch(r"[\da-fA-F-]{8,}", identifier_of_resource)
    return digits >= _MIN_ID_DIGITS and (bool(hexadecimal) or digits >= letters)
