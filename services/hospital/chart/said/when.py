"""Whether an entry is of the time that a question is about."""

from __future__ import annotations

from datetime import date, timedelta

from services.hospital.chart.questions import Asked
from services.hospital.chart.view import View

_EVERY_MONTH = 28
"""The last day that every month has."""


def in_time(view: View, day: str | None, asked: Asked) -> bool:
    """Whether an ISO date is in the year, or after the day, that is asked about."""
    since = _since(view.today, asked)
    if since and not (day and day >= since[: len(day)]):
        return False
    if asked.year is None:
        return True
    return bool(day) and (day[:4] >= asked.year if asked.onward else day[:4] == asked.year)  # type: ignore[index]


def _since(today: date, asked: Asked) -> str | None:
    """The day so many months and days ago; of a longer month its 28th."""
    if not (asked.time.months or asked.time.days):
        return None
    years, month = divmod(today.year * 12 + today.month - 1 - asked.time.months, 12)
    day = today.day if not asked.time.months else min(today.day, _EVERY_MONTH)
    return (date(years, month + 1, day) - timedelta(days=asked.time.days)).isoformat()
