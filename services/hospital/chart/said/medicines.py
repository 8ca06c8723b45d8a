"""What a chart says of medicines: allergies to them first, then their orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from services.consult.record import words
from services.consult.record.reading import Allergy, Medicine
from services.hospital.chart import listing
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.when import in_time
from services.hospital.chart.view import View

MOST_SOURCES = 6
_BROAD = frozenset({"antibiotic", "sedating", "qt", "narrow"})
"""Classes that say nothing of who is allergic to what."""


def medicines(view: View, asked: Asked) -> Iterator[Line]:
    """What is recorded of medicines by name; an allergy to one, or its like, stands first."""
    wanted = set(asked.names)
    alike = {one for name in wanted for one in words.classes_of(name)} - _BROAD
    yield from _allergies(view, lambda a: wanted & set(a.generics) or alike & a.classes)
    yield from orders(view, asked, [m for m in view.chart.medicines if wanted & set(m.generics)])


def classes(view: View, asked: Asked) -> Iterator[Line]:
    """What is recorded of medicines by class; an allergy to one stands before its orders."""
    wanted = set(asked.names)
    yield from _allergies(view, lambda a: wanted & a.classes)
    yield from orders(view, asked, [m for m in view.chart.medicines if wanted & m.classes])


def allergies(view: View, asked: Asked) -> Iterator[Line]:
    """All allergies; before them, that none is recorded to what is asked about."""
    told = list(listing.allergies(view))
    if told and asked.against and not any(_to(asked.against, a) for a in view.chart.allergies):
        names = ", ".join(dict.fromkeys(asked.against))
        yield Line(text=view.say("asked.no_allergy", name=names), sources=(view.whole,))
    yield from told


def _to(against: Sequence[str], allergy: Allergy) -> bool:
    """Whether an allergy is to one of some medicines or classes, or to their like."""
    alike = {one for name in against for one in words.classes_of(name)} - _BROAD
    return bool(set(against) & (set(allergy.generics) | allergy.classes) or alike & allergy.classes)


def _allergies(view: View, concerned: Callable[[Allergy], object]) -> Iterator[Line]:
    told = {a.ref for a in view.chart.allergies if not a.none and concerned(a)}
    for line in listing.allergies(view):
        if told & set(line.sources):
            yield line


def orders(view: View, asked: Asked, chosen: list[Medicine]) -> Iterator[Line]:
    """Medicines with dose, since when, by whom, and whether they are still ordered."""
    grouped: dict[str, list[Medicine]] = {}
    for order in chosen:
        if in_time(view, order.day, asked):
            grouped.setdefault(order.name.casefold(), []).append(order)
    for found in sorted(grouped.values(), key=lambda orders: not any(o.active for o in orders)):
        active = any(o.active for o in found)
        if "active" in asked.intents and not active:
            continue
        yield _order(view, found)


def _order(view: View, found: Sequence[Medicine]) -> Line:
    newest, days = found[0], sorted(o.day for o in found if o.day)
    state = "active" if any(o.active for o in found) else "hold" if newest.on_hold else "over"
    said = [view.say(f"asked.order_{state}")]
    said += [view.say("medicine.dose", dose=newest.dose.rstrip("."))] if newest.dose else []
    said += [view.say("asked.first_order", day=days[0])] if days else []
    said += [view.say("medicine.renewed", day=days[-1])] if len(set(days)) > 1 else []
    said += [view.say("asked.prescriber", name=newest.prescriber)] if newest.prescriber else []
    said += [view.say("medicine.for", reason=", ".join(newest.reasons))] if newest.reasons else []
    sources = tuple(dict.fromkeys((newest.ref, found[-1].ref, *(o.ref for o in found))))
    return Line(
        text=newest.name or view.say("unnamed"),
        sources=sources[:MOST_SOURCES],
        day=newest.day,
        detail=" ".join(said),
    )
