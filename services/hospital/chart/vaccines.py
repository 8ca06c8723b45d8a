"""Vaccines: the doses given, and what is due by the schedule or by the record's own forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from services.consult.record import words
from services.consult.record.events import Vaccine
from services.consult.record.reading import codes, label, ref_of
from services.hospital.chart.models import Line, Rule
from services.hospital.chart.view import View, rules

ADULT = 19
"""Age in years from which the schedule's rules hold unless a rule says otherwise."""
SEASON_MONTH = 7
"""Month in which a season of influenza vaccine begins."""
FULL_DATE = 10
"""Characters of a complete ISO date."""


def immunizations(view: View) -> Iterator[Line]:
    """What is due first, then the newest dose of each vaccine."""
    yield from _forecast(view)
    age = view.chart.person.age_years
    for key, entry in words.data("vaccines")["vaccines"].items():
        if "rule_en" in entry and age is not None and age >= entry.get("from_age", ADULT):
            yield from _due(view, key, entry)
    seen: dict[str, list[Vaccine]] = {}
    for dose in view.chart.vaccines:
        seen.setdefault(dose.name.casefold(), []).append(dose)
    for doses in seen.values():
        yield Line(
            text=doses[0].name or view.say("unnamed"),
            sources=tuple(d.ref for d in doses[:5]),
            day=doses[0].day,
            detail=view.say("vaccine.doses", count=len(doses), day=doses[0].day or ""),
        )


def _due(view: View, key: str, entry: Mapping[str, Any]) -> Iterator[Line]:
    doses = [v for v in view.chart.vaccines if key in v.keys]
    told = _reason(view, entry, doses, rules()["doses"].get(key, 1))
    if told is None:
        return
    source = words.data("vaccines")["source"]
    yield Line(
        text=view.say("vaccine.due", name=entry[view.language]),
        sources=(doses[0].ref,) if doses else (view.whole,),
        day=doses[0].day if doses else None,
        detail=f"{told} {entry[f'rule_{view.language}']}",
        flag="due",
        rule=Rule(id=f"vaccine-{key}", source=source["name"], url=source["url"]),
    )


def _reason(view: View, entry: Mapping[str, Any], doses: list[Vaccine], wanted: int) -> str | None:
    """Why a vaccine is due, or None; a dose without a full date cannot be counted from."""
    if not doses:
        return view.say("vaccine.none")
    day = doses[0].day or ""
    if entry.get("season"):
        start = date(view.today.year - (view.today.month < SEASON_MONTH), SEASON_MONTH, 1)
        late = day < start.isoformat()
        return view.say("vaccine.season", day=start.isoformat()) if late else None
    if "years" not in entry:
        few = len(doses) < wanted
        return view.say("vaccine.few", count=len(doses), wanted=wanted) if few else None
    if len(day) < FULL_DATE:
        return view.say("vaccine.undated")
    due = years_after(date.fromisoformat(day), entry["years"])
    late = due <= view.today
    return view.say("vaccine.since", day=day, due=due.isoformat()) if late else None


def years_after(day: date, years: int) -> date:
    """The same day so many years later; of February 29 the 28th where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _forecast(view: View) -> Iterator[Line]:
    for resource in view.record.of("ImmunizationRecommendation"):
        for item in resource.get("recommendation", ()):
            if codes(item.get("forecastStatus")) & {"due", "overdue"}:
                names = [label(code) for code in item.get("vaccineCode", ())]
                dates = [
                    str(c["value"])[:10] for c in item.get("dateCriterion", ()) if "value" in c
                ]
                yield Line(
                    text=view.say("vaccine.due", name=", ".join(names) or view.say("unnamed")),
                    sources=(ref_of(resource),),
                    day=min(dates, default=None),
                    detail=view.say("vaccine.forecast"),
                    flag="due",
                )
