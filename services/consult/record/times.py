"""The time that a question asks about: a year, a season, a month or a day, as ISO prefixes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from services.consult.record import words

_SINCE = r"(?<!since )(?<!desde )(?<!from )(?<!until )"
_YEAR = re.compile(rf"{_SINCE}(?<!than )\b((?:19|20)\d\d)\b")
_LAST_YEAR = re.compile(rf"{_SINCE}\b(last year|a year ago|el ano pasado|hace un ano)\b")
_AMBIGUOUS = {"may", "march", "mayo", "mar"}
"""Months that are ordinary words too, and must follow "in" or go with a day."""


def periods(text: str, today: date) -> tuple[str, ...]:
    """Return the beginnings of the ISO dates that a folded question asks about; () for none.

    "Since 2025" asks for all that came after and names no period. Without a year the latest such
    month or season that has begun is meant.
    """
    found = _YEAR.search(text)
    year = int(found[1]) if found else today.year - 1 if _LAST_YEAR.search(text) else None
    season = _season(text)
    if season:
        first = year or today.year - (season[0] > today.month)
        return tuple(f"{first + (month < season[0])}-{month:02d}" for month in season)
    if month := _month(text):
        number, day = month
        of = year or today.year - (number > today.month)
        return (f"{of}-{number:02d}" + (f"-{day:02d}" if day else ""),)
    return (str(year),) if year else ()


def coming(text: str, today: date) -> tuple[str, ...]:
    """Return the beginning of the dates of a month named, the next such month from today on."""
    if not (month := _month(text)):
        return ()
    number, day = month
    year = today.year + (number < today.month)
    return (f"{year}-{number:02d}" + (f"-{day:02d}" if day else ""),)


def _season(text: str) -> tuple[int, ...]:
    table: Mapping[str, list[int]] = words.data("people")["seasons"]
    named = (
        months
        for word, months in table.items()
        if re.search(rf"{_SINCE}(?<!since the )(?<!since last )\b{word}\b", text)
    )
    return tuple(next(named, ()))


def _month(text: str) -> tuple[int, int | None] | None:
    """The month named, and the day of it if one is."""
    table: Mapping[str, int] = words.data("people")["months"]
    for word, number in table.items():
        lead = r"\b(?:in|on|of|last|this|early|late|en|el|de) " if word in _AMBIGUOUS else _SINCE
        dated = re.search(rf"\b{word} (\d{{1,2}})\b|\b(\d{{1,2}}) de {word}\b", text)
        if dated:
            return number, int(dated[1] or dated[2])
        if re.search(rf"{lead}\b{word}\b", text):
            return number, None
    return None
