"""Names in the references of any resource: who treated, asked, paid, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from compliance.deidentify.errors import KnownIdentifiersError
from compliance.deidentify.record_values import INSTITUTIONS, Known, identity_of, name, words

ROLES = {
    "Patient": "PATIENT",
    "Person": "PATIENT",
    "RelatedPerson": "RELATIVE",
    "Practitioner": "CLINICIAN",
    "PractitionerRole": "CLINICIAN",
    "Organization": "ORGANIZATION",
    "Location": "ORGANIZATION",
}
"""Role of the people and places that each resource type describes."""
_KEYS = {
    **dict.fromkeys("subject patient beneficiary".split(), "PATIENT"),
    **dict.fromkeys("subscriber policyHolder party".split(), "RELATIVE"),
    **dict.fromkeys(
        "individual performer requester author recorder asserter provider practitioner actor "
        "generalPractitioner member enterer responsible attester authenticator sender who "
        "recipient informationSource collector verifier source operator reporter owner "
        "receiver careManager interpreter resultsInterpreter".split(),
        "CLINICIAN",
    ),
    **dict.fromkeys(
        "managingOrganization serviceProvider insurer payor custodian organization facility "
        "location assigner origin destination onBehalfOf healthcareService".split(),
        "ORGANIZATION",
    ),
}
"""Role by the element that refers, where the reference itself does not tell."""
_TYPE = regex.compile(rf"(?:^|/)({'|'.join(ROLES)})(?:$|[/?#])")
_OTHER_TYPE = regex.compile(r"(?:^|/)[A-Z]\w+/[^/]+$")
_MAX_DEPTH = 40


def references(node: Any, kinds: Mapping[str, str]) -> Iterator[Known]:
    """Names in the ``display`` of references to people and organisations, anywhere below.

    Args:
        node: FHIR JSON.
        kinds: resource type by full URL and id, for references that do not say it.

    Raises:
        KnownIdentifiersError: it is nested too deeply.
    """
    yield from _below(node, "", kinds, 0)


def _below(node: Any, key: str, kinds: Mapping[str, str], depth: int) -> Iterator[Known]:
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    if isinstance(node, list):
        for value in node:
            yield from _below(value, key, kinds, depth + 1)
    elif isinstance(node, Mapping):
        display = node.get("display")
        role = _role(node, key, kinds) if isinstance(display, str) else None
        if role:
            yield from _named(str(display), role)
        for text in ("authorString", "nameString"):
            if isinstance(node.get(text), str):
                yield from _named(node[text], "CLINICIAN")
        for inner, value in node.items():
            if isinstance(value, Mapping | list):
                yield from _below(value, inner, kinds, depth + 1)


def _role(node: Mapping[str, Any], key: str, kinds: Mapping[str, str]) -> str | None:
    """Whose name a reference shows: it says so, or the record does, or the element it is in."""
    target = str(node.get("reference") or node.get("type") or "")
    said = _TYPE.search(target)
    if said:
        return ROLES[said[1]]
    if _OTHER_TYPE.search(target):
        return None
    kind = kinds.get(target) or kinds.get(regex.split(r"[/:#]", target)[-1])
    if kind:
        return ROLES.get(kind)
    return None if "code" in node or "system" in node else _KEYS.get(key)


def _named(display: str, role: str) -> Iterator[Known]:
    """A name in one string; one with "hospital" or the like in it is an organisation's."""
    if role != "ORGANIZATION" and INSTITUTIONS & set(words(display)):
        role = "ORGANIZATION"
    yield from name(display, role, identity_of(role, {"name": display}))
