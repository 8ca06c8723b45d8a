"""The time of a question: the newest so many, so long ago, a year or month, since or before one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

Side = Literal["in", "since", "before"]

_EVERY_MONTH = 28
"""The last day that every month has."""
_SO_MANY = re.compile(
    r"\b(?:last|latest|past|recent|previous|ultim[oa]s) (?P<count>[1-9]\d?)"
    r"(?: (?P<unit>days?|weeks?|months?|years?|yrs?|dias?|semanas?|mes(?:es)?|anos?))?\b"
)
_UNITS = {"month": 1, "months": 1, "mes": 1, "meses": 1, "year": 12, "years": 12, "ano": 12}
_UNITS |= {"anos": 12, "yr": 12, "yrs": 12}
_DAYS = {"day": 1, "days": 1, "dia": 1, "dias": 1, "week": 7, "weeks": 7, "semana": 7}
_DAYS |= {"semanas": 7}
_TIMES = re.compile(r"\bx ?(?P<count>[1-9])\b")
_SIDES: dict[str, Side] = {"since": "since", "from": "since", "desde": "since"}
_SIDES |= {"before": "before", "antes de": "before", "prior to": "before"}
_SIDES |= dict.fromkeys(("in", "during", "of", "en", "durante", "de", "del"), "in")
_ARTICLE = r"(?:the |el )?"
_SIDE = rf"(?:(?P<side>{'|'.join(sorted(_SIDES, key=len, reverse=True))}) {_ARTICLE})"
_NAMES = (
    "january jan enero ene",
    "february feb febrero",
    "march mar marzo",
    "april apr abril abr",
    "may mayo",
    "june jun junio",
    "july jul julio",
    "august aug agosto ago",
    "september sept sep septiembre setiembre",
    "october oct octubre",
    "november nov noviembre",
    "december dec diciembre dic",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_OTHERWISE = frozenset("may mar ago ene set dec".split())
"""Months that are other words, too: they need a word of time before them, or a year."""
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_IN_MONTH = re.compile(rf"\b{_SIDE}?(?P<month>{'|'.join(_MONTHS)})(?: (?:del? |of )?{_YEAR})?\b")
_IN_YEAR = re.compile(rf"\b{_SIDE}?{_YEAR}\b")
_NEAR = {"this year": "this", "este ano": "this", "last year": "last", "el ano pasado": "last"}
_NEAR |= {"this month": "month", "este mes": "month"}
_THIS_YEAR = re.compile(rf"\b(?:in |en )?(?P<year>{'|'.join(_NEAR)})\b")


@dataclass(frozen=True)
class Time:
    """The time of a question.

    Attributes:
        count: how many of the newest it asks for.
        months: how far back it goes, with `days`.
        days: see `months`.
        year: of four digits, or ``this`` or ``last``; ``month``: this month.
        month: of that year, or of any; the last one where it is a beginning or an end.
        side: whether it is about that year or month, or what came since or before.
    """

    count: int | None = None
    months: int = 0
    days: int = 0
    year: str | None = None
    month: int | None = None
    side: Side = "in"


EVER = Time()
"""A question that names no time."""


def when(text: str) -> tuple[Time, str]:
    """The time that a folded question names, and the question without it."""
    time, left = _counted(text)
    found = _month(left) or _IN_YEAR.search(left) or _THIS_YEAR.search(left)
    if not found:
        return time, left
    said = found.groupdict()
    year = said.get("year")
    return replace(
        time,
        year=_NEAR.get(year, year) if year else None,
        month=_MONTHS[said["month"]] if said.get("month") else None,
        side=_SIDES[said["side"]] if said.get("side") else "in",
    ), _cut(left, found)


def _month(text: str) -> re.Match[str] | None:
    for found in _IN_MONTH.finditer(text):
        if found["side"] or found["year"] or found["month"] not in _OTHERWISE:
            return found
    return None


def _counted(text: str) -> tuple[Time, str]:
    found = _SO_MANY.search(text) or _TIMES.search(text)
    if not found:
        return EVER, text
    number, unit = int(found["count"]), found.groupdict().get("unit")
    left = _cut(text, found)
    if unit:
        return Time(months=number * _UNITS.get(unit, 0), days=number * _DAYS.get(unit, 0)), left
    return Time(count=number), left


def _cut(text: str, found: re.Match[str]) -> str:
    return " ".join((text[: found.start()] + " " + text[found.end() :]).split())


def within(time: Time, day: str | None, today: date) -> bool:
    """Whether an ISO date, or the part of one that is known, is of the time."""
    since = _since(today, time)
    if since and not (day and day >= since[: len(day)]):
        return False
    if time.year is None and time.month is None:
        return True
    if time.month and time.year is None and time.side == "in":
        return bool(day) and str(day)[5:7] == f"{time.month:02}"
    mark = _mark(time, today)
    if not day or len(day) < len(mark):
        return False
    known = day[: len(mark)]
    return {"in": known == mark, "since": known >= mark, "before": known < mark}[time.side]


def _mark(time: Time, today: date) -> str:
    """The year or month as dates begin; of a month without a year the last one that began."""
    past = time.month is not None and time.month > today.month
    year = time.year or str(today.year - past)
    near = {"this": str(today.year), "last": str(today.year - 1), "month": f"{today:%Y-%m}"}
    year = near.get(year, year)
    return f"{year}-{time.month:02}" if time.month else year


def _since(today: date, time: Time) -> str | None:
    """The day so many months and days ago; of a longer month its 28th."""
    if not (time.months or time.days):
        return None
    years, month = divmod(today.year * 12 + today.month - 1 - time.months, 12)
    day = today.day if not time.months else min(today.day, _EVERY_MONTH)
    return (date(years, month + 1, day) - timedelta(days=time.days)).isoformat()
