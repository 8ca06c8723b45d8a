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

from services.hospital.opinions.lists import relation_words
from services.hospital.opinions.statement import Statement
from services.hospital.opinions.terms import Span

Relation = Literal["same", "degree", "numbers", "polarity", "opposite", "near", "apart"]
CONTRADICTS: frozenset[Relation] = frozenset({"numbers", "polarity", "opposite"})
MATTER = 0.5
"""Share of common core words from which two statements are set against one another."""

TURNED = 0.7
"""Share from which a "not", an opposite or a number sets one against the other: two sentences on
one topic have its name in common, and stitches on the face are others than on the leg."""


def relation(a: Statement, b: Statement) -> Relation:
    """How two statements go together."""
    if a.plain == b.plain:
        return "same"
    share = _in_common(a, b)
    if share < MATTER or _of_others(a.limits, b.limits, a.named, b.named):
        return "apart"
    opposed, numbers = _opposed(a, b), _numbers(a, b)
    turned = (a.negations + b.negations + len(opposed)) % 2 == 1
    if share >= TURNED and _same_terms(a, b):
        others = numbers == "apart" or (a.core == b.core and a.numbers != b.numbers)
        if turned and _of_one_kind(a, b, opposed):
            return ("near" if others else "opposite") if opposed else "polarity"
        if others and not opposed:
            return "numbers"
    if not turned and (numbers == "near" or _other_step(a, b)):
        return "degree"
    return "near" if turned or numbers != "same" or _more_in_one(a, b) else "same"


def _more_in_one(a: Statement, b: Statement) -> bool:
    """Whether one says anything that the other does not say."""
    mine = (a.core, a.sides, a.limits, a.conditions, a.named)
    return mine != (b.core, b.sides, b.limits, b.conditions, b.named)


def _in_common(a: Statement, b: Statement) -> float:
    """Share of common core words; of two bare doses ("Take 500 mg a day.") their kind is common."""
    if not (a.core or b.core) and a.quantities.keys() & b.quantities.keys():
        return 1.0
    return _share(a.core, b.core)


def _share(mine: frozenset[str], theirs: frozenset[str]) -> float:
    return len(mine & theirs) / max(1, len(mine | theirs))


def _of_others(*kinds: frozenset[str]) -> bool:
    """Whether two are limited to other people, or each names a thing that the other does not."""
    limits, others, named, called = kinds
    return bool(limits and others and limits != others) or bool(named - called and called - named)


def _of_one_kind(a: Statement, b: Statement, opposed: list[int]) -> bool:
    """Whether no verb of one of them ("prevents") stands against another one of the other."""
    alone = (a.sides.keys() ^ b.sides.keys()) - {relation_words().verdict}
    return not alone or (a.core == b.core and (opposed != [] or len(a.core) > 1))


def _opposed(a: Statement, b: Statement) -> list[int]:
    """The pairs of opposites on whose sides they stand; what both only allow can both be done."""
    if a.steps.get("duty") == b.steps.get("duty") == 1:
        return []
    return [pair for pair in a.sides.keys() & b.sides.keys() if a.sides[pair] != b.sides[pair]]


def _same_terms(a: Statement, b: Statement) -> bool:
    """Whether two hold on one condition, of the same people: otherwise both can be right."""
    if a.limits != b.limits:
        return False
    if a.conditions or b.conditions:
        return _share(a.conditions, b.conditions) >= TURNED
    return a.bounds == b.bounds and a.steps.get("share") == b.steps.get("share")


def _numbers(a: Statement, b: Statement) -> Literal["same", "near", "apart"]:
    """How quantities go together: equal, overlapping or told by one alone, or other ones.

    Another amount at another distance is another way of giving it, not another dose.
    """
    if a.quantities == b.quantities:
        return "same"
    apart = {
        name
        for name in a.quantities.keys() & b.quantities.keys()
        if not any(_meet(x, y) for x in a.quantities[name] for y in b.quantities[name])
    }
    return "apart" if apart and not ("every" in apart and len(apart) > 1) else "near"


def _meet(x: Span, y: Span) -> bool:
    return x[0] <= y[1] and y[0] <= x[1]


def _other_step(a: Statement, b: Statement) -> bool:
    """Whether they stand on other steps of a scale; saying nothing of duty is "should"."""
    first, second = {"duty": 2, **a.steps}, {"duty": 2, **b.steps}
    return first != second
