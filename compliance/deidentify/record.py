"""Read identifiers out of FHIR R4 JSON.

Walks Patient, RelatedPerson, Practitioner, Organization and Location, with the contacts, contained
resources and extensions inside them, and the ``display`` of references to them in any resource.
Data types are known by their FHIR paths (``name``, ``telecom``, ``address``, ``identifier``) and in
extensions by ``valueHumanName`` and its siblings. States and countries are not taken: they may
stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from compliance.deidentify.errors import KnownIdentifiersError
from compliance.deidentify.normalise import fold
from compliance.deidentify.vocabulary import word_set

_ROLES = {
    "Patient": "PATIENT",
    "Person": "PATIENT",
    "RelatedPerson": "RELATIVE",
    "Practitioner": "CLINICIAN",
    "PractitionerRole": "CLINICIAN",
    "Organization": "ORGANIZATION",
    "Location": "ORGANIZATION",
}
_TELECOM = {
    "phone": "PHONE_NUMBER",
    "fax": "PHONE_NUMBER",
    "sms": "PHONE_NUMBER",
    "pager": "PHONE_NUMBER",
    "email": "EMAIL_ADDRESS",
    "url": "URL",
    "other": "UNIQUE_CODE",
}
_IDENTIFIER_TYPES = {
    "MR": "MEDICAL_RECORD_NUMBER",
    "SS": "US_SSN",
    "DL": "LICENSE_NUMBER",
    "PPN": "LICENSE_NUMBER",
    "MB": "HEALTH_PLAN_NUMBER",
    "SN": "HEALTH_PLAN_NUMBER",
    "AN": "ACCOUNT_NUMBER",
}
_MAX_DEPTH = 40
_WORD = regex.compile(r"[\p{L}\d]+(?:['’][\p{L}\d]+)*")  # noqa: RUF001 - an apostrophe people type


@dataclass(frozen=True, slots=True)
class KnownName:
    """A person's name: folded words of given and family name, whose it is."""

    role: str
    identity: str
    given: tuple[str, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownValue:
    """Any other identifier: its entity type, whose it is, and the value as in the record."""

    type: str
    identity: str
    value: str


Known = KnownName | KnownValue


def read_record(resources: Iterable[Mapping[str, Any]]) -> tuple[Known, ...]:
    """Everything that identifies someone in ``resources``, without repetition, in order.

    Raises:
        KnownIdentifiersError: something is not a FHIR resource.
    """
    found: dict[Known, None] = {}
    for resource in resources:
        if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
            raise KnownIdentifiersError("A resource of the record is not a FHIR JSON object.")
        for known in _resource(resource, 0):
            found[known] = None
    return tuple(found)


def _items(value: Any) -> list[Any]:
    """``value`` as a list: FHIR has one or many."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _resource(resource: Mapping[str, Any], depth: int) -> Iterator[Known]:
    """Identifiers of one resource and of what it contains."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    kind = resource.get("resourceType")
    if kind == "Bundle":
        for entry in _items(resource.get("entry")):
            if isinstance(entry, Mapping) and isinstance(entry.get("resource"), Mapping):
                yield from _resource(entry["resource"], depth + 1)
        return
    for inner in _items(resource.get("contained")):
        if isinstance(inner, Mapping):
            yield from _resource(inner, depth + 1)
    role = _ROLES.get(str(kind))
    if role:
        identity = _identity(role, resource)
        if isinstance(resource.get("id"), str):
            yield KnownValue("UNIQUE_CODE", identity, resource["id"])
        yield from _party(resource, role, identity, depth)
    else:
        yield from _references(resource, depth)
        if kind == "Coverage":
            yield from _coverage(resource)


def _coverage(resource: Mapping[str, Any]) -> Iterator[Known]:
    """Member, subscriber and policy numbers of a Coverage."""
    for key in ("subscriberId", "dependent", "policyHolderId"):
        if isinstance(resource.get(key), str):
            yield KnownValue("HEALTH_PLAN_NUMBER", "COVERAGE", resource[key])
    for identifier in _items(resource.get("identifier")):
        yield from _identifier(identifier, "COVERAGE")
    for group in _items(resource.get("class")):
        if isinstance(group, Mapping) and isinstance(group.get("value"), str):
            yield KnownValue("HEALTH_PLAN_NUMBER", "COVERAGE", group["value"])


def _party(node: Mapping[str, Any], role: str, identity: str, depth: int) -> Iterator[Known]:
    """Identifiers of a person or organisation, by FHIR path."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    for name in (*_items(node.get("name")), *_items(node.get("alias"))):
        yield from _name(name, role, identity)
    for telecom in _items(node.get("telecom")):
        yield from _telecom(telecom, identity)
    for address in _items(node.get("address")):
        yield from _address(address, identity)
    for identifier in _items(node.get("identifier")):
        yield from _identifier(identifier, identity)
    yield from _photos(node, identity)
    if isinstance(node.get("birthDate"), str):
        yield KnownValue("DATE", identity, node["birthDate"])
    for number, contact in enumerate(_items(node.get("contact"))):
        if isinstance(contact, Mapping):
            inner = "RELATIVE" if role == "PATIENT" else "PERSON"
            yield from _party(
                contact, inner, _identity(inner, contact, f"{identity}/{number}"), depth + 1
            )
    yield from _extensions(node, identity, role, depth)
    yield from _references(node, depth)


def _photos(node: Mapping[str, Any], identity: str) -> Iterator[Known]:
    """Addresses and titles of photographs."""
    for photo in _items(node.get("photo")):
        if isinstance(photo, Mapping):
            for key in ("url", "title"):
                if isinstance(photo.get(key), str):
                    yield KnownValue("BIOMETRIC_ID", identity, photo[key])


def _extensions(node: Mapping[str, Any], identity: str, role: str, depth: int) -> Iterator[Known]:
    """Identifiers in extensions: maiden names, birth places, further names and numbers."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    for extension in _items(node.get("extension")):
        if not isinstance(extension, Mapping):
            continue
        url = str(extension.get("url", "")).lower()
        if "name" in url and isinstance(extension.get("valueString"), str):
            yield from _name(
                extension["valueString"],
                "RELATIVE" if "maiden" in url else role,
                f"{identity}/{url}",
            )
        yield from _name(extension.get("valueHumanName"), role, identity)
        yield from _address(extension.get("valueAddress"), identity)
        yield from _telecom(extension.get("valueContactPoint"), identity)
        yield from _identifier(extension.get("valueIdentifier"), identity)
        yield from _extensions(extension, identity, role, depth + 1)


def _references(node: Any, depth: int) -> Iterator[Known]:
    """Names in the ``display`` of references to people and organisations, anywhere below."""
    if depth > _MAX_DEPTH:
        raise KnownIdentifiersError("The record is nested too deeply.")
    if isinstance(node, Mapping):
        display, target = node.get("display"), node.get("reference") or node.get("type") or ""
        if isinstance(display, str):
            kind = regex.search(
                (
                    r"(?:^|/)(Patient|RelatedPerson|Practitioner|PractitionerRole|Organization|Location)"
                    r"(?:$|[/?#])"
                ),
                str(target),
            )
            if kind:
                role = _ROLES[kind[1]]
                yield from _name(display, role, _identity(role, {"name": display}))
        for value in node.values():
            if isinstance(value, Mapping | list):
                yield from _references(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value, depth + 1)


def _name(name: Any, role: str, identity: str) -> Iterator[Known]:
    """A HumanName, or a name in one string (the last word is then the family's)."""
    if role == "ORGANIZATION":
        text = (
            name
            if isinstance(name, str)
            else name.get("text")
            if isinstance(name, Mapping)
            else None
        )
        if isinstance(text, str) and text.strip():
            yield KnownValue("ORGANIZATION", identity, text)
        return
    if isinstance(name, str):
        words = _words(name)
        yield from _made(role, identity, words[:-1], words[-1:])
    elif isinstance(name, Mapping):
        given = [word for part in _items(name.get("given")) for word in _words(part)]
        family = _words(name.get("family"))
        yield from _made(role, identity, given, family)
        text = _words(name.get("text"))
        if text and set(text) - set(given) - set(family):
            yield from _made(role, identity, text[:-1], text[-1:])


def _made(role: str, identity: str, given: list[str], family: list[str]) -> Iterator[Known]:
    """A KnownName unless it is empty."""
    if given or family:
        yield KnownName(role, identity, tuple(given), tuple(family))


_NOT_NAMES = word_set(
    "mr mrs ms miss dr dra prof sr sra srta jr ii iii iv md do rn np phd de la del los "
    "las van von der den y e don dona"
)


def _words(text: Any) -> list[str]:
    """Folded words of a name, without titles and particles; apostrophes are dropped."""
    if not isinstance(text, str):
        return []
    words = [fold(word).replace("'", "") for word in _WORD.findall(text)]
    return [word for word in words if word and word not in _NOT_NAMES]


def _telecom(telecom: Any, identity: str) -> Iterator[Known]:
    """A ContactPoint."""
    if isinstance(telecom, Mapping) and isinstance(telecom.get("value"), str):
        kind = _TELECOM.get(str(telecom.get("system", "other")), "UNIQUE_CODE")
        yield KnownValue(kind, identity, telecom["value"])


def _address(address: Any, identity: str) -> Iterator[Known]:
    """An Address: lines, town, district, postal code."""
    if not isinstance(address, Mapping):
        return
    for line in _items(address.get("line")):
        if isinstance(line, str):
            yield KnownValue("ADDRESS", identity, line)
    for key, kind in (("city", "LOCATION"), ("district", "LOCATION"), ("postalCode", "ZIP")):
        if isinstance(address.get(key), str):
            yield KnownValue(kind, identity, address[key])


def _identifier(identifier: Any, identity: str) -> Iterator[Known]:
    """An Identifier, typed by its v2-0203 code."""
    if isinstance(identifier, Mapping) and isinstance(identifier.get("value"), str):
        kind = identifier.get("type")
        codings = _items(kind.get("coding")) if isinstance(kind, Mapping) else []
        codes = [str(c.get("code")) for c in codings if isinstance(c, Mapping)]
        types = [_IDENTIFIER_TYPES[code] for code in codes if code in _IDENTIFIER_TYPES]
        value = regex.sub(r"^urn:(?:uuid|oid):", "", identifier["value"])
        yield KnownValue(types[0] if types else "UNIQUE_CODE", identity, value)


def _identity(role: str, node: Mapping[str, Any], default: str = "") -> str:
    """A name for whose identifier it is, the same for a resource and a reference to it."""
    for name in _items(node.get("name")):
        if isinstance(name, str):
            words = _words(name)
        elif isinstance(name, Mapping):
            words = [w for part in _items(name.get("given")) for w in _words(part)] + _words(
                name.get("family")
            )
            words = words or _words(name.get("text"))
        else:
            continue
        if words:
            return f"{role}:{' '.join(words)}"
    return f"{role}:{default or node.get('id') or 'unnamed'}"
