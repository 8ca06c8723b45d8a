"""Repeats: two sources often say one thing in other words; an answer says it once.

A sentence repeats another when every word of it that says something stands in the other, its
numbers and whether something is denied included. What repeats is not lost: it goes to what can be
shown on demand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from services.bricks.words import content_stems, stems

T = TypeVar("T")

LEAST = 4
"""Words that two sentences share at least: short ones are alike by chance."""
SAME = 0.6
"""Part of the later sentence's words, small ones counted, that the earlier one has too."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_TIMES = frozenset(
    "minute hour day week month year once twice minuto hora dia semana mes ano".split()
)
_DENIED = frozenset(
    "no not never without nor don cannot nunca sin ni jamas avoid evite only solo".split()
)


def parted(items: Iterable[T], text: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """Part what is said first from what repeats it; the order is kept.

    Args:
        items: in the order in which they are said.
        text: gives the sentence of one.
    """
    kept: list[T] = []
    again: list[T] = []
    for one in items:
        repeats = any(repeat(text(one), text(before)) for before in kept)
        (again if repeats else kept).append(one)
    return kept, again


def repeat(later: str, earlier: str) -> bool:
    """Whether a sentence says nothing that the earlier one does not say."""
    new, old = _told(later), _told(earlier)
    if len(new) < LEAST or not new <= old:
        return False
    words, said = set(stems(later)), set(stems(earlier))
    return len(words & said) >= SAME * len(words) and (words & _DENIED) == (said & _DENIED)


def _told(sentence: str) -> set[str]:
    """What a sentence tells: its words of content, its numbers and of what they are."""
    times = _TIMES & set(stems(sentence))
    return {*content_stems(sentence), *_NUMBER.findall(sentence), *times}
