"""Whom a question is about, and what it says of them: age, pregnancy, breastfeeding.

The record speaks for one person. A question about anybody else gets nothing of it; what the
question itself says of that other person may still fire a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.consult.record import words

ADULT_MONTHS = 216
"""Eighteen years."""
OLD_MONTHS = 720
"""Sixty years: "dad" may then be the person of the record."""


@dataclass(frozen=True)
class Ages:
    """An age in months that lies within ``low`` and ``high``."""

    low: int
    high: int

    def may_be_below(self, months: int) -> bool:
        """Whether the age can be under ``months``."""
        return self.low < months


@dataclass(frozen=True)
class Known:
    """What the record says of its person that decides whom a question means.

    ``roles`` are what those who act for the person are to them (mother, son, spouse …).
    """

    months: int | None = None
    sex: str | None = None
    pregnant: bool | None = None
    names: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    @property
    def minor(self) -> bool:
        """Under 18."""
        return self.months is not None and self.months < ADULT_MONTHS

    @property
    def elder(self) -> bool:
        """Old enough that a grown child may ask on their behalf."""
        return self.months is not None and self.months >= OLD_MONTHS


@dataclass(frozen=True)
class Situation:
    """Whom the question is about.

    ``other``: not the person of the record. ``child``: said to be a child. ``ages``: as the
    question says, else None. ``possessive``: one particular person, not people in general.
    """

    other: bool
    child: bool
    ages: Ages | None
    pregnant: bool
    breastfeeding: bool
    possessive: bool


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    made: Mapping[str, Any] = words.data("people")
    return made


@lru_cache(maxsize=64)
def _words(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_table()[name])})\b")


def situation(text: str, known: Known) -> Situation:
    """Read a folded question."""
    text = _words("nobody").sub(" ", text)
    ages = stated_ages(text)
    text = _heard(text, known)
    child_word = _words("child").search(text)
    adult_word = _words("adult").search(text)
    old_enough = ages is not None and ages.low >= ADULT_MONTHS
    acts_self = bool(_words("self_acts").search(text))
    about_child = bool(child_word or (ages and ages.high < ADULT_MONTHS)) and not old_enough
    unborn = bool(known.pregnant) and bool(re.search(r"\b(baby|bebe)\b", text)) and ages is None
    mine = bool(_words("mine_child").search(text))
    gives = bool(_words("gives").search(text)) or (mine and bool(_words("uses").search(text)))
    if acts_self and not gives:
        of_self = ages is not None and not child_word
        about_child = about_child and (known.minor or of_self)
    other = _is_other(text, known, ages, acts_self=acts_self and not gives)
    if unborn and not gives:
        about_child, other = False, False
    return Situation(
        other=other,
        child=about_child and not unborn,
        ages=ages or _ages_of_noun(text) if about_child else ages,
        pregnant=bool(_words("pregnant").search(text)) and not _words("not_pregnant").search(text),
        breastfeeding=bool(_words("breastfeeding").search(text)),
        possessive=bool(
            _words("mine_child").search(text) or _words("pronoun").search(text) or adult_word
        ),
    )


def _heard(text: str, known: Known) -> str:
    """Leave out who only gives, says or owns something, where the asker is the one it is for."""
    spare = bool(_words("spare").search(text))
    without = _words("giver").sub(" ", text)
    without = _words("spare_giver").sub(" ", without) if spare else without
    for found in _words("owned_by").finditer(without):
        after = " ".join(without[found.end() :].split()[:3])
        if words.medicine_phrases().find(after) or _words("pills").match(after):
            without = without[: found.start()] + without[found.end() :]
            break
    tended = (known.minor or known.roles) and _words("pronoun").search(without)
    own = _words("me").search(without) or spare
    return without if own or tended else text


def _is_other(text: str, known: Known, ages: Ages | None, *, acts_self: bool) -> bool:
    """Whether somebody else than the person of the record is meant."""
    if acts_self:
        return False
    if any(re.search(rf"\b{name}s?\b", text) for name in known.names):
        return False
    named = _named(text)
    if not named:
        stranger = ages is not None and not _fits(ages, known)
        return stranger or bool(_words("people").search(text) and not _words("me").search(text))
    allowed = _allowed(known)
    return not all(noun in allowed for noun in named) or (
        ages is not None and not _fits(ages, known)
    )


def _named(text: str) -> set[str]:
    """The nouns for people that the question claims ("my son", "mom")."""
    found = {m[1] for m in _words("claimed").finditer(text) if m[1]}
    found |= {m[2] for m in _words("claimed").finditer(text) if m[2]}
    bare = {m[0] for m in _words("bare").finditer(text)}
    return {_singular(noun) for noun in found | bare}


def _singular(noun: str) -> str:
    kinds: Mapping[str, list[str]] = _table()["kinds"]
    return next((kind for kind, nouns in kinds.items() if noun in nouns), noun)


def _allowed(known: Known) -> set[str]:
    """The nouns that mean the person of the record, for somebody who acts for them."""
    allowed: set[str] = set()
    roles: Mapping[str, Mapping[str, list[str]]] = _table()["roles"]
    for role in known.roles | ({"parent"} if known.minor else set()):
        for sex, nouns in roles.get(role, {}).items():
            if sex in {"any", known.sex} or known.sex is None:
                allowed.update(nouns)
    if known.elder:
        # a grown child asks more often about a parent this old than the parent about their own
        allowed.update({"parent", {"female": "mother", "male": "father"}.get(known.sex or "", "")})
    return allowed


def _fits(ages: Ages, known: Known) -> bool:
    """Whether an age that was said can be that of the person of the record (a year's leeway)."""
    return known.months is None or ages.low - 12 <= known.months <= ages.high + 12


def stated_ages(text: str) -> Ages | None:
    """The age that a folded question states, or None."""
    numbers: Mapping[str, int] = _table()["numbers"]
    pattern = re.compile(_table()["age"].replace("<number>", "|".join(numbers)))
    for found in pattern.finditer(text):
        unit, sure = found["unit"][0], found["old"] or found["noun"]
        loose = found["lead"] and unit not in {"d", "w", "s"}
        if not (sure or loose or found["unit"].startswith("y o") or found["unit"] == "yo"):
            continue
        count = int(found["n"]) if found["n"].isdigit() else numbers[found["n"]]
        if unit in {"d", "w", "s"}:
            days = count * (1 if unit == "d" else 7)
            return Ages(days // 31, max(days // 30, days // 31))
        if unit == "m":
            return Ages(count, count)
        return Ages(12 * count, 12 * count + 11)
    return None


def _ages_of_noun(text: str) -> Ages:
    """The age that a noun for a child implies: a toddler is one to three."""
    spans: Mapping[str, list[Any]] = _table()["spans"]
    for noun, (low, high) in spans.items():
        if re.search(rf"\b{noun}s?\b", text):
            return Ages(low, high)
    return Ages(0, ADULT_MONTHS - 1)
