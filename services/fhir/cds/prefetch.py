"""What came with a call and what is still missing; what is another person's is left out.

Prefetched resources are a stranger's text. They count only when they are of the patient of the
context, are of a type that the template asks for, and can be read; all else is counted and said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from services.fhir.references import COMPARTMENT

MAX_RESOURCES = 4000
"""Most resources of one call that are looked at."""
_TOKEN = re.compile(r"\{\{([A-Za-z.]+)\}\}")
_USERS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}
Resource = dict[str, Any]


def fill(template: str, context: Mapping[str, Any]) -> str | None:
    """The request of a template, or None where the context lacks what it names."""
    values = {f"context.{k}": str(v) for k, v in context.items() if isinstance(v, str | int)}
    kind, _, identity = str(context.get("userId", "")).partition("/")
    values |= {token: identity for token, wanted in _USERS.items() if wanted == kind}
    names = _TOKEN.findall(template)
    if any(name not in values for name in names):
        return None
    return _TOKEN.sub(lambda found: quote(values[found[1]], safe="-.~"), template)


def kind_of(template: str) -> str:
    """The type that a template asks for."""
    return re.split(r"[/?]", template, maxsplit=1)[0]


@dataclass
class Gathered:
    """The resources of one call.

    Attributes:
        patient: id of the patient of the context.
        server: base of the client's FHIR server, where the call names it.
        resources: those that count, by key of the prefetch.
        missing: keys of which nothing is known, or not all.
        left_out: number of resources that do not count, by cause: ``other`` person,
            ``unreadable``, ``wrong`` type, ``many``.
    """

    patient: str
    server: str | None = None
    resources: dict[str, list[Resource]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def all(self) -> list[Resource]:
        """Every resource that counts, each once, the Patient first."""
        once: dict[tuple[str, str], Resource] = {}
        for found in self.resources.values():
            for resource in found:
                key = (resource["resourceType"], str(resource.get("id") or id(resource)))
                once.setdefault(key, resource)
        return sorted(once.values(), key=lambda r: r["resourceType"] != "Patient")

    def take(self, key: str, template: str, value: Any) -> None:
        """Take the value of a key as it came: a resource, a Bundle of them, or null for none.

        Args:
            key: of the prefetch.
            template: what it asks for.
            value: what came.
        """
        kind = kind_of(template)
        if isinstance(value, Mapping) and value.get("resourceType") == "OperationOutcome":
            self.missing.add(key)
            return
        self.missing.discard(key)
        kept = self.resources.setdefault(key, [])
        whole = True
        for resource in () if value is None else _resources(value):
            if resource.get("resourceType") == "OperationOutcome":
                whole = whole and _is_remark(resource)
            elif sum(map(len, self.resources.values())) >= MAX_RESOURCES:
                self.left_out["many"] += 1
                whole = False
            elif cause := self._cause(resource, kind):
                self.left_out[cause] += 1
                whole = whole and cause != "unreadable"
            else:
                kept.append(resource)
        if not whole or not _is_whole(value, template) or (kind == "Patient" and not kept):
            self.missing.add(key)

    def _cause(self, resource: Resource, kind: str) -> str | None:
        """Why a resource does not count."""
        name = resource.get("resourceType")
        if not isinstance(name, str) or not isinstance(resource.get("id", ""), str):
            return "unreadable"
        if name not in {kind, "Medication", "Practitioner", "PractitionerRole"}:
            return "wrong"
        if name == "Patient":
            return None if resource.get("id") == self.patient else "other"
        if name in COMPARTMENT and not self.is_of_patient(resource):
            return "other"
        return None

    def is_of_patient(self, resource: Mapping[str, Any]) -> bool:
        """Whether it is about the patient: who else takes part in it does not count."""
        about = resource.get("subject") or resource.get("patient")
        reference = about.get("reference") if isinstance(about, Mapping) else None
        if not isinstance(reference, str):
            return False
        base, _, own = reference.partition("/_history/")[0].rpartition("Patient/")
        here = not base or self.server is None or base.rstrip("/") == self.server.rstrip("/")
        return here and own == self.patient


def _resources(value: Any) -> Iterator[Resource]:
    if not isinstance(value, Mapping):
        yield {}
        return
    if value.get("resourceType") != "Bundle":
        yield dict(value)
        return
    entries = value.get("entry", [])
    for entry in entries if isinstance(entries, list) else [None]:
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        yield dict(resource) if isinstance(resource, Mapping) else {}


def _is_whole(value: Any, template: str) -> bool:
    """Whether there is no further page, or none that was asked for: the newest were, and came."""
    pages = value.get("link", []) if isinstance(value, Mapping) else []
    more = any(isinstance(p, Mapping) and p.get("relation") == "next" for p in pages or [])
    return not more or (is_newest_only(template) and _is_sorted(value))


def is_newest_only(template: str) -> bool:
    """Whether a template asks for the newest entries alone."""
    return "&_sort=-date&_count=" in template


def _is_sorted(value: Any) -> bool:
    days = [str(r.get("effectiveDateTime", ""))[:10] for r in _resources(value)]
    return days == sorted(days, reverse=True)


def _is_remark(outcome: Resource) -> bool:
    """Whether an OperationOutcome within a Bundle says nothing that went wrong."""
    issues = outcome.get("issue")
    said = [i.get("severity") for i in issues if isinstance(i, Mapping)] if issues else []
    return bool(said) and all(one in {"information", "warning", "success"} for one in said)
