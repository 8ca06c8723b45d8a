"""What a resource lacks that a US Core profile asks for, or that systems must support.

    profile = named("us-core-patient")
    [str(lack.fault) for lack in lacks(resource, profile)]   # ["Patient.gender: is required …"]

A resource that is R4 but not US Core is stored all the same: records of other countries are not
US Core, and what is missing cannot be made up. ``$validate`` tells, as errors where the caller
names the profile and as warnings where only the resource does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.fhir.errors import Fault
from services.fhir.validate.catalogue import table
from services.fhir.validate.rules.datatypes import codings
from services.fhir.validate.rules.forms import Node, has

BASE = "http://hl7.org/fhir/us/core/StructureDefinition/"
"""What the URLs of the profiles begin with."""
ANY = "us-core"
"""Names the profile that fits the resource."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A US Core profile; paths are below the resource, "value[x]" is whichever type was chosen."""

    name: str
    type: str
    required: tuple[str, ...]
    supported: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...]
    one_of_each: Mapping[str, tuple[str, ...]]
    coded: Mapping[str, tuple[str, ...]]

    @property
    def url(self) -> str:
        """Canonical URL, without version."""
        return BASE + self.name


@dataclass(frozen=True, slots=True)
class Lack:
    """Something missing; ``needed`` is False for what a system must only be able to hold."""

    fault: Fault
    needed: bool


@lru_cache(maxsize=1)
def profiles() -> Mapping[str, Profile]:
    """Return every known profile by its name."""
    return {name: _profile(name, row) for name, row in table("us_core").items()}


def _profile(name: str, row: Mapping[str, Any]) -> Profile:
    return Profile(
        name=name,
        type=row["type"],
        required=tuple(row.get("required", ())),
        supported=tuple(row.get("supported", ())),
        one_of=tuple(tuple(names) for names in row.get("one_of", ())),
        one_of_each={path: tuple(names) for path, names in row.get("one_of_each", {}).items()},
        coded={path: tuple(codes) for path, codes in row.get("coded", {}).items()},
    )


def named(name: str) -> Profile | None:
    """Return the profile of that URL (with or without ``|version``) or name, if it is known."""
    return profiles().get(name.partition("|")[0].removeprefix(BASE))


def fitting(resource: Node) -> tuple[Profile, ...]:
    """Return the profiles that a sound resource says it has, else those its type and codes fit."""
    claimed = tuple(filter(None, map(named, resource.get("meta", {}).get("profile", ()))))
    if claimed:
        return claimed
    kind = resource["resourceType"]
    of_type = [p for p in profiles().values() if p.type == kind]
    coded = [p for p in of_type if p.coded and not list(_uncoded(resource, p))]
    return tuple(coded) or tuple(p for p in of_type if not p.coded)[:1]


def lacks(resource: Node, profile: Profile) -> Iterator[Lack]:
    """Yield what a sound ``resource`` lacks of ``profile``."""
    kind, name = resource["resourceType"], profile.name
    if kind != profile.type:
        yield Lack(Fault("resourceType", f"must be {profile.type} ({name})"), needed=True)
        return
    for path in profile.required:
        yield from _missing(resource, path, f"is required ({name})", needed=True)
    for names in profile.one_of:
        if not any(has(resource, one) for one in names):
            yield Lack(Fault(kind, f"needs one of {', '.join(names)} ({name})"), needed=True)
    for path, names in profile.one_of_each.items():
        for node, where in _nodes(resource, kind, path.split(".")):
            if not any(has(node, one) for one in (*names, "extension")):
                yield Lack(Fault(where, f"needs one of {', '.join(names)} ({name})"), needed=True)
    for path in _uncoded(resource, profile):
        codes = ", ".join(profile.coded[path])
        yield Lack(Fault(f"{kind}.{path}", f"needs one code of {codes} ({name})"), needed=True)
    for path in profile.supported:
        yield from _missing(resource, path, f"must be supported, is absent ({name})", needed=False)


def _uncoded(resource: Node, profile: Profile) -> Iterator[str]:
    for path, codes in profile.coded.items():
        concepts = resource.get(path, [])
        for_each = concepts if isinstance(concepts, list) else [concepts]
        if not any(code in codes for concept in for_each for _, code in codings(concept)):
            yield path


def _missing(resource: Node, path: str, rule: str, *, needed: bool) -> Iterator[Lack]:
    *parents, leaf = path.split(".")
    for node, where in _nodes(resource, resource["resourceType"], parents):
        if not has(node, leaf):
            yield Lack(Fault(f"{where}.{leaf.removesuffix('[x]')}", rule), needed)


def _nodes(node: Node, where: str, path: list[str]) -> Iterator[tuple[Node, str]]:
    """Yield each object at ``path`` with its FHIRPath."""
    if not path:
        yield node, where
        return
    value = node.get(path[0], [])
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here = f"{where}.{path[0]}[{index}]" if isinstance(value, list) else f"{where}.{path[0]}"
        yield from _nodes(item, here, path[1:])
