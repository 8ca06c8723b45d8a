"""How opinions go together, by rule: contradictions first, then different sources.

Two sentences contradict where they speak of the same and give other quantities, or where one says
"not" and the other does not (`services.bricks.ingest.claims`). The rule is blind to what it cannot
read, so "agree" says no more than this: the same sources, and no contradiction found.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, cast

from services.bricks.ingest.claims import Claim, contradiction
from services.hospital.opinions.round import Finding, Opinion, Verdict

TWO = 2


def compare(opinions: Sequence[Opinion]) -> tuple[Finding, ...]:
    """Every contradiction between two opinions; a pair of sentences once, whoever else says it."""
    claims = [[Claim.of(said.text) for said in one.sentences] for one in opinions]
    found: dict[frozenset[str], Finding] = {}
    for (i, first), (j, second) in combinations(enumerate(opinions), 2):
        for a in claims[i]:
            for b in claims[j]:
                against = contradiction(a, b) if a.text != b.text else None
                if against is None:
                    continue
                kind = cast("Literal['numbers', 'polarity']", against[0])
                finding = Finding(
                    kind=kind, first=first.by, second=second.by, said=(a.text, b.text)
                )
                found.setdefault(frozenset(finding.said), finding)
    return tuple(found.values())


def verdict_of(opinions: Sequence[Opinion], findings: Sequence[Finding]) -> Verdict:
    """How all of it goes together; who found nothing stands beside it and votes for nothing."""
    spoke = [one for one in opinions if one.sentences]
    if findings:
        return "contradict"
    if len(spoke) < TWO:
        return "one" if spoke else "none"
    return "agree" if len({one.passages for one in spoke}) == 1 else "differ"
