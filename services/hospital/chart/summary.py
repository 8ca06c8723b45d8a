"""Says everything about one record: its parts, what contradicts, what is missing, who it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.consult.record.reading import Allergy
from services.hospital.chart import events, listing, vaccines
from services.hospital.chart.changes import changes
from services.hospital.chart.conflicts import conflicts
from services.hospital.chart.gaps import gaps
from services.hospital.chart.models import PARTS, Line, Part, Section, Summary, Who
from services.hospital.chart.results import results
from services.hospital.chart.view import View

_BUILD: Mapping[Part, Callable[[View], Iterator[Line] | list[Line]]] = {
    "problems": listing.problems,
    "medicines": listing.medicines,
    "allergies": listing.allergies,
    "results": results,
    "immunizations": vaccines.immunizations,
    "visits": events.visits,
    "procedures": events.procedures,
    "appointments": events.appointments,
    "referrals": events.referrals,
}


def summarise(view: View) -> Summary:
    """Say everything about a record; see the package."""
    return Summary(
        who=who(view),
        as_of=view.today,
        conflicts=tuple(conflicts(view)),
        gaps=tuple(gaps(view)),
        changes=changes(view),
        sections=tuple(_section(view, part) for part in PARTS),
        left_out=dict(sorted(view.record.left_out.items())),
    )


def _section(view: View, part: Part) -> Section:
    lines = tuple(_BUILD[part](view))
    return Section(
        id=part,
        title=view.say(f"part.{part}"),
        lines=lines,
        empty=None if lines else view.say(f"empty.{part}"),
    )


def who(view: View) -> Who:
    """Who stands above every page of a chart."""
    patient = view.record.patient
    return Who(
        reference=view.whole,
        name=name_of(patient) or view.say("unnamed"),
        born=patient.get("birthDate"),
        age=view.chart.person.age_years,
        sex=patient.get("gender"),
        deceased=patient.get("deceasedBoolean") is True or "deceasedDateTime" in patient,
        identifiers=tuple(str(i["value"]) for i in patient.get("identifier", ()) if i.get("value")),
        allergies=tuple(dict.fromkeys(_in_short(view, a) for a in view.chart.allergies if a.name)),
        allergic=any(not a.none for a in view.chart.allergies),
    )


def _in_short(view: View, allergy: Allergy) -> str:
    """An allergy with what must be known before anything is given."""
    severe = [view.say("flag.severe").lower()] if allergy.severe else []
    said = ", ".join((*severe, *allergy.reactions))
    return f"{allergy.name} ({said})" if said else allergy.name


def name_of(patient: Mapping[str, Any]) -> str:
    """The official name, else the first one."""
    names = sorted(patient.get("name", ()), key=lambda name: name.get("use") != "official")
    if not names:
        return ""
    parts = [*names[0].get("given", ()), names[0].get("family", "")]
    return str(names[0].get("text") or " ".join(p for p in parts if p))
