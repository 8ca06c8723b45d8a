"""What happened and what is planned: visits, procedures, appointments, open referrals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.consult.record.reading import day_of, label, ref_of
from services.hospital.chart.models import Line
from services.hospital.chart.moments import moment_of
from services.hospital.chart.view import View

RECENT = 5
"""Visits and procedures that are shown."""
OPEN = {"active", "on-hold"}


def finished_visits(view: View) -> list[Mapping[str, Any]]:
    """Encounters that are over and began before today, the newest first."""
    found = [
        (day_of(r, "period") or "", r)
        for r in view.record.of("Encounter")
        if r.get("status") == "finished"
    ]
    past = [item for item in found if item[0] and item[0] < view.today.isoformat()]
    return [r for _, r in sorted(past, key=lambda item: item[0], reverse=True)]


def visit_line(view: View, resource: Mapping[str, Any]) -> Line:
    """One encounter: kind, day, reasons."""
    names = [label(kind) for kind in resource.get("type", ())]
    name = next((n for n in names if n), "") or label(resource.get("serviceType"))
    reasons = [r for r in map(label, resource.get("reasonCode", ())) if r]
    said = [view.say("visit.reason", reason=", ".join(reasons))] if reasons else []
    if resource.get("status") != "finished":
        said.append(view.say("visit.running"))
    return Line(
        text=name or view.say("visit.unnamed"),
        sources=(ref_of(resource),),
        day=day_of(resource, "period"),
        detail=" ".join(said) or None,
    )


def visits(view: View) -> Iterator[Line]:
    """Encounters that took place or run now, the newest first."""
    held = {"finished", "in-progress", "arrived", "triaged", "onleave"}
    found = [r for r in view.record.of("Encounter") if r.get("status") in held]
    recent = sorted(found, key=lambda r: day_of(r, "period") or "", reverse=True)
    for resource in recent[:RECENT]:
        yield visit_line(view, resource)


def procedures(view: View) -> Iterator[Line]:
    """Procedures done, the newest first."""
    for item in view.chart.procedures[:RECENT]:
        yield Line(text=item.name or view.say("unnamed"), sources=(item.ref,), day=item.day)


def appointments(view: View) -> Iterator[Line]:
    """Appointments ahead, the next first, with time, place and people."""
    for item in view.chart.appointments:
        start = str(item.day)
        at = moment_of(start)
        yield Line(
            text=item.name or view.say("appointment.unnamed"),
            sources=(item.ref,),
            day=at.astimezone().date().isoformat() if at else start[:10],
            at=at,
            detail=" · ".join([*item.places, *item.people]) or None,
        )


def referrals(view: View) -> Iterator[Line]:
    """Referrals and other orders that are open, the newest first."""
    found = [r for r in view.record.of("ServiceRequest") if r.get("status") in OPEN]
    for resource in sorted(found, key=lambda r: day_of(r, "authoredOn") or "", reverse=True):
        to = [p.get("display") for p in resource.get("performer", ()) if p.get("display")]
        said = [view.say("referral.to", to=", ".join(to))] if to else []
        reasons = [r for r in map(label, resource.get("reasonCode", ())) if r]
        said += [view.say("visit.reason", reason=", ".join(reasons))] if reasons else []
        if resource.get("priority") in {"urgent", "asap", "stat"}:
            said.append(view.say(f"referral.{resource['priority']}"))
        yield Line(
            text=label(resource.get("code")) or view.say("unnamed"),
            sources=(ref_of(resource),),
            day=day_of(resource, "authoredOn", "occurrenceDateTime"),
            detail=" ".join(said) or None,
            flag="hold" if resource["status"] == "on-hold" else None,
        )
