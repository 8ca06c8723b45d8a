"""What lets a change out, criterion by criterion; what could not be measured blocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from services.bricks.manifest import Evaluation
from services.bricks.operations.evaluate import OWN
from services.learning.gates import Criterion
from services.learning.sources.candidate import Candidate
from services.learning.sources.catalogue import Limits, Listed

RETRIEVAL = "right passage among 3"
BESIDE, PROTECTED = "questions to other knowledge", "protected questions"


@dataclass(frozen=True)
class Facts:
    """What a change is judged by.

    Attributes:
        evaluations: of the candidate beside what it replaces; of all knowledge with and without it.
        lost: protected questions that were answered and no longer are.
        passages: of what it replaces, None where it replaces nothing.
        kept: contradictions that a person kept.
        licence: of what it replaces, None where it replaces nothing.
    """

    evaluations: Sequence[Evaluation]
    lost: Sequence[str]
    passages: int | None
    kept: int
    licence: str | None


def may_be_shown(
    source: Listed, limits: Limits, candidate: Candidate, facts: Facts, today: dt.date
) -> tuple[Criterion, ...]:
    """Every criterion; a change that meets all waits for a person."""
    return (
        _licence(source, limits, facts, today),
        _readable(limits, candidate),
        _size(limits, candidate, facts),
        _screened(limits, candidate),
        _contradictions(candidate, facts),
        *_measured(limits, facts),
        Criterion(
            "protected",
            not facts.lost and _has(facts, PROTECTED),
            "every protected question that is answered now",
            f"lost: {'; '.join(facts.lost[:5])}" if facts.lost else _figure(facts, PROTECTED),
        ),
    )


def _licence(source: Listed, limits: Limits, facts: Facts, today: dt.date) -> Criterion:
    day = source.licence.reviewed
    fresh = day is not None and 0 <= (today - day).days <= limits.review_days
    has = f"{source.licence.name}, terms read on {day}" if day else "nobody here has read its terms"
    if facts.licence not in {None, source.licence.name}:
        has += f"; until now it was {facts.licence}"
    needs = f"terms read by a person within {limits.review_days} days"
    return Criterion("licence", fresh and source.licence.redistribution, needs, has)


def _readable(limits: Limits, candidate: Candidate) -> Criterion:
    report = candidate.report
    share = report.bad / max(1, report.items)
    has = f"{report.bad} of {report.items}"
    return Criterion("readable", share <= limits.bad, f"at most {limits.bad:.0%} unreadable", has)


def _size(limits: Limits, candidate: Candidate, facts: Facts) -> Criterion:
    now = sum(len(topic.passages) for topic in candidate.read)
    needs = f"no more than {limits.lost:.0%} lost, at most {limits.grown:g} times as much"
    if not facts.passages:
        return Criterion("size", now > 0, needs, f"{now} passages, the first time")
    share = now / facts.passages
    holds = 1 - limits.lost <= share <= limits.grown
    return Criterion("size", holds, needs, f"{facts.passages} passages before, {now} now")


def _screened(limits: Limits, candidate: Candidate) -> Criterion:
    topics = len({one.topic for one in candidate.quarantined})
    needs = f"at most {limits.quarantined} topics with text addressed to programs"
    return Criterion("screened", topics <= limits.quarantined, needs, f"{topics}, left out")


def _contradictions(candidate: Candidate, facts: Facts) -> Criterion:
    found, out = len(candidate.contradictions), len(candidate.left_out)
    has = f"{found} found; {out} passages left out, {facts.kept} kept by a person"
    return Criterion("contradictions", True, "none that nobody looked at", has)


def _measured(limits: Limits, facts: Facts) -> list[Criterion]:
    """Whether what it brings is found, and what is there still is."""
    out = []
    for name, suite in (("retrieval", OWN), ("beside", BESIDE)):
        one = next((e for e in facts.evaluations if e.suite == suite), None)
        few = ", or by one question" if name == "retrieval" else ""
        needs = f"at most {limits.worse_by:.0%} worse{few}"
        if one is None:
            out.append(Criterion(name, False, needs, "not measured"))
            continue
        slack = max(limits.worse_by, 1 / one.n if name == "retrieval" else 0)
        holds = one.before is None or one.value >= one.before - slack
        out.append(Criterion(name, holds, needs, _figure(facts, suite)))
    return out


def _has(facts: Facts, suite: str) -> bool:
    return any(one.suite == suite for one in facts.evaluations)


def _figure(facts: Facts, suite: str) -> str:
    one = next((e for e in facts.evaluations if e.suite == suite), None)
    if one is None:
        return "not measured"
    before = "" if one.before is None else f"{one.before:.1%} before, "
    return f"{before}{one.value:.1%} now (n = {one.n})"
