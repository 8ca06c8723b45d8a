"""Reminders as a calendar file: the same days and times, no name unless asked, RFC 5545."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patient_app.medicines.calendar_file import (
    DAYS,
    MAX_LINE_BYTES,
    calendar_file,
    escaped,
    first_day,
    folded,
)
from patient_app.medicines.reminders import Reminder
from patient_app.trouble import LOCALE
from services.web.i18n import Catalogue

MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EN, ES = (Catalogue.load(LOCALE).translator(language) for language in ("en", "es"))


def made(**changes) -> Reminder:
    held = {"medicine": "MedicationRequest/a", "name": "Metformin; 500 mg, retard",
            "times": ("08:00", "20:00"), "days": tuple(range(7)), "since": MONDAY}  # fmt: skip
    return Reminder(**{**held, **changes})


def events(text: str) -> list[dict[str, str]]:
    """The events of a file, unfolded, as a calendar reads them."""
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in text.split("\r\n"))
    found: list[dict[str, str]] = []
    for line in text.replace("\r\n ", "").split("\r\n"):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            found[-1].setdefault(name, value)
    return found


def days_of(event: dict[str, str], until: date) -> set[date]:
    """The days on which an event rings, by its own rule."""
    rule = dict(part.split("=") for part in event["RRULE"].split(";"))
    first = datetime.strptime(event["DTSTART"], "%Y%m%dT%H%M%S").date()  # noqa: DTZ007 - it is local
    last = until
    if "UNTIL" in rule:
        last = min(until, datetime.strptime(rule["UNTIL"], "%Y%m%dT%H%M%S").date())  # noqa: DTZ007
    names = rule["BYDAY"].split(",") if rule["FREQ"] == "WEEKLY" else DAYS
    span = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return {day for day in span if DAYS[day.weekday()] in names}


@given(
    days=st.sets(st.integers(0, 6), min_size=1),
    since=st.dates(date(2026, 11, 1), date(2026, 12, 20)),
    length=st.none() | st.integers(0, 40),
)
def test_it_rings_on_the_days_of_the_reminder_and_on_no_other(days, since, length):
    until = None if length is None else since + timedelta(days=length)
    one = made(days=tuple(sorted(days)), since=since, until=until)
    found = events(calendar_file([("r1", one)], NOW, EN, named=False))
    horizon = date(2027, 2, 1)
    ahead = (NOW.date() + timedelta(days=n) for n in range((horizon - NOW.date()).days + 1))
    expected = {day for day in ahead if one.is_on(day)}
    if not expected and first_day(one, NOW.date()) is None:
        assert found == []
        return
    assert [event["DTSTART"][-7:] for event in found] == ["T080000", "T200000"]
    assert all(days_of(event, horizon) == expected for event in found)


def test_times_are_of_the_readers_own_clock_and_ids_stay_the_same():
    first, second = events(calendar_file([("r1", made())], NOW, EN, named=False))
    assert first["DTSTART"] == "20261125T080000"
    assert first["RRULE"] == "FREQ=DAILY"
    assert (first["UID"], second["UID"]) == ("r1-0800@caretier", "r1-2000@caretier")
    assert first["DTSTAMP"] == "20261125T120000Z"
    assert first["TRIGGER"] == "PT0S"
    assert first["CLASS"] == "PRIVATE"


@pytest.mark.parametrize(
    ("t", "words"), [(EN, "Time for a medicine"), (ES, "Hora de una medicina")]
)
def test_no_medicine_is_named_unless_the_person_says_so(t, words):
    text = calendar_file([("r1", made(named=True))], NOW, t, named=False)
    assert "etformin" not in text
    assert f"SUMMARY:{words}\r\n" in text
    named = events(calendar_file([("r1", made())], NOW, EN, named=True))[0]
    assert named["SUMMARY"] == "Time for Metformin\\; 500 mg\\, retard"


def test_a_name_cannot_add_a_line_of_its_own():
    wicked = made(name="A\r\nBEGIN:VEVENT\nUID:x\\,;\x00")
    text = calendar_file([("r1", wicked)], NOW, EN, named=True)
    assert text.count("BEGIN:VEVENT\r\n") == 2
    assert escaped(wicked.name) == "A\\nBEGIN:VEVENT\\nUID:x\\\\\\,\\;"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n"), max_size=300))
def test_a_long_line_is_folded_between_characters_and_unfolds_to_itself(line):
    parts = list(folded(line))
    assert all(len(part.encode()) <= MAX_LINE_BYTES for part in parts)
    assert parts[0] + "".join(part[1:] for part in parts[1:]) == line
    assert all(part.startswith(" ") for part in parts[1:])


def test_what_is_over_is_left_out():
    over = made(until=date(2026, 11, 24))
    assert "VEVENT" not in calendar_file([("r1", over)], NOW, EN, named=False)
