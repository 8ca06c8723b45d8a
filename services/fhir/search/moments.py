"""Dates of FHIR as spans of time: a year is the whole year, an instant with seconds is a second.

Spans are pairs of microseconds since 1970 in UTC, from the first up to before the second. What
names no zone is taken as UTC.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

Span = tuple[int, int]
"""First microsecond, and the one after the last."""

BEGINNING, END = -(1 << 62), 1 << 62
"""Bounds of a period that names none."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = date(1970, 1, 1).toordinal()
_FORM = re.compile(
    r"(?!0000)(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


def span(text: object) -> Span | None:
    """Return the span that a date, dateTime or instant stands for; None if it is none."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    first, clock = _date(year, month, day), _clock(hour or "0", minute or "0", second)
    offset = _offset(zone)
    if first is None or clock is None or offset is None:
        return None
    if hour is None:
        return first * _DAY, (first + _days(int(year), month, day)) * _DAY
    low = first * _DAY + (clock - offset) * _SECOND
    if fraction is None:
        return low, low + (60 if second is None else 1) * _SECOND
    low += int(fraction[:6].ljust(6, "0"))
    return low, low + 10 ** max(0, 6 - len(fraction))


def _date(year: str, month: str | None, day: str | None) -> int | None:
    """Days since 1970 of the first day."""
    try:
        return date(int(year), int(month or 1), int(day or 1)).toordinal() - _EPOCH
    except ValueError:
        return None


def _days(year: int, month: str | None, day: str | None) -> int:
    if day is not None:
        return 1
    if month is not None:
        return monthrange(year, int(month))[1]
    return date(year, 12, 31).toordinal() - date(year, 1, 1).toordinal() + 1


def _clock(hour: str, minute: str, second: str | None) -> int | None:
    """Seconds since midnight; a leap second is the last one of its minute."""
    h, m, s = int(hour), int(minute), int(second or 0)
    if h > 23 or m > 59 or s > 60:  # noqa: PLR2004  # a clock's
        return None
    return h * 3600 + m * 60 + min(s, 59)


def _offset(zone: str | None) -> int | None:
    """Seconds east of UTC."""
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:  # noqa: PLR2004  # zones end there
        return None
    return (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60)


def period(value: object) -> Span | None:
    """Return the span of a Period; an end that is missing is open."""
    if not isinstance(value, dict):
        return None
    low, high = span(value.get("start")), span(value.get("end"))
    if low is None and high is None:
        return None
    return (low[0] if low else BEGINNING), (high[1] if high else END)
