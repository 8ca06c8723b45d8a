"""References, ids and owners: what a resource is called, and whose it is.

A resource is known by ``Type/id``; a ``urn:uuid:`` name of a bundle stands for the resource under
it. Each resource has one owner, the patient whose dates move with it: named by the resource itself,
or by what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import regex

from compliance.deidentify.pseudonyms import StudyKey

BASE = "https://deidentified.invalid/fhir"
"""Base of absolute names in what is given out; there is no such host (RFC 2606)."""
_LITERAL = regex.compile(
    r"(?:https?://[^\s?#]+/)?(?P<type>[A-Z][A-Za-z]{2,63})/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/[^/]+)?"
)
_CONDITIONAL = regex.compile(r"(?P<type>[A-Z][A-Za-z]{2,63})\?identifier=(?P<key>.+)")
_OWN = ("patient", "subject", "beneficiary", "for", "individual")
_SHARED = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location",
     "HealthcareService", "Medication", "Substance", "Schedule", "Slot", "ResearchStudy"}
)  # fmt: skip
_ROUNDS = 3
Entry = tuple[str | None, Mapping[str, Any]]
"""``fullUrl`` in the bundle, where there is one, and the resource."""


class Names:
    """Canonical names of the resources of one run, and their pseudonyms."""

    def __init__(self, key: StudyKey, entries: Iterable[Entry]) -> None:
        """Take every resource of the run."""
        self._key = key
        self.given_out: set[tuple[str, str]] = set()
        self._urls: dict[str, str] = {}
        resources: dict[str, Mapping[str, Any]] = {}
        for url, resource in entries:
            name = self.name(resource, url)
            resources[name] = resource
            if url:
                self._urls[url] = name
        self._owners = self._own(resources)

    def name(self, resource: Mapping[str, Any], url: str | None = None) -> str:
        """``Type/id``, or the name in the bundle of what has no id."""
        identity = resource.get("id")
        if isinstance(identity, str):
            return f"{resource.get('resourceType')}/{identity}"
        return url or f"{resource.get('resourceType')}/"

    def owner(self, name: str) -> str:
        """The patient whose dates move with the resource ``name``; itself if there is none."""
        return self._owners.get(name, name)

    def canonical(self, reference: str) -> str | None:
        """``Type/id`` of a literal reference, or its ``urn:``; None for other forms."""
        if reference in self._urls:
            return self._urls[reference]
        if reference.startswith(("urn:uuid:", "urn:oid:")):
            return reference
        match = _LITERAL.fullmatch(reference)
        return f"{match['type']}/{match['id']}" if match else None

    def pseudonym(self, name: str) -> str:
        """Pseudonymous id of the resource ``name``."""
        kind, _, _ = name.partition("/")
        kind = kind.lower() if kind.isalpha() else "resource"
        return self._out(self._key.pseudonym(kind, name), name)

    def reference(self, given: str, within: str) -> str | None:
        """The reference in what is given out; None when it has no form that is understood.

        Args:
            given: ``Type/id``, an absolute URL, ``urn:uuid:``, ``#contained``, a type alone, or
                ``Type?identifier=system|value``.
            within: name of the resource that refers.
        """
        if given.startswith("#"):
            return f"#{self.contained(given[1:], within)}" if len(given) > 1 else given
        if given.startswith("urn:"):
            return f"urn:uuid:{self._key.uuid(given)}"
        if conditional := _CONDITIONAL.fullmatch(given):
            system, _, value = conditional["key"].rpartition("|")
            return f"{conditional['type']}?identifier={self.system(system)}|{self.code(value)}"
        name = self.canonical(given)
        return f"{name.partition('/')[0]}/{self.pseudonym(name)}" if name else None

    def full_url(self, given: str, within: str) -> str | None:
        """The fullUrl of an entry in what is given out."""
        made = self.reference(given, within)
        return made if made is None or made.startswith("urn:") else f"{BASE}/{made}"

    def contained(self, identity: str, within: str) -> str:
        """Pseudonymous id of a contained resource."""
        return self._key.pseudonym("contained", f"{within}#{identity}")

    def system(self, system: str) -> str:
        """Another system for a system of identifiers, whose values are pseudonyms now."""
        return f"urn:caretier:{self._key.pseudonym('system', system)}"

    def code(self, value: str) -> str:
        """Pseudonym of an identifier's value, however it is punctuated."""
        bare = regex.sub(r"^urn:(?:uuid|oid):|[^\p{L}\d]", "", value)
        return self._out(self._key.pseudonym("id", bare.casefold()), value)

    def _out(self, made: str, original: str) -> str:
        """``made``, remembered as what stands for ``original``."""
        self.given_out.add((made, original))
        return made

    def _own(self, resources: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Owner of each resource that has one."""
        links = {name: tuple(self._links(resource)) for name, resource in resources.items()}
        owners = {name: name for name in resources if name.startswith("Patient/")}
        for name in resources:
            if name not in owners and (patient := _patient(links[name])):
                owners[name] = patient
        for _ in range(_ROUNDS):
            for name in resources:
                if name in owners or name.partition("/")[0] in _SHARED:
                    continue
                found = {owners[target] for _, target in links[name] if target in owners}
                if len(found) == 1:
                    owners[name] = found.pop()
        return owners

    def _links(self, value: Any, key: str = "") -> Iterator[tuple[str, str]]:
        """References of a resource: element and canonical target."""
        if isinstance(value, Mapping):
            reference = value.get("reference")
            if isinstance(reference, str) and (target := self.canonical(reference)):
                yield key, target
            for name, inner in value.items():
                if name != "contained":
                    yield from self._links(inner, name)
        elif isinstance(value, list):
            for inner in value:
                yield from self._links(inner, key)


def _patient(links: tuple[tuple[str, str], ...]) -> str | None:
    """Whom a resource is about: by the element that says so, or the only patient there is."""
    patients = [(key, target) for key, target in links if target.startswith("Patient/")]
    for own in _OWN:
        named = {target for key, target in patients if key == own}
        if len(named) == 1:
            return named.pop()
    distinct = {target for _, target in patients}
    return distinct.pop() if len(distinct) == 1 else None
