"""Problems, medicines and allergies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record.reading import Condition, Medicine
from services.consult.record.safety import condition_name
from services.hospital.chart.models import Line
from services.hospital.chart.view import View

MOST_SOURCES = 5
"""Most resources that one line names."""


def problems(view: View) -> Iterator[Line]:
    """Active conditions, newest first, each name once; doubtful ones say so."""
    grouped: dict[str, list[Condition]] = {}
    for condition in view.chart.conditions:
        if condition.active:
            name = condition_name(condition, view.language) or view.say("unnamed")
            grouped.setdefault(name, []).append(condition)
    for name, found in grouped.items():
        days = sorted(c.day for c in found if c.day)
        yield Line(
            text=name,
            sources=tuple(c.ref for c in found[:MOST_SOURCES]),
            day=found[0].day,
            detail=view.say("since", day=days[0]) if days else None,
            flag="unconfirmed" if all(c.unconfirmed for c in found) else None,
        )


def orders(view: View) -> list[list[Medicine]]:
    """Medicines that are taken (or on hold), each with all its orders, the newest first."""
    grouped: dict[str, list[Medicine]] = {}
    for medicine in view.chart.medicines:
        if medicine.active or medicine.on_hold:
            grouped.setdefault(medicine.name.casefold(), []).append(medicine)
    return list(grouped.values())


def medicines(view: View) -> Iterator[Line]:
    """Active medicines with dose, since when, by whom, and what for."""
    for found in sorted(orders(view), key=lambda o: o[0].on_hold):
        newest = found[0]
        yield Line(
            text=newest.name or view.say("unnamed"),
            sources=tuple(m.ref for m in found[:MOST_SOURCES]),
            day=newest.day,
            detail=" ".join(_about(view, found)) or None,
            flag="hold" if newest.on_hold else None,
        )


def _about(view: View, found: Sequence[Medicine]) -> Iterator[str]:
    newest, days = found[0], sorted(m.day for m in found if m.day)
    if newest.dose:
        yield view.say("medicine.dose", dose=newest.dose.rstrip("."))
    if days:
        yield view.say("medicine.since", day=days[0])
    if days and days[-1] != days[0]:
        yield view.say("medicine.renewed", day=days[-1])
    if newest.prescriber:
        yield view.say("asked.prescriber", name=newest.prescriber)
    if newest.reasons:
        yield view.say("medicine.for", reason=", ".join(dict.fromkeys(newest.reasons)))


def allergies(view: View) -> Iterator[Line]:
    """Allergies and intolerances, those of high criticality first."""
    for allergy in view.chart.allergies:
        kind = "none" if allergy.none else "intolerance" if allergy.intolerance else "allergy"
        said = [] if allergy.none else [view.say(f"allergy.{kind}")]
        if allergy.reactions:
            said.append(view.say("allergy.reaction", list=", ".join(allergy.reactions)))
        if allergy.day:
            said.append(view.say("recorded", day=allergy.day))
        yield Line(
            text=allergy.name or view.say("unnamed"),
            sources=(allergy.ref,),
            day=allergy.day,
            detail=" ".join(said) or None,
            flag="severe" if allergy.severe else None,
        )
