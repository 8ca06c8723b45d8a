"""On what terms a statement stands: how often something is done, and on which condition.

Both are taken out of the words of a statement in English, so that "twice a day" and "every 12
hours" are one, and so that what holds only "if the fever lasts" is not set against what holds
without it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Span = tuple[float, float]

_MINUTES = {"hour": 60.0, "day": 1440.0, "week": 10080.0, "month": 43800.0, "year": 525600.0}
_UNIT = r"(?P<unit>hour|day|week|month|year)s?\b"
_UP_TO = r"(?P<low>\d+)(?:\s*(?:to|or|-|\u2013)\s*(?P<high>\d+))?"
_TIMES = re.compile(rf"\b{_UP_TO} times? (?:in )?(?:an?|the|per|each|every) {_UNIT}")
_EVERY = re.compile(
    rf"\b(?:every|each|(?:in|within|per) an?) (?:{_UP_TO} |(?P<other>other |second ))?{_UNIT}"
)
_A_DAY = re.compile(
    r"(?<!\bfor )(?<!\bafter )\b(?:(?:in |within )?an? day|per day|(?:in|within|per) 24 hours)\b"
)
_AMOUNT = re.compile(
    r"\d ?(?:[mk]?c?g|ml|milli\w+|grams?|tablets?|capsules?|puffs?|times?|units?)\b"
)
_CLAUSE = re.compile(r"\b(?:if|when|whenever|unless|except|in case)\b(?P<said>[^,;]*)")
_NUMBER = r"\s+(?:the\s+|about\s+)?\d"
_TO = re.compile(
    rf"\b(?:(?:no|not) more than|less than|fewer than|under|below|before|within){_NUMBER}"
)
_FROM = re.compile(
    rf"\b(?:after|over|above|from|more than|older than|since|at least){_NUMBER}"
    r"|(?<!for )(?<!\d)\d+ (?:minute|hour|day|week|month|year)s? (?:before|after)\b"
)


class Terms(NamedTuple):
    """The terms of one statement.

    Attributes:
        left: its words without how often it is done.
        every: how far apart it is done, from and to, in minutes; empty where it does not say.
        conditions: the words of its conditions.
        bounds: "from" or "to", where it holds only from or up to some number.
    """

    left: str
    every: tuple[Span, ...]
    conditions: str
    bounds: frozenset[str]


def terms(english: str) -> Terms:
    """Take the terms out of a statement in lower case, its numbers in digits."""
    apart = list[Span]()

    def times(found: re.Match[str]) -> str:
        counts = [count for count in _counts(found) if count]
        if not counts:
            return " never "
        whole = _MINUTES[found["unit"]]
        apart.append((whole / counts[-1], whole / counts[0]))
        return " "

    def every(found: re.Match[str]) -> str:
        counts = [2.0] if found["other"] else _counts(found)
        whole = _MINUTES[found["unit"]]
        apart.append((counts[0] * whole, counts[-1] * whole))
        return " "

    conditions = " ".join(found["said"] for found in _CLAUSE.finditer(english))
    left = _TIMES.sub(times, english)
    left = _EVERY.sub(every, _A_DAY.sub("every day", left) if _AMOUNT.search(left) else left)
    return Terms(left, tuple(apart), conditions, _bounds(_CLAUSE.sub(" ", left)))


def _counts(found: re.Match[str]) -> list[float]:
    """The numbers of a match, the least first; one where it has none."""
    return sorted(float(n) for n in (found["low"] or "1", found["high"]) if n)


def _bounds(text: str) -> frozenset[str]:
    left = _TO.sub(" ", text)
    found = {"to": left != text, "from": _FROM.search(left) is not None}
    return frozenset(name for name, so in found.items() if so)
