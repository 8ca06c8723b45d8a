"""Dates moved by a whole number of weeks, the same for all of one patient's dates.

The shift is 1 to 52 weeks, forwards or backwards, and follows from the study's key and the patient
(``pseudonyms``), so it needs no table and cannot be guessed without the key. Whole weeks keep the
day of the week; one shift for all keeps the days between any two dates.

| given | moved |
|---|---|
| ``2024-03-05`` | its day, exactly |
| ``2024-03-05T10:15:00.824-05:00`` | its day, exactly; time of day and zone stay as written |
| ``2024-03`` | as the 15th of the month, and stays a month |
| ``2024`` | to the year in which most of its days come to lie: shifts of up to 26 weeks leave it |

A month or a year therefore keeps its order among the patient's dates, and the distance to a full
date is right to within half a month or half a year.

A date more than 89 years before the day of export tells an age over 89 and is not given at all (45
CFR 164.514(b)(2)(i)(C)). A shifted date is still a date: the method is one for expert
determination or a limited data set, not for Safe Harbor, which allows the year alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import regex

from compliance.deidentify.pseudonyms import StudyKey

MAX_WEEKS: Final = 52
"""Widest shift in weeks, either way."""
MAX_AGE: Final = 89
"""Oldest age in years that may be told."""
_FORM = regex.compile(
    r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?P<time>T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d))?)?)?"
)
_MIDDLE_OF_MONTH = 15
_MIDDLE_OF_YEAR = (7, 2)


@dataclass(frozen=True, slots=True)
class DateShift:
    """The shift of one patient.

    Attributes:
        weeks: from -52 to 52, never 0.
        today: day of the export; dates after which an age counts as over 89 follow from it.
    """

    weeks: int
    today: date

    @classmethod
    def of(cls, key: StudyKey, patient: str, today: date) -> DateShift:
        """The shift of ``patient`` (canonical, for example ``Patient/p01``) in the key's study."""
        drawn = key.number(2 * MAX_WEEKS, "date-shift", patient)
        return cls(drawn - MAX_WEEKS if drawn < MAX_WEEKS else drawn - MAX_WEEKS + 1, today)

    def __repr__(self) -> str:
        return "DateShift(…)"  # the number undoes the shift

    def day(self, given: date) -> date:
        """``given`` moved.

        Raises:
            OverflowError: it would leave the years 1 to 9999.
        """
        return given + timedelta(weeks=self.weeks)

    def month(self, given: date) -> date:
        """Some day of the month to which the month of ``given`` moves."""
        return self.day(given.replace(day=_MIDDLE_OF_MONTH))

    def year(self, given: int) -> int:
        """The year in which most days of the year ``given`` come to lie."""
        return self.day(date(given, *_MIDDLE_OF_YEAR)).year

    def tells_old_age(self, given: str) -> bool:
        """Whether a FHIR date can lie more than 89 years before the day of the export.

        A partial date counts from its first day.

        Raises:
            ValueError: there is no such day.
        """
        match = _FORM.fullmatch(given)
        if match is None:
            return False
        first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
        return age(first, self.today) > MAX_AGE

    def fhir(self, given: str) -> str | None:
        """A FHIR date, dateTime or instant moved, in the precision it has.

        Returns:
            None when it is none of these, or tells an age over 89, or cannot be moved.
        """
        match = _FORM.fullmatch(given)
        try:
            if match is None or self.tells_old_age(given):
                return None
            year = int(match["year"])
            if match["month"] is None:
                return f"{self.year(year):04d}"
            if match["day"] is None:
                return self.month(date(year, int(match["month"]), 1)).isoformat()[:7]
            moved = self.day(date(year, int(match["month"]), int(match["day"])))
        except (ValueError, OverflowError):
            return None
        return f"{moved.isoformat()}{match['time'] or ''}"


def age(born: date, on: date) -> int:
    """Whole years from ``born`` to the day ``on``."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
