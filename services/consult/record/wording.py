"""The sentences of the record, in English and Spanish, and how dates and lists are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from services.consult.record.reading import Item
from services.consult.record.words import data

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio"
    " julio agosto septiembre octubre noviembre diciembre",
}


def say(key: str, language: str, item: Item | None = None, /, **values: object) -> str:
    """Return a sentence of ``sentences.yaml`` in ``language`` ("en" or "es"), filled in.

    Of an ``item`` that the person entered it is the one that speaks of their list, if there is one.
    """
    table = data("sentences")
    listed = f"{key}-entered"
    chosen = listed if item is not None and item.entered and listed in table else key
    return str(table[chosen][language]).format(**values)


def day_text(day: str | None, language: str) -> str:
    """Write an ISO date, month or year in words: 2026-10-07 is "October 7, 2026"."""
    if not day or not (parts := re.match(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", day)):
        return ""
    year, month, number = parts.groups()
    if not month:
        return year
    name = _MONTHS[language].split()[int(month) - 1]
    if not number:
        return f"{name} {year}" if language == "en" else f"{name} de {year}"
    return (
        f"{name} {int(number)}, {year}"
        if language == "en"
        else f"{int(number)} de {name} de {year}"
    )


def moment_text(start: str, language: str) -> str:
    """Write an ISO dateTime as date and time as recorded; UTC is said, no zone is guessed."""
    time = re.match(r"\d{4}-\d{2}-\d{2}T(\d{2}:\d{2})", start)
    zone = " UTC" if start.endswith("Z") else ""
    day = day_text(start[:10], language)
    join = ", " if language == "es" else " at "
    return f"{day}{join}{time[1]}{zone}" if time else day


def listed(items: Iterable[str], language: str) -> str:
    """Join with commas and a final "and"."""
    found = list(dict.fromkeys(items))
    if len(found) < 2:  # noqa: PLR2004  # one item needs no "and"
        return "".join(found)
    return f"{', '.join(found[:-1])} {say('and', language)} {found[-1]}"


def sentence_case(text: str) -> str:
    """Return ``text`` with every sentence beginning in upper case, the rest as it is."""
    return re.sub(r"(^|[.] )([a-záéíóúñ])", lambda found: found[1] + found[2].upper(), text)


def years_later(day: date, years: int) -> date:
    """The same day some years later; February 29 becomes 28."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the last day that the month has up to the 28th."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        return day.replace(year=year, month=month + 1, day=28)
