"""Reminders: what is due on a day of the person's clock, noted and undone, never called missed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import BadInputError, NotFoundError
from patient_app.medicines import reminders
from patient_app.medicines.reminders import Reminder, due, forget, history, keep, note, unnote

MONDAY = date(2026, 11, 23)
EVERY = (0, 1, 2, 3, 4, 5, 6)


def made(**changes) -> Reminder:
    given_ = {"medicine": "MedicationRequest/a", "name": "Metformin", "times": ("08:00", "20:00"),
              "days": EVERY, "since": MONDAY}  # fmt: skip
    return Reminder(**{**given_, **changes})


def at(hour, minute=0, day=MONDAY):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "states"),
    [
        (at(7, 59), ["ahead", "ahead"]),
        (at(8), ["due", "ahead"]),
        (at(9, 59), ["due", "ahead"]),
        (at(10), ["open", "ahead"]),
        (at(23), ["open", "open"]),
    ],
)
def test_a_dose_is_ahead_then_due_then_open(member, now, states):
    keep(member, made())
    assert [dose.state for dose in due(member, now)] == states


def test_what_was_noted_stands_until_it_is_undone(member):
    keep(member, made())
    dose = due(member, at(8))[0].id
    note(member, dose, "taken", at(8))
    assert due(member, at(12))[0].state == "taken"
    unnote(member, dose)
    assert due(member, at(8, 30))[0].state == "due"
    with pytest.raises(NotFoundError):
        unnote(member, dose)


def test_later_is_due_again_after_half_an_hour(member):
    keep(member, made())
    dose = due(member, at(8))[0].id
    note(member, dose, "later", at(8, 10))
    assert [due(member, at(8, m))[0].state for m in (11, 39, 40)] == ["later", "later", "due"]


@pytest.mark.parametrize(
    "dose", ["", "x", "x.2026-11-23.0800", "../x", "ID.2026-11-22.0800", "ID.2026-11-23.0801"]
)
def test_a_dose_that_no_reminder_has_cannot_be_noted(member, dose):
    id_ = keep(member, made())
    with pytest.raises(NotFoundError):
        note(member, dose.replace("ID", id_), "taken", at(8))


def test_a_reminder_rings_on_its_days_until_its_last(member):
    keep(member, made(days=(0, 2), until=MONDAY + timedelta(days=2)))
    rings = [bool(due(member, at(12, day=MONDAY + timedelta(days=n)))) for n in range(-7, 8)]
    assert rings == [False] * 7 + [True, False, True] + [False] * 5


def test_the_days_before_are_counted_without_blame(member):
    keep(member, made())
    first, second = due(member, at(8))
    note(member, first.id, "taken", at(8))
    note(member, second.id, "skipped", at(20))
    days = history(member, at(9, day=MONDAY + timedelta(days=2)))
    assert [(d["day"], d["taken"], d["skipped"], d["open"], d["all"]) for d in days] == [
        ("2026-11-24", 0, 0, 2, 2),
        ("2026-11-23", 1, 1, 0, 2),
    ]


def test_one_that_ends_before_it_begins_is_refused(member):
    with pytest.raises(BadInputError):
        keep(member, made(until=MONDAY - timedelta(days=1)))


def test_a_deleted_one_can_be_put_back_as_it_was(member):
    id_ = keep(member, made(named=True))
    was = forget(member, id_)
    assert reminders.reminders(member) == []
    assert Reminder.of(was) == made(named=True)
    with pytest.raises(NotFoundError):
        keep(member, made(), id_)


def test_there_is_an_end_to_how_many(member, monkeypatch):
    monkeypatch.setattr(reminders, "MOST", 1)
    keep(member, made())
    with pytest.raises(BadInputError):
        keep(member, made())


@given(
    st.lists(st.times().map(lambda t: f"{t:%H:%M}"), min_size=1, max_size=5, unique=True),
    st.sets(st.integers(0, 6), min_size=1),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
def test_a_reminder_survives_the_vaults_form(times, days, since, until):
    one = made(times=tuple(times), days=tuple(days), since=since, until=until)
    assert Reminder.of(one.to_json()) == one
