"""Dates of birth and death in the forms in which people write them, English and Spanish."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from compliance.deidentify.known_page import Hit, Page

_OLD = 89
_MONTHS = (
    "jan(?:uary)?|enero|ene",
    "feb(?:ruary)?|febrero",
    "mar(?:ch|zo)?",
    "apr(?:il)?|abr(?:il)?",
    "mayo?",
    "june?|junio",
    "july?|julio",
    "aug(?:ust)?|ago(?:sto)?",
    "sep(?:t|tember)?|sep?tiembre",
    "oct(?:ober|ubre)?",
    "nov(?:ember|iembre)?",
    "dec(?:ember)?|dic(?:iembre)?",
)
_EN_DAYS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ES_DAYS = (
    "uno|primero dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro "
    "veinticinco veintiseis veintisiete veintiocho veintinueve treinta treinta\\s+y\\s+uno"
).split()
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii".split()
_SEP = r"[\s./,|_\-]{1,3}"
_JOIN = r"[\s./,|_\-]{0,3}(?:(?:of|de|del|the)\s+)?"
_BIRTH_CUE = re.compile(
    r"\b(?:born|birth|dob|d\.o\.b|birthday|b|nacid[oa]|naci|nacio|nacimiento)\W{1,4}"
    r"(?:(?:date|year|in|on|of|en|el|ano|is|was|de|del)\W{1,3}){0,3}$"
)
_SCORE_CUE = re.compile(
    r"\b(?:pain|scores?|scale|rated?|severity|level|dolor|strength|grade|a|at|it)\W{1,3}"
    r"(?:(?:is|was|of|at|a|about|around|now|es|de|un)\W{1,3}){0,3}$"
)
_SCORE = re.compile(r"\d{1,2}\s?/\s?(?:5|10)")


@dataclass(slots=True)
class KnownDates:
    """Dates of a record.

    Attributes:
        patterns: one expression a date, with its identity.
        bare: expressions for day and month in digits alone, which can also be a score.
        old: years that tell an age over 89.
        alone: years of which the record knows no more than the year.
    """

    patterns: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    bare: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    old: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)


def add_date(dates: KnownDates, value: str) -> dict[str, tuple[str, str]]:
    """Enter a FHIR date (YYYY, YYYY-MM, YYYY-MM-DD or with a time); returns its digit runs."""
    match = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", value)
    if not match:
        return {}
    year, month, day = match[1], match[2], match[3]
    if datetime.now(tz=UTC).year - int(year) > _OLD:
        dates.old.add(year)
    if not month or not 1 <= int(month) <= 12:  # noqa: PLR2004 - months of a year
        dates.alone.add(year)
        return {}
    identity = f"DATE:{match[0]}"
    dates.patterns.append((_compile(_month_year(year, int(month))), identity))
    if not day or not _valid(year, month, day):
        return {}
    dates.patterns.append((_compile(_whole(year, int(month), int(day))), identity))
    dates.bare.append((_compile(_bare(int(month), int(day))), identity))
    short = year[2:]
    runs = (
        year + month + day, month + day + year, day + month + year,
        short + month + day, month + day + short, day + month + short,
    )  # fmt: skip
    return dict.fromkeys(runs, ("DATE", identity))


def find_dates(dates: KnownDates, page: Page) -> list[Hit]:
    """Every place where one of ``dates`` stands in ``page``."""
    found = [
        Hit(m.start(), m.end(), "DATE", identity)
        for pattern, identity in dates.patterns
        for m in pattern.finditer(page.folded)
    ]
    for pattern, identity in dates.bare:
        for m in pattern.finditer(page.folded):
            score = _SCORE.fullmatch(m[0]) and _SCORE_CUE.search(
                page.folded[max(0, m.start() - 30) : m.start()]
            )
            if not score:
                found.append(Hit(m.start(), m.end(), "DATE", identity))
    for number, token in enumerate(page.tokens):
        if token.word in dates.old:
            found.append(Hit(token.start, token.end, "AGE", f"AGE:{token.word}"))
        elif token.word in dates.alone and _BIRTH_CUE.search(page.before(number, 40)):
            found.append(Hit(token.start, token.end, "DATE", f"DATE:{token.word}"))
    return found


def _valid(year: str, month: str, day: str) -> bool:
    """True for a day of the calendar."""
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _compile(body: str) -> re.Pattern[str]:
    """An expression that starts and ends between words."""
    return re.compile(rf"(?<![^\W_])(?:{body})(?![^\W_])")


def _years(year: str) -> str:
    return rf"(?:{year}|'?{year[2:]})"


def _month_year(year: str, month: int) -> str:
    """Month and year: "May 1931", "05/1931", "1931-05"."""
    name, number = rf"(?:{_MONTHS[month - 1]})\.?", rf"0?{month}"
    return (
        rf"{name}{_JOIN}(?:{_JOIN})(?:{year}|'{year[2:]})|{year}{_SEP}{name}|"
        rf"{number}{_SEP}{year}|{year}{_SEP}{number}"
    )


def _whole(year: str, month: int, day: int) -> str:
    """Day, month as a word, and year or none; or all three in digits."""
    name, number, years = rf"(?:{_MONTHS[month - 1]})\.?", rf"0?{month}", _years(year)
    days = rf"(?:0?{day}(?:\s?(?:st|nd|rd|th|º|ª|\.))?|{_day_words(day)})"
    tail = rf"(?:{_JOIN}{years})?"
    return (
        rf"{days}{_JOIN}{name}{tail}|{name}{_JOIN}{days}{tail}|"
        rf"{year}{_SEP}{name}{_SEP}0?{day}|{year}{_SEP}{days}{_SEP}{name}|"
        rf"{number}{_SEP}0?{day}{_SEP}{years}|0?{day}{_SEP}{number}{_SEP}{years}|"
        rf"{years}{_SEP}{number}{_SEP}0?{day}(?:t\d\d:?\d\d(?::?\d\d)?z?)?|"
        rf"{year}{_SEP}0?{day}{_SEP}{number}|0?{day}{_SEP}{_ROMAN[month - 1]}{_SEP}{years}"
    )


def _bare(month: int, day: int) -> str:
    """Day and month in digits alone, in either order."""
    one, other = rf"0?{month}\s?[/\-]\s?0?{day}", rf"0?{day}\s?[/\-]\s?0?{month}"
    return rf"(?<![\d./\-])(?:{one}|{other})(?![./\-]?\d)"


def _day_words(day: int) -> str:
    """A day as an ordinal in English or a number in Spanish."""
    if day <= len(_EN_DAYS):
        english = _EN_DAYS[day - 1]
    elif day == 30:  # noqa: PLR2004 - days of a month
        english = "thirtieth"
    else:
        tens, ones = divmod(day, 10)
        english = rf"{ {2: 'twenty', 3: 'thirty'}[tens] }[\s\-]?{_EN_DAYS[ones - 1]}"
    return rf"{english}|{_ES_DAYS[day - 1]}"
