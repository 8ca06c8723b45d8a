"""Names, towns, firms and addresses put together from parts: shapes of many tongues, no lists.

A model that only ever reads names of lists learns the lists. Parts of words make millions of
names that nobody wrote down, in the shapes of some twenty tongues.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from compliance.deidentify.names.lexicons import sections


@dataclass(frozen=True, slots=True)
class Tongue:
    """Parts of one tongue: starts of any name, ends of given and family names and of towns."""

    starts: tuple[str, ...]
    given: tuple[str, ...]
    last: tuple[str, ...]
    town: tuple[str, ...]
    street: tuple[str, ...]


def tongue(dice: random.Random) -> Tongue:
    """One of the tongues."""
    parts = sections("coined")
    name = dice.choice([key.removesuffix("_starts") for key in parts if key.endswith("_starts")])
    kinds = ("starts", "given", "last", "town", "street")
    return Tongue(*(parts[f"{name}_{kind}"] for kind in kinds))


def given_name(own: Tongue, dice: random.Random) -> str:
    """A given name."""
    return dice.choice(own.starts) + dice.choice(own.given)


def last_name(own: Tongue, dice: random.Random) -> str:
    """A family name; one in ten of two parts."""
    one = dice.choice(own.starts) + dice.choice(own.last)
    if dice.random() > 0.1:  # noqa: PLR2004 - a share
        return one
    return one + dice.choice((" ", "-")) + dice.choice(own.starts) + dice.choice(own.last)


def town(own: Tongue, dice: random.Random) -> str:
    """A town or village, at times with a word before it or after it."""
    name = dice.choice(own.starts) + dice.choice(own.town)
    roll = dice.random()
    if roll < 0.12:  # noqa: PLR2004 - a share
        return f"{dice.choice(sections('coined')['town_before'])} {name}"
    if roll < 0.2:  # noqa: PLR2004 - a share
        return f"{name} {dice.choice(sections('coined')['town_after'])}"
    return name


def firm(last: Callable[[], str], dice: random.Random) -> str:
    """A firm, a body, an ensemble: a coined brand, partners, two words, letters."""
    parts = sections("coined")
    brand = dice.choice(parts["brand_start"]) + dice.choice(parts["brand_end"])
    kind = dice.choice(parts["firm_kind"])
    words = f"{dice.choice(parts['firm_adjective'])} {dice.choice(parts['firm_noun'])}"
    letters = "".join(dice.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(dice.randint(2, 4)))
    return dice.choice(
        (
            brand, brand, brand, f"{brand} {kind}", f"{brand} {kind}", words, f"{words} {kind}",
            f"{last()}, {last()} and {last()}", f"{last()} and {last()}", f"{last()} {kind}",
            f"{last()}, {last()} & {last()}", f"{letters[0]}. {last()} & Co.", letters,
            f"{letters[0]} {last()} {last()}", ".".join(letters) + ".", f"{letters} {kind}",
            f"The {last()} {kind}", f"The {words}",
        )
    )  # fmt: skip


def street_line(own: Tongue, dice: random.Random) -> str:
    """A street with its number, before it or after it, as the tongue has it."""
    line = dice.choice(own.street).replace(";", ",")
    line = line.replace("~", dice.choice(own.starts))
    line = line.replace("*", dice.choice(own.last)).replace("+", dice.choice(own.town))
    line = line.replace("%", str(dice.randint(1, dice.choice((30, 200, 9999)))))
    if dice.random() < 0.12:  # noqa: PLR2004 - a share
        line = f"{dice.randint(1, 99999)} {line}"
    return line[0].upper() + line[1:] if dice.random() < 0.8 else line  # noqa: PLR2004 - a share


def address(dice: random.Random) -> str:
    """A whole address, on one line or on several, somewhere in the world."""
    own = tongue(dice)
    parts = sections("coined")
    layout = dice.choice(parts["layout"]).replace("\\n", "\n")
    values = {
        "street": lambda: street_line(own, dice),
        "unit": lambda: _digits(dice.choice(parts["unit"]), dice),
        "town": lambda: dice.choice((town(own, dice), town(own, dice).upper(), town(own, dice))),
        "post": lambda: _digits(dice.choice(parts["post"]), dice),
        "land": lambda: dice.choice(parts["land"]),
        "state": lambda: dice.choice(parts["state"]),
        "last": lambda: last_name(own, dice),
        "road": lambda: street_line(own, dice).strip("0123456789 ,."),
    }
    while "{" in layout:
        start, end = layout.index("{"), layout.index("}")
        layout = layout[:start] + values[layout[start + 1 : end]]() + layout[end + 1 :]
    return _digits(layout, dice)


def _digits(text: str, dice: random.Random) -> str:
    """``#`` becomes a digit, ``^`` a capital."""
    drawn = {"#": lambda: str(dice.randint(0, 9)), "^": lambda: dice.choice("ABCEGHJKLNPRSTVWXY")}
    return "".join(drawn[c]() if c in drawn else c for c in text)
