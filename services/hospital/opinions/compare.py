"""How opinions go together, statement by statement and by rule (`relation`).

Every statement of one opinion is set against every statement of another. The rules are blind to
what they cannot read, so "agree" says no more than this: each of them says the very same things.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import cast

from services.hospital.opinions.relation import CONTRADICTS, relation
from services.hospital.opinions.round import Finding, Kind, Opinion, Verdict
from services.hospital.opinions.statement import Statement

TWO = 2
_ORDER = ("numbers", "polarity", "opposite", "degree", "same")


def compare(opinions: Sequence[Opinion]) -> tuple[Finding, ...]:
    """What two opinions say on one matter; a pair of sentences once, whoever else says it."""
    taken = {s.text: Statement.of(s.text) for one in opinions for s in one.sentences}
    found: dict[frozenset[str], Finding] = {}
    for first, second in combinations(opinions, TWO):
        for a, b in product(first.sentences, second.sentences):
            pair = frozenset((a.text, b.text))
            if len(pair) < TWO or pair in found:
                continue
            how = relation(taken[a.text], taken[b.text])
            if how not in {"apart", "near"}:
                found[pair] = Finding(
                    kind=cast("Kind", how),
                    first=first.by,
                    second=second.by,
                    said=(a.text, b.text),
                )
    return tuple(sorted(found.values(), key=lambda one: _ORDER.index(one.kind)))


def verdict_of(opinions: Sequence[Opinion], findings: Sequence[Finding]) -> Verdict:
    """How all of it goes together; who found nothing stands beside it and votes for nothing."""
    spoke = [one for one in opinions if one.sentences]
    kinds = {one.kind for one in findings}
    if kinds & CONTRADICTS:
        return "contradict"
    if len(spoke) < TWO:
        return "one" if spoke else "none"
    if "degree" in kinds:
        return "degree"
    return "agree" if all(_says(a, b, findings) for a in spoke for b in spoke) else "differ"


def _says(one: Opinion, other: Opinion, findings: Sequence[Finding]) -> bool:
    """Whether one opinion says everything that another one says."""
    said = {s.text for s in one.sentences}
    same = [set(f.said) for f in findings if f.kind == "same"]
    return all(
        s.text in said or any(s.text in pair and pair & said for pair in same)
        for s in other.sentences
    )
