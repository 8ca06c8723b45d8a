"""What happened and what is planned: doses of vaccine, procedures, appointments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.consult.record import words
from services.consult.record.reading import Item, codes, day_of, label, ref_of


@dataclass(frozen=True)
class Vaccine(Item):
    """A dose that was given."""

    keys: frozenset[str]


@dataclass(frozen=True)
class Procedure(Item):
    """A procedure that was done."""


@dataclass(frozen=True)
class Visit(Item):
    """A visit that took place."""


@dataclass(frozen=True)
class Goal(Item):
    """What was agreed to reach."""


@dataclass(frozen=True)
class Appointment(Item):
    """A booked appointment; ``name`` is its description, ``places`` and ``people`` may identify."""

    places: tuple[str, ...]
    people: tuple[str, ...]


def read_vaccines(resources: Iterable[Mapping[str, Any]]) -> Iterator[Vaccine]:
    """Yield the doses given."""
    table = words.data("vaccines")["vaccines"]
    for item in resources:
        if item.get("resourceType") == "Immunization":
            name = label(item.get("vaccineCode"))
            cvx = codes(item.get("vaccineCode"))
            keys = frozenset(
                key
                for key, entry in table.items()
                if cvx & set(entry["cvx"]) or any(part in name.lower() for part in entry["text"])
            )
            yield Vaccine(ref_of(item), name, day_of(item, "occurrenceDateTime"), keys)


def read_procedures(resources: Iterable[Mapping[str, Any]]) -> Iterator[Procedure]:
    """Yield the procedures that were completed."""
    for item in resources:
        if item.get("resourceType") == "Procedure" and item.get("status") == "completed":
            day = day_of(item, "performedDateTime", "performedPeriod")
            yield Procedure(ref_of(item), label(item.get("code")), day)


def read_appointments(resources: Iterable[Mapping[str, Any]]) -> Iterator[Appointment]:
    """Yield the appointments that are booked or pending."""
    for item in resources:
        if item.get("resourceType") == "Appointment" and item.get("status") in {
            "booked",
            "pending",
        }:
            actors = [p.get("actor") or {} for p in item.get("participant", ())]
            shown = [(str(a.get("reference", "")), str(a.get("display", ""))) for a in actors]
            yield Appointment(
                ref_of(item),
                str(item.get("description") or ""),
                str(item.get("start", "")) or None,
                tuple(d for r, d in shown if d and r.startswith("Location/")),
                tuple(d for r, d in shown if d and r.startswith("Practitioner")),
            )


def read_visits(resources: Iterable[Mapping[str, Any]]) -> Iterator[Visit]:
    """Yield the encounters that took place."""
    for item in resources:
        if item.get("resourceType") == "Encounter" and item.get("status") == "finished":
            kinds = item.get("type") or [{}]
            yield Visit(ref_of(item), label(kinds[0]), day_of(item, "period"))


def read_goals(resources: Iterable[Mapping[str, Any]]) -> Iterator[Goal]:
    """Yield the goals that were neither reached nor given up."""
    for item in resources:
        stands = item.get("lifecycleStatus") in {"accepted", "active", "planned"}
        if item.get("resourceType") == "Goal" and stands:
            yield Goal(ref_of(item), label(item.get("description")), day_of(item, "startDate"))
