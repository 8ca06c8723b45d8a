"""Dates in running text moved as ``dateshift`` moves those of the record, in the form they have.

    >>> move_text("Tuesday, March 5th, 2024", shift)      # shift: five weeks on
    'Tuesday, April 9th, 2024'

English and Spanish, numeric and with month names, whole and partial. A date without a year is moved
as one of the year in which the text was written, and stays without. What cannot be moved surely
(holidays, "the 5th", ranges, days in words, an age over 89) gives None, and the caller masks it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

import regex

from compliance.deidentify.dateshift import MAX_AGE, DateShift, age

Language = Literal["en", "es"]
_MONTHS: dict[str, tuple[str, ...]] = {
    "en": tuple(
        "january february march april may june july august september october november "
        "december".split()
    ),
    "es": tuple(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
        "diciembre".split()
    ),
}
_SHORT: dict[str, tuple[str, ...]] = {
    "en": tuple("jan feb mar apr may jun jul aug sep oct nov dec".split()),
    "es": tuple("ene feb mar abr may jun jul ago sep oct nov dic".split()),
}
_ALSO = {"sept": "sep", "set": "sep", "setiembre": "septiembre", "fev": "feb"}
_WORDS = sorted({w for t in (_MONTHS, _SHORT) for ws in t.values() for w in ws} | set(_ALSO))
_M = rf"(?P<m>(?:{'|'.join(reversed(_WORDS))}))(?!\p{{L}})(?P<dot>\.?)"
_D = r"(?P<d>0?[1-9]|[12]\d|3[01])(?!\d)(?P<th>(?:st|nd|rd|th|º|ª)?)"
_Y = r"(?P<y>'?\d{4}|'?\d{2})"
_WEEKDAY = r"(?P<head>(?:(?:\p{L}+\.?,?\s+)(?:the\s+|el\s+|d[ií]a\s+)*)?)"
_CLOCK = r"(?P<tail>(?:(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)"
_FORMS: dict[str, str] = {
    "iso": rf"{_WEEKDAY}(?P<y>\d{{4}})(?P<s>\s?[-/.]\s?)(?P<n>\d\d?)(?P<t>\s?[-/.]\s?){_D}{_CLOCK}",
    "compact": r"(?P<y>(?:19|20)\d{2})(?P<n>0[1-9]|1[0-2])(?P<d>[0-3]\d)(?P<tail>(?:\d{6})?)",
    "numeric": rf"{_WEEKDAY}(?P<a>\d\d?)(?P<s>\s?[-/.]\s?|\s)(?P<b>\d\d?)(?P<t>\s?[-/.]\s?|\s)"
    rf"{_Y}{_CLOCK}",
    "glued": r"(?P<a>\d\d)(?P<b>\d\d)(?P<y>(?:19|20)\d{2})",
    "month-first": rf"{_WEEKDAY}{_M}(?P<s>\s*(?:the\s+)?){_D}"
    rf"(?:(?P<t>\s*,?\s*(?:of\s+|in\s+)?){_Y})?",
    "day-first": rf"{_WEEKDAY}{_D}(?P<s>\s*(?:day\s+)?(?:of\s+|de\s+|-|/|\.)?\s*){_M}"
    rf"(?:(?P<t>\s*[-/.]\s*|\s*,?\s*(?:del?\s+(?:a[nñ]o\s+)?|of\s+|in\s+)?){_Y})?",
    "year-month": r"(?P<y>\d{4})(?P<s>[-/])(?P<n>0[1-9]|1[0-2])",
    "month-year": r"(?P<n>0?[1-9]|1[0-2])(?P<s>[-/])(?P<y>\d{4})",
    "named-month": rf"{_M}(?:(?P<t>\s*,?\s*(?:del?\s+(?:a[nñ]o\s+)?|of\s+)?|\s?-\s?){_Y})?",
    "year": r"(?P<y>(?:18|19|20)\d{2})",
}
_COMPILED = {name: regex.compile(form, regex.IGNORECASE) for name, form in _FORMS.items()}
_WEEKDAYS = regex.compile(
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?|lunes|martes|mi[eé]rcoles|"
    r"jueves|viernes|s[aá]bado|domingo|the|el|d[ií]a)",
    regex.IGNORECASE,
)
_PIVOT = 100


def move_text(
    text: str, shift: DateShift, *, language: Language = "en", written: date | None = None
) -> str | None:
    """``text``, one date as a recogniser cut it out, moved; None when that cannot be done surely.

    Args:
        text: the date as written.
        shift: the patient's shift.
        language: decides whether 4/5/2024 is April (``en``) or May (``es``).
        written: when the text was written, for dates without a year; today when unknown.
    """
    for name, form in _COMPILED.items():
        match = form.fullmatch(text.strip())
        if match is None or not _only_weekday(match):
            continue
        try:
            return _REBUILD.get(name, _rebuild)(match, shift, language, written or shift.today)
        except (ValueError, OverflowError):
            return None
    return None


def _only_weekday(match: regex.Match[str]) -> bool:
    """Whether the words before a date are weekdays and articles alone."""
    words = regex.findall(r"\p{L}+", match.groupdict().get("head") or "")
    return all(_WEEKDAYS.fullmatch(word) for word in words)


def _year(match: regex.Match[str], shift: DateShift, written: date) -> int:
    """The year of a match: four digits, two of the last hundred years, or that of the text."""
    given = match.groupdict().get("y")
    if not given:
        return written.year
    year = int(given.strip("'"))
    if year < _PIVOT:
        century = shift.today.year // _PIVOT * _PIVOT
        year += century if year <= shift.today.year % _PIVOT + 1 else century - _PIVOT
    return year


def _checked(day: date, shift: DateShift) -> date:
    """``day``, unless it tells an age over 89 (ValueError)."""
    if age(day, shift.today) > MAX_AGE:
        raise ValueError
    return day


def _rebuild(match: regex.Match[str], shift: DateShift, language: Language, written: date) -> str:
    """A date with a day in it, moved and written in its own form."""
    parts = match.groupdict()
    year = _year(match, shift, written)
    day_first = False
    if parts.get("a"):
        first, second = int(parts["a"]), int(parts["b"])
        day_first = first > 12 or (language == "es" and second <= 12)  # noqa: PLR2004 - months
        month, day = (second, first) if day_first else (first, second)
    else:
        month = _number(parts["m"]) if parts.get("m") else int(parts["n"])
        day = int(parts["d"])
    moved = shift.day(_checked(date(year, month, day), shift))
    return _written(match, moved, day_first=day_first)


def _written(match: regex.Match[str], moved: date, *, day_first: bool) -> str:
    """``moved`` in the form of the match: each number and name in the place of its like."""
    new: dict[str, str] = {}
    named = bool(match.groupdict().get("m"))
    for group, text in match.groupdict().items():
        if text is None:
            continue
        if group == "y":
            new[group] = _like_year(text, moved.year)
        elif group == "m":
            new[group] = _like_month(text, moved.month)
        elif group == "n" or (group == "b" and day_first) or (group == "a" and not day_first):
            new[group] = _like_number(text, moved.month, named=named)
        elif group in {"d", "a", "b"}:
            new[group] = _like_number(text, moved.day, named=named)
        elif group == "th":
            new[group] = _ordinal(moved.day) if text.isalpha() and text.isascii() else text
    return _replaced(match, new)


def _rebuild_month(
    match: regex.Match[str],
    shift: DateShift,
    language: Language,  # noqa: ARG001 - one shape for all
    written: date,
) -> str:
    """A month, with or without its year, moved as its middle."""
    parts = match.groupdict()
    number = _number(parts["m"]) if parts.get("m") else int(parts["n"])
    given = _checked(date(_year(match, shift, written), number, 1), shift)
    return _written(match, shift.month(given), day_first=False)


def _rebuild_year(
    match: regex.Match[str],
    shift: DateShift,
    language: Language,  # noqa: ARG001 - one shape for all
    written: date,  # noqa: ARG001 - one shape for all
) -> str:
    """A year alone."""
    given = _checked(date(int(match["y"]), 1, 1), shift)
    return f"{shift.year(given.year):04d}"


_REBUILD: dict[str, Callable[[regex.Match[str], DateShift, Language, date], str]] = {
    "year-month": _rebuild_month,
    "month-year": _rebuild_month,
    "named-month": _rebuild_month,
    "year": _rebuild_year,
}


def _replaced(match: regex.Match[str], new: dict[str, str]) -> str:
    """The match with some of its groups replaced."""
    text, out, position = match[0], [], 0
    for group in sorted(new, key=match.start):
        out += [text[position : match.start(group)], new[group]]
        position = match.end(group)
    return "".join([*out, text[position:]])


def _number(word: str) -> int:
    """Month by name, 1 to 12."""
    low = word.lower()
    low = _ALSO.get(low, low)
    return next(
        names.index(low) + 1
        for table in (_MONTHS, _SHORT)
        for names in table.values()
        if low in names
    )


def _like_month(word: str, month: int) -> str:
    """The name of ``month`` in the language, length and case of ``word``."""
    low = word.lower()
    low = _ALSO.get(low, low)
    for table in (_MONTHS, _SHORT):
        for names in table.values():
            if low in names:
                name = names[month - 1]
                return (
                    name.upper() if word.isupper() else name.title() if word[0].isupper() else name
                )
    raise ValueError


def _like_number(text: str, number: int, *, named: bool) -> str:
    """``number`` with a leading zero where ``text`` has one, or may have had no need of it."""
    padded = text.startswith("0") or (len(text) == 2 and not named)  # noqa: PLR2004 - digits
    return f"{number:02d}" if padded else str(number)


def _like_year(text: str, year: int) -> str:
    """``year`` in two or four digits, with the apostrophe that ``text`` has."""
    mark, digits = ("'", text[1:]) if text.startswith("'") else ("", text)
    return mark + (f"{year:04d}" if len(digits) == 4 else f"{year % _PIVOT:02d}")  # noqa: PLR2004 - digits


def _ordinal(day: int) -> str:
    """The ending of an English ordinal."""
    if 11 <= day <= 13:  # noqa: PLR2004 - eleventh to thirteenth
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
