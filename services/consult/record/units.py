"""Units of results: alike when they mean the same, and never mixed in a comparison."""

from __future__ import annotations

from services.consult.record import words


def plain(unit: str) -> str:
    """A unit in one spelling: ``mL/min/{1.73_m2}`` and ``mL/min/1.73m²`` are the same."""
    made = unit.lower().replace("²", "2").replace("µ", "u").replace("μ", "u")
    for mark in " {}_[]()^":
        made = made.replace(mark, "")
    alike: dict[str, str] = words.data("facts/units")["alike"]
    return alike.get(made, made)


def is_of(test: str, unit: str) -> bool:
    """Whether ``unit`` is one in which the rules on ``test`` are written."""
    known = words.data("facts/units")["tests"].get(test)
    return known is None or plain(unit) in known


def alike(one: str, other: str) -> bool:
    """Whether two results may be compared as numbers."""
    return plain(one) == plain(other)
