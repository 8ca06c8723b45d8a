from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.deidentify.dateshift import DateShift, age
from compliance.deidentify.datetext import Language, move_text
from compliance.deidentify.pseudonyms import StudyKey

TODAY = date(2026, 11, 21)
KEY = StudyKey.from_root(bytes(32), "s")
DAYS = st.dates(date(1940, 1, 1), date(2030, 12, 31))
WEEKS = st.integers(-52, 52).filter(bool)


def test_a_shift_follows_from_key_and_patient_and_is_never_nothing() -> None:
    weeks = [DateShift.of(KEY, f"Patient/{n}", TODAY).weeks for n in range(5000)]
    assert set(weeks) == set(range(-52, 53)) - {0}
    assert weeks[7] == DateShift.of(KEY, "Patient/7", TODAY).weeks
    other = StudyKey.from_root(bytes(32), "t")
    assert weeks[:50] != [DateShift.of(other, f"Patient/{n}", TODAY).weeks for n in range(50)]


@settings(deadline=None)
@given(one=DAYS, two=DAYS, weeks=WEEKS)
def test_days_between_dates_and_days_of_the_week_stay(one: date, two: date, weeks: int) -> None:
    shift = DateShift(weeks, TODAY)
    moved = [date.fromisoformat(shift.fhir(day.isoformat()) or "") for day in (one, two)]
    assert moved[1] - moved[0] == two - one
    assert moved[0].weekday() == one.weekday()
    assert 7 <= abs(moved[0] - one).days <= 364


@settings(deadline=None)
@given(day=DAYS, weeks=WEEKS, clock=st.sampled_from(["T00:00:00Z", "T23:59:59.824-05:00",
                                                     "T10:15:00+14:00", "T23:59:60Z"]))  # fmt: skip
def test_time_of_day_and_zone_stay_as_written(day: date, weeks: int, clock: str) -> None:
    moved = DateShift(weeks, TODAY).fhir(f"{day.isoformat()}{clock}")
    assert moved == f"{(day + timedelta(weeks=weeks)).isoformat()}{clock}"


@settings(deadline=None)
@given(year=st.integers(1940, 2030), weeks=WEEKS)
def test_a_year_goes_where_most_of_its_days_go(year: int, weeks: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    there = [(day + timedelta(weeks=weeks)).year for day in days]
    assert DateShift(weeks, TODAY).fhir(str(year)) == str(max(set(there), key=there.count))


@settings(deadline=None)
@given(year=st.integers(1940, 2030), month=st.integers(1, 12), weeks=WEEKS)
def test_a_month_moves_as_its_15th_and_stays_a_month(year: int, month: int, weeks: int) -> None:
    moved = DateShift(weeks, TODAY).fhir(f"{year}-{month:02d}")
    assert moved == (date(year, month, 15) + timedelta(weeks=weeks)).isoformat()[:7]


@pytest.mark.parametrize("given_date", ["1937-11-21", "1936-12-01T10:00:00Z", "1937-06"])
def test_a_date_of_89_years_ago_may_be_told(given_date: str) -> None:
    assert DateShift(3, TODAY).fhir(given_date)


@pytest.mark.parametrize("given_date", ["1936-11-21", "1936-11", "1936", "1899-01-01T00:00:00Z"])
def test_a_date_that_tells_an_age_over_89_is_not_told(given_date: str) -> None:
    assert DateShift(3, TODAY).fhir(given_date) is None


@pytest.mark.parametrize(
    "given_date", ["", "2024-02-30", "2024-13", "20240305", "2024-03-05T10:15", "x2024", "2024-3-5",
                   "9999-12-31", "2024-03-05T10:15:00", "2024-03-05\n", "0000"]
)  # fmt: skip
def test_what_is_no_date_is_not_given_out(given_date: str) -> None:
    assert DateShift(52, TODAY).fhir(given_date) is None


def test_the_shift_is_in_no_text_of_itself() -> None:
    assert "17" not in repr(DateShift(17, date(2020, 2, 2)))


@pytest.mark.parametrize(("born", "years"), [("1936-11-22", 89), ("1936-11-21", 90)])
def test_an_age_changes_on_the_birthday(born: str, years: int) -> None:
    assert age(date.fromisoformat(born), TODAY) == years


FORMS: list[tuple[str, Language, str]] = [
    ("2024-03-05", "en", "2024-04-09"),
    ("2024-03-05T10:15:00.824-05:00", "en", "2024-04-09T10:15:00.824-05:00"),
    ("20240305", "en", "20240409"),
    ("03/05/2024", "en", "04/09/2024"),
    ("03/05/2024", "es", "07/06/2024"),
    ("31/12/2024", "en", "04/02/2025"),
    ("3/5/24", "en", "4/9/24"),
    ("5.3.2024", "es", "9.4.2024"),
    ("Tuesday, March 5th, 2024", "en", "Tuesday, April 9th, 2024"),
    ("the 5th of March", "en", "the 9th of April"),
    ("March 5, '24", "en", "April 9, '24"),
    ("05MAR2024", "en", "09APR2024"),
    ("March 30, 2024", "en", "May 4, 2024"),
    ("Sept. 4, 2020", "en", "Oct. 9, 2020"),
    ("5 de marzo de 2024", "es", "9 de abril de 2024"),
    ("martes, 5 de marzo del año 2024", "es", "martes, 9 de abril del año 2024"),
    ("el 5 de MARZO", "es", "el 9 de ABRIL"),
    ("March 2024", "en", "April 2024"),
    ("diciembre de 2024", "es", "enero de 2025"),
    ("12/2024", "en", "01/2025"),
    ("2024-12", "en", "2025-01"),
    ("2019", "en", "2019"),
]


@pytest.mark.parametrize(("text", "language", "moved"), FORMS)
def test_a_date_in_text_moves_in_its_own_form(text: str, language: Language, moved: str) -> None:
    assert move_text(text, DateShift(5, TODAY), language=language) == moved


@pytest.mark.parametrize(
    "text",
    ["Christmas", "the 5th", "March 3-5, 2024", "2/30/2024", "13/13/2024", "July 4, 1931", "1931",
     "last spring", "", "   ", "Harold 5 March 2024", "5/2024/7", "Feb 30", "99/99/9999"],
)  # fmt: skip
def test_a_date_that_cannot_be_moved_surely_is_left_to_be_masked(text: str) -> None:
    assert move_text(text, DateShift(5, TODAY)) is None


def test_a_date_without_a_year_is_of_the_year_of_its_text() -> None:
    leap = move_text("February 28", DateShift(1, TODAY), written=date(2024, 5, 1))
    other = move_text("February 28", DateShift(1, TODAY), written=date(2023, 5, 1))
    assert (leap, other) == ("March 6", "March 7")


@settings(deadline=None)
@given(day=DAYS, weeks=WEEKS)
def test_a_moved_text_says_what_the_moved_record_says(day: date, weeks: int) -> None:
    shift = DateShift(weeks, TODAY)
    moved = day + timedelta(weeks=weeks)
    assert move_text(f"{day:%m/%d/%Y}", shift) == f"{moved:%m/%d/%Y}"
    assert move_text(f"{day:%B} {day.day}, {day.year}", shift) == (
        f"{moved:%B} {moved.day}, {moved.year}"
    )
