"""People of the generator: a name and the many ways in which notes write it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from compliance.deidentify.names import coined
from compliance.deidentify.names.lexicons import Language, Names

_COINED = {"en": 0.3, "es": 0.1}
"""Share of people whose names are put together from parts."""
_FULL = 24
"""Letters of a name above which it is not doubled."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody invented: names, and a short name."""

    given: str
    middle: str
    last: str
    nick: str


def invent(names: Names, language: Language, dice: random.Random) -> Person:
    """A person with names of one culture, sometimes of two, or with coined ones."""
    if dice.random() < _COINED[language]:
        own = coined.tongue(dice)
        given, last = coined.given_name(own, dice), coined.last_name(own, dice)
        if dice.random() < 0.3:  # noqa: PLR2004 - a share
            given = dice.choice(dice.choice(list(names.given.values())))
        return Person(given, coined.given_name(own, dice), last, _nick(given, dice))
    culture = names.culture(language, dice)
    givens = names.given.get(culture) or names.given["english"]
    lasts = names.last.get(culture) or names.last["english"]
    if dice.random() < 0.15:  # noqa: PLR2004 - a share
        lasts = dice.choice(list(names.last.values()))
    given, last = dice.choice(givens), dice.choice(lasts)
    if culture == "hispanic" and dice.random() < (0.75 if language == "es" else 0.3):
        last = f"{last} {dice.choice(('', '', '', 'y '))}{dice.choice(lasts)}"
    elif dice.random() < 0.06 and len(last) < _FULL:  # noqa: PLR2004 - a share
        last = f"{last}-{dice.choice(lasts)}"
    if culture == "hispanic" and dice.random() < 0.3:  # noqa: PLR2004 - a share
        link = dice.choice((" ", " ", " del ", " de la "))
        given = f"{given}{link}{dice.choice(givens)}"
    return Person(given, dice.choice(givens), last, _nick(given, dice))


def _nick(given: str, dice: random.Random) -> str:
    """A short form of a given name."""
    first = given.replace("-", " ").split(maxsplit=1)[0]
    short = first[: dice.randint(3, 4)] if len(first) > 4 else first  # noqa: PLR2004 - letters
    return dice.choice((short, short + "y", first, first[0] + "J", "Big " + short))


def _initials(person: Person, dice: random.Random) -> str:
    a, b = person.given[0].upper(), person.last[0].upper()
    return dice.choice((f"{a}.{b}.", f"{a}. {b}.", f"{a}{b}", f"{a}.", f"{b}.", f"{a}.-{b}."))


def _full(person: Person, dice: random.Random) -> str:
    middle = person.middle
    return dice.choice(
        (
            *(f"{person.given} {person.last}",) * 6,
            f"{person.given} {middle} {person.last}",
            f"{person.given} {middle[0]}. {person.last}",
            f"{person.given} {middle[0]} {person.last}",
            f"{person.given[0]}. {person.last}",
            f"{person.given[0]}. {middle[0]}. {person.last}",
        )
    )


def _listed(person: Person, dice: random.Random) -> str:
    last = person.last.upper() if dice.random() < 0.4 else person.last  # noqa: PLR2004 - a share
    tail = dice.choice(("", "", f" {person.middle[0]}.", f" {person.middle}"))
    return f"{last}, {person.given}{tail}"


FORMS: dict[str, Callable[[Person, random.Random], str]] = {
    "full": _full,
    "given": lambda p, _: p.given,
    "last": lambda p, d: p.last.split()[0] if " " in p.last and d.random() < 0.2 else p.last,  # noqa: PLR2004 - a share
    "listed": _listed,
    "initials": _initials,
    "caps": lambda p, d: _full(p, d).upper(),
    "nick": lambda p, _: p.nick,
}
"""How a name is written, by the word after the dot of a slot."""
