"""Word lists of de-identification: ordinary words, eponyms and drug names, given names, nicknames.

All lists were compiled by hand for this project and are folded (lower case, no accents).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def word_set(text: str) -> frozenset[str]:
    """The words of ``text``, separated by spaces."""
    return frozenset(text.split())


@cache
def common_words() -> frozenset[str]:
    """Ordinary English and Spanish words."""
    return frozenset(word for line in _lines("common_words.txt") for word in line.split())


@cache
def eponyms() -> frozenset[str]:
    """Eponyms and drug names, each one or more words separated by single spaces."""
    return frozenset(_lines("eponyms.txt"))


@cache
def nickname_groups() -> tuple[frozenset[str], ...]:
    """Groups of given names that stand for one another."""
    return tuple(frozenset(line.split()) for line in _lines("nicknames.txt"))


@cache
def given_names() -> frozenset[str]:
    """Given names that are not ordinary words, three letters or more."""
    listed = {word for line in _lines("given_names.txt") for word in line.split()}
    for group in nickname_groups():
        listed |= group
    return frozenset(word for word in listed - common_words() if len(word) > 2)  # noqa: PLR2004 - a number of the rule itself


@cache
def nicknames(name: str) -> frozenset[str]:
    """Every name that may stand for ``name`` (folded), without itself; empty when none is known."""
    found: set[str] = set()
    for group in nickname_groups():
        if name in group:
            found |= group
    return frozenset(found - {name})


def _lines(name: str) -> list[str]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
