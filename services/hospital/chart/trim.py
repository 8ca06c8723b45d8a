"""Leaves out orders and problems of the past that nothing in the summary looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from services.consult.record.reading import codes, day_of, label, ref_of

Resource = dict[str, Any]
_ORDERS = {"MedicationRequest", "MedicationStatement"}
_ORDER_DATES = ("authoredOn", "effectiveDateTime", "effectivePeriod", "dateAsserted")
_OVER = {"inactive", "resolved", "remission"}


def last_visit(resources: Iterable[Resource], today: date) -> str:
    """The day of the newest finished encounter before today, or ""."""
    days = (
        day_of(r, "period") or ""
        for r in resources
        if r["resourceType"] == "Encounter" and r.get("status") == "finished"
    )
    return max((d for d in days if d < today.isoformat()), default="")


def trim(resources: list[Resource], today: date) -> Iterator[Resource]:
    """Yield the resources without what is over, older than the last visit, and not referred to."""
    since = last_visit(resources, today)
    orders = [r for r in resources if r["resourceType"] in _ORDERS]
    needed = {_name(r) for r in orders if _recent(r, since)}
    reasons = {
        str(reason.get("reference", ""))
        for r in orders
        if r.get("status") in {"active", "on-hold"}
        for reason in r.get("reasonReference", ())
    }
    problems = {
        _problem(r) for r in resources if r["resourceType"] == "Condition" and not _is_over(r)
    }
    for resource in resources:
        kind = resource["resourceType"]
        if kind in _ORDERS and resource.get("status") not in {"active", "on-hold"}:
            if _name(resource) not in needed:
                continue
        elif kind == "Condition" and _is_over(resource):
            ended = day_of(resource, "abatementDateTime", "abatementPeriod") or ""
            asked = ref_of(resource) in reasons or _problem(resource) in problems
            if ended <= since and not asked:
                continue
        yield resource


def _recent(order: Resource, since: str) -> bool:
    return (day_of(order, *_ORDER_DATES) or "") > since


def _name(order: Resource) -> str:
    reference = (order.get("medicationReference") or {}).get("reference", "")
    return label(order.get("medicationCodeableConcept")).casefold() or str(reference)


def _problem(condition: Resource) -> str:
    return label(condition.get("code")).casefold()


def _is_over(condition: Resource) -> bool:
    return bool(codes(condition.get("clinicalStatus")) & _OVER)
