"""Answers on vaccines: the doses recorded, and what the schedule says of the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from services.consult.messages import Citation, Fact
from services.consult.record import words
from services.consult.record.asked import Asked, worded
from services.consult.record.chart import Chart
from services.consult.record.events import Vaccine
from services.consult.record.kinds import Kind
from services.consult.record.said import Said, absent, many
from services.consult.record.wording import day_text, listed, months_later, say, years_later

ADULT = 19
"""Age in years from which the adult schedule holds."""
SEASON_MONTH = 7
"""Month in which a season of influenza vaccine begins."""
FULL_DATE = 10
"""Characters of a complete ISO date."""


def immunizations(asked: Asked, chart: Chart, language: str) -> Said:
    """The doses of the vaccine named, with the interval that applies; or all vaccines."""
    keys: Iterable[str] = asked.vaccines
    if not keys and worded("due", asked.text):
        keys = _scheduled(chart)
    if not keys:
        told = [f"{v.name} ({day_text(v.day, language)})" for v in chart.vaccines]
        if told:
            text = say("vaccines", language, list=many(told, language))
            yield Fact(id=chart.vaccines[0].ref, kind="vaccine", text=text)
        else:
            yield absent(Kind.IMMUNIZATIONS, say("no-vaccines", language), chart)
        return
    for key in keys:
        entry = words.data("vaccines")["vaccines"][key]
        doses = [v for v in chart.vaccines if key in v.keys]
        ruled = _rule_text(entry, doses, chart, language) or _next_dose(
            entry, doses, chart, language
        )
        if doses:
            day = day_text(doses[0].day, language)
            text = say(
                "vaccine", language, name=entry[language], day=day, as_recorded=doses[0].name
            )
            earlier = [day_text(v.day, language) for v in reversed(doses)]
            if len(doses) > 1:
                text += say("vaccine-doses", language, list=listed(earlier, language))
            yield Fact(id=doses[0].ref, kind="vaccine", text=text + ruled, date=doses[0].day)
        else:
            text = say("no-vaccine", language, name=entry[language]) + ruled
            yield Fact(id=f"{chart.patient_ref}#no-{key}", kind="vaccine", text=text)
        if ruled:
            source = words.data("vaccines")["child_source" if _is_child(chart) else "source"]
            yield Citation(id=f"rule:vaccine-{key}", title=source["name"], source=source["name"],
                           url=source["url"], quote=ruled.strip())  # fmt: skip


def _rule_text(entry: Mapping[str, Any], doses: list[Vaccine], chart: Chart, language: str) -> str:
    """What the schedule says, and what follows from the newest dose; "" below the rule's age."""
    age = chart.person.age_years
    if f"rule_{language}" not in entry or age is None or age < entry.get("from_age", ADULT):
        return ""
    text, day = "", doses[0].day if doses else None
    if day and len(day) == FULL_DATE and "years" in entry:
        due = years_later(date.fromisoformat(day), entry["years"])
        key = "overdue" if due <= chart.today else "due"
        text = say(key, language, day=day_text(due.isoformat(), language))
    elif day and entry.get("season"):
        start = date(chart.today.year - (chart.today.month < SEASON_MONTH), SEASON_MONTH, 1)
        key = "season-done" if day >= start.isoformat() else "season-open"
        text = say(key, language, day=day_text(start.isoformat(), language))
    source = words.data("vaccines")["source"]["name"]
    return f"{text} {entry[f'rule_{language}']}" + say("source", language, name=source)


def _is_child(chart: Chart) -> bool:
    return chart.age_months is not None and chart.age_months < 12 * ADULT


def _next_dose(entry: Mapping[str, Any], doses: list[Vaccine], chart: Chart, language: str) -> str:
    """When a child's next dose is given by the schedule, counted in doses recorded."""
    born = str(chart.patient.get("birthDate", ""))
    if "months" not in entry or not _is_child(chart) or len(born) < FULL_DATE:
        return ""
    left = entry["months"][len(doses) :]
    cited = say("source", language, name=words.data("vaccines")["child_source"]["name"])
    expected = sum(months <= (chart.age_months or 0) for months in entry["months"])
    if len(doses) < expected:
        return say("doses-fewer", language, expected=expected, count=len(doses)) + cited
    if not left:
        return say("series-done", language) + cited
    years, rest = divmod(left[0], 12)
    unit, count = ("years-age", years) if years > 1 and not rest else ("months-age", left[0])
    age = say(unit, language, count=count)
    day = months_later(date.fromisoformat(born), left[0]).isoformat()
    text = say("dose-next", language, number=len(doses) + 1, age=age, day=day_text(day, language))
    return text + cited


def _scheduled(chart: Chart) -> list[str]:
    """Return the vaccines for which the table has a rule that fits the person's age."""
    age = chart.person.age_years or 0
    table = words.data("vaccines")["vaccines"]
    return [k for k, e in table.items() if "rule_en" in e and age >= e.get("from_age", ADULT)]
