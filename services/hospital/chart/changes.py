"""What changed since the last visit: everything that is dated after it."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.record.reading import day_of
from services.hospital.chart.events import finished_visits, visit_line
from services.hospital.chart.models import Changes, Line
from services.hospital.chart.results import results
from services.hospital.chart.view import View


def changes(view: View) -> Changes:
    """Compare with the last finished visit before today."""
    visits = finished_visits(view)
    if not visits:
        return Changes()
    visit = visit_line(view, visits[0])
    found = list(_changes(view, str(visit.day)))
    return Changes(visit=visit, lines=tuple(sorted(found, key=lambda c: c.day or "", reverse=True)))


def _changes(view: View, since: str) -> Iterator[Line]:
    yield from _conditions(view, since)
    yield from _medicines(view, since)
    for allergy in view.chart.allergies:
        if _after(view, allergy.day, since):
            yield _line(view, "change.allergy", allergy.ref, allergy.name, allergy.day)
    for result in results(view):
        if _after(view, result.day, since):
            yield result
    for dose in view.chart.vaccines:
        if _after(view, dose.day, since):
            yield _line(view, "change.vaccine", dose.ref, dose.name, dose.day)
    for item in view.chart.procedures:
        if _after(view, item.day, since):
            yield _line(view, "change.procedure", item.ref, item.name, item.day)


def _conditions(view: View, since: str) -> Iterator[Line]:
    for condition in view.chart.conditions:
        resource = view.by_ref[condition.ref]
        ended = day_of(resource, "abatementDateTime", "abatementPeriod")
        noted = day_of(resource, "recordedDate", "onsetDateTime", "onsetPeriod")
        if _after(view, ended, since):
            yield _line(view, "change.resolved", condition.ref, condition.name, ended)
        elif condition.active and _after(view, noted, since):
            yield _line(view, "change.problem", condition.ref, condition.name, noted)


def _medicines(view: View, since: str) -> Iterator[Line]:
    known = {m.name for m in view.chart.medicines if (m.day or "9") <= since}
    for medicine in view.chart.medicines:
        if _after(view, medicine.day, since):
            key = "renewed" if medicine.name in known else "started"
            key = key if medicine.active else "ordered"
            yield _line(view, f"change.{key}", medicine.ref, medicine.name, medicine.day)


def _after(view: View, day: str | None, since: str) -> bool:
    """Whether a day lies after the visit and not ahead; of a month or year that cannot be said."""
    return bool(day) and since < str(day) <= view.today.isoformat()


def _line(view: View, key: str, ref: str, name: str, day: str | None) -> Line:
    return Line(text=view.say(key, name=name or view.say("unnamed")), sources=(ref,), day=day)
