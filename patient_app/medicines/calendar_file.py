"""Reminders as a calendar file (RFC 5545), for a calendar that rings while this program is shut.

Times are local to whoever reads them (the form without a zone): a dose at eight is at eight, in
summer and in winter, and on a journey. The name of a medicine stands in it only where the person
chose so, for many calendars are kept by a company, and shown on a locked screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from patient_app.medicines.reminders import Reminder
from services.web.i18n import Translator

MEDIA_TYPE = "text/calendar; charset=utf-8"
PRODUCT = "-//Caretier//Reminders//EN"
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_LINE_BYTES = 75
"""Longest line in bytes of UTF-8, its end not counted; a longer one is folded."""
_LOCAL = "%Y%m%dT%H%M%S"


def calendar_file(
    held: list[tuple[str, Reminder]], now: datetime, t: Translator, *, named: bool
) -> str:
    """Every reminder that still rings, as events with an alarm.

    Args:
        held: reminders with their ids.
        now: the present, with a zone.
        t: words of the reader.
        named: whether the name of the medicine may stand in it.

    Returns:
        The file; its lines end as the standard wants it.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "METHOD:PUBLISH"]
    for id_, one in held:
        first = first_day(one, now.date())
        for time in one.times if first else ():
            start = datetime.combine(first, clock_time.fromisoformat(time)) if first else now
            words = t("reminders.calendar_named", name=one.name) if named else ""
            lines += _event(id_, one, start, now, (words or t("reminders.notify_title"), t))
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def first_day(one: Reminder, today: date) -> date | None:
    """The first day from today on that a reminder rings; None where it is over."""
    begin = max(one.since, today)
    days = (begin + timedelta(days=ahead) for ahead in range(len(DAYS)))
    return next((day for day in days if one.is_on(day)), None)


def _event(
    id_: str, one: Reminder, start: datetime, now: datetime, words: tuple[str, Translator]
) -> Iterator[str]:
    summary, t = words
    told = escaped(summary)
    yield "BEGIN:VEVENT"
    yield f"UID:{id_}-{start:%H%M}@caretier"
    yield f"DTSTAMP:{now.astimezone(UTC).strftime(_LOCAL)}Z"
    yield f"DTSTART:{start.strftime(_LOCAL)}"
    yield "DURATION:PT5M"
    yield f"RRULE:{rule(one)}"
    yield f"SUMMARY:{told}"
    yield f"DESCRIPTION:{escaped(t('reminders.calendar_text'))}"
    yield "CLASS:PRIVATE"
    yield "TRANSP:TRANSPARENT"
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield "TRIGGER:PT0S"
    yield f"DESCRIPTION:{told}"
    yield "END:VALARM"
    yield "END:VEVENT"


def rule(one: Reminder) -> str:
    """How it recurs; its end is of the same form as the beginning, which has no zone."""
    every = "FREQ=DAILY"
    if len(one.days) < len(DAYS):
        every = f"FREQ=WEEKLY;BYDAY={','.join(DAYS[day] for day in one.days)}"
    return f"{every};UNTIL={one.until:%Y%m%d}T235959" if one.until else every


def escaped(text: str) -> str:
    """A text as a value: what would end it or part it is masked, other controls are left out."""
    kept = "".join(c for c in text if c >= " " or c in "\n\t")
    for plain, masked in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        kept = kept.replace(plain, masked)
    return kept


def folded(line: str) -> Iterator[str]:
    """A line in parts of at most `MAX_LINE_BYTES`, never within a character."""
    part, size = "", 0
    for character in line:
        length = len(character.encode())
        if size + length > MAX_LINE_BYTES:
            yield part
            part, size = " ", 1
        part, size = part + character, size + length
    yield part
