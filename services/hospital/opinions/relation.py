"""How two statements go together, by rule, and never more surely than the rule can know.

    relation(Statement.of(a), Statement.of(b))     # "contradict"

``same``        one sentence but for case, punctuation and order of words that the rules read;
``degree``      the same matter, to another degree: may and should, 7 to 10 days and 5 to 8;
``numbers``, ``polarity``, ``opposite``
                the same matter, and both cannot be right: other quantities, one says not, opposed
                words;
``near``        the same matter, and the rules cannot say more: somebody has to read both;
``apart``       of other matters, or of other people.

``same`` asks for every word: two statements of one matter with a word of their own that no list
holds are ``near``, so that a contradiction that nobody thought of is not called agreement.
"""

from __future__ import annotations

from typing import Literal

from services.hospital.opinions.statement import Span, Statement

Relation = Literal["same", "degree", "numbers", "polarity", "opposite", "near", "apart"]
CONTRADICTS: frozenset[Relation] = frozenset({"numbers", "polarity", "opposite"})
MATTER = 0.5
"""Share of common core words from which two statements are set against one another."""

TURNED = 0.7
"""Share from which a "not" or an opposite turns one against the other: two sentences on one topic
have its name in common, and often a "not" in one of them."""


def relation(a: Statement, b: Statement) -> Relation:
    """How two statements go together."""
    if a.plain == b.plain:
        return "same"
    share = len(a.core & b.core) / max(1, len(a.core | b.core))
    if share < MATTER or (a.limits and b.limits and a.limits != b.limits):
        return "apart"
    opposed = [pair for pair in a.sides.keys() & b.sides.keys() if a.sides[pair] != b.sides[pair]]
    turned = (a.negations + b.negations + len(opposed)) % 2 == 1
    if turned and share >= TURNED:
        return "opposite" if opposed else "polarity"
    numbers = _numbers(a, b)
    if numbers == "apart" or (a.core == b.core and a.numbers != b.numbers):
        return "numbers"
    if not turned and (numbers == "near" or _other_step(a, b)):
        return "degree"
    alike = not turned and a.core == b.core and a.sides == b.sides and a.limits == b.limits
    return "same" if alike else "near"


def _numbers(a: Statement, b: Statement) -> Literal["same", "near", "apart"]:
    """How quantities go together: equal, overlapping or told by one alone, or other ones."""
    if a.quantities == b.quantities:
        return "same"
    for name in a.quantities.keys() & b.quantities.keys():
        mine, theirs = a.quantities[name], b.quantities[name]
        if not any(_meet(x, y) for x in mine for y in theirs):
            return "apart"
    return "near"


def _meet(x: Span, y: Span) -> bool:
    return x[0] <= y[1] and y[0] <= x[1]


def _other_step(a: Statement, b: Statement) -> bool:
    """Whether they stand on other steps of a scale; saying nothing of duty is "should"."""
    first, second = {"duty": 2, **a.steps}, {"duty": 2, **b.steps}
    return first != second
