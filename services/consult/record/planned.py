"""Answers on what is booked."""

from __future__ import annotations

import re

from services.consult.messages import Fact
from services.consult.record import times, words
from services.consult.record.asked import Asked
from services.consult.record.chart import Chart
from services.consult.record.events import Appointment
from services.consult.record.kinds import Kind
from services.consult.record.said import Said, absent
from services.consult.record.wording import moment_text, say

_COMMON = frozenset(
    "appointment appointments visit follow up check de control clinic next visita cita the with my"
    " review for a on of to medication".split()
)


def appointments(asked: Asked, chart: Chart, language: str) -> Said:
    """The next appointment, the next of the kind that is named, or all that are booked."""
    named, sought = _named(asked, chart)
    several = re.search(r"\b(appointments|citas|visits|all)\b", asked.text)
    chosen = named or chart.appointments
    month = times.coming(asked.text, chart.today)
    if month:
        chosen = [a for a in chart.appointments if (a.day or "").startswith(month)] or chosen
    if sought and not named and chart.appointments:
        yield absent(Kind.APPOINTMENTS, say("no-such-appointment", language), chart)
    for item in chosen[: None if several else 1]:
        yield fact(item, language)
    if not chosen:
        yield absent(Kind.APPOINTMENTS, say("no-appointment", language), chart)


def named(asked: Asked) -> list[Appointment]:
    """The appointments whose description or clinician the question names."""
    return _named(asked, asked.case.chart)[0]


def _named(asked: Asked, chart: Chart) -> tuple[list[Appointment], bool]:
    """The appointments of the kind that is asked for, and whether any kind is."""
    said = set(asked.text.split())
    groups = [g for g in words.data("specialties") if said & set(g["asked"])]
    direct = [a for a in chart.appointments if set(words.fold(a.name).split()) & said - _COMMON]
    meant = [
        a
        for a in chart.appointments
        if any(word in words.fold(a.name) for g in groups for word in g["booked"])
    ]
    by_person = [a for a in chart.appointments if said & _surnames(a)]
    return direct or meant or by_person, bool(groups)


def _surnames(item: Appointment) -> set[str]:
    return {w for name in item.people for w in words.fold(name).split() if len(w) > 3}  # noqa: PLR2004  # no titles


def fact(item: Appointment, language: str) -> Fact:
    """One booked appointment: day, hour, what for, with whom and where."""
    parts = [item.name or say("booked", language), *item.people, *item.places]
    day = moment_text(item.day or "", language)
    text = say("appointment", language, day=day, list=", ".join(parts))
    return Fact(id=item.ref, kind="appointment", text=text, date=(item.day or "")[:10] or None)
