"""Rounds as people and programs see them: one line, or all there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from services.learning.gates import Scores
from services.learning.gates.bootstrap import paired
from services.learning.models import Approval, LearningRound, StoredContribution
from services.learning.policy import DomainPolicy
from services.learning.rounds.judge import as_json, criteria_now, evidence_of
from services.learning.rounds.service import Rehearsal, Rounds
from services.learning.rounds.states import State


def summary(row: LearningRound) -> dict[str, Any]:
    """A round as a line of a list."""
    return {
        "id": row.id,
        "domain": row.domain,
        "epoch": row.epoch,
        "state": str(row.state),
        "parent": row.parent,
        "brick": row.brick,
        "rule": row.rule,
        "candidate": row.candidate,
        "error": row.error,
        "started": row.started.isoformat(timespec="seconds"),
        "changed": row.changed.isoformat(timespec="seconds"),
    }


def detail(rounds: Rounds, round_id: str) -> dict[str, Any]:
    """All there is of a round: criteria with what blocks, figures by suite, contributions, people.

    Raises:
        NotFoundError: there is no such round.
    """
    row = rounds.book.get(round_id)
    policy, said = rounds.policy.of(row.domain), rounds.book.approvals(row)
    held = row.evidence or {}
    return {
        **summary(row),
        "policy": row.policy,
        "rebuilds": row.rebuilds,
        "anew": _anew(rounds, row, policy) if row.rebuilds else None,
        "credit": row.credit,
        "base": row.base,
        "progress": rounds.files.said(row.id),
        "criteria": _criteria(policy, row, said),
        "suites": suites_of(policy, row),
        "shadow": held.get("shadow"),
        "contributions": held.get("contributions", []),
        "probes": held.get("probes", {}),
        "notes": held.get("notes", {}),
        "approvals": [
            {
                "by": one.by,
                "approved": one.approved,
                "note": one.note,
                "at": one.at.isoformat(timespec="seconds"),
            }
            for one in said
        ],
    }


def _anew(rounds: Rounds, row: LearningRound, policy: DomainPolicy) -> dict[str, Any]:
    """What a release that is made anew does on each suite, beside the one that it replaces.

    Both stand on the same items; a suite that only one of them was measured on is left out.
    """
    with rounds.database.reading() as session:
        query = select(LearningRound).where(
            LearningRound.domain == row.domain,
            LearningRound.state == State.RELEASED,
            LearningRound.epoch < row.epoch,
        )
        former = session.scalar(query.order_by(LearningRound.epoch.desc()).limit(1))
    then, now = evidence_of(former.evidence if former else None).suites, evidence_of(row.evidence)
    both = {
        name: Scores(then[name].after, one.after)
        for name, one in now.suites.items()
        if name in then and 0 < len(one.after) == len(then[name].after)
    }
    suites = [{"name": name, **_figures(policy, scores)} for name, scores in both.items()]
    return {"former": former.brick if former else None, "suites": suites}


def suites_of(policy: DomainPolicy, row: LearningRound) -> list[dict[str, Any]]:
    """Figures of each suite of the policy: mean before and after, the gain with its interval.

    ``bound`` is what the lower end of the interval has to reach; ``better`` and ``worse`` count
    the items that changed.
    """
    asked, measured = policy.release, evidence_of(row.evidence).suites
    kinds = (
        ("gain", asked.suites, asked.min_gain),
        ("protected", asked.protected, -asked.worse_by),
        ("safety", asked.safety, 0.0),
    )
    return [
        {"name": name, "kind": kind, "bound": bound, **_figures(policy, measured[name])}
        for kind, names, bound in kinds
        for name in names
        if name in measured and measured[name].before
    ]


def rehearsed(rehearsal: Rehearsal) -> dict[str, Any]:
    """What a dry run says."""
    return {
        "domain": rehearsal.domain,
        "round": rehearsal.round,
        "start": as_json(rehearsal.start),
        "release": as_json(rehearsal.release),
        "blocking": [one.name for one in rehearsal.blocking],
    }


def dead_letters(rounds: Rounds, limit: int = 200) -> dict[str, Any]:
    """What came to nothing: failed rounds, and contributions that were refused or put aside."""
    query = select(StoredContribution).where(
        StoredContribution.state.in_(("refused", "quarantined"))
    )
    with rounds.database.reading() as session:
        aside = session.scalars(query.order_by(StoredContribution.received.desc()).limit(limit))
        contributions = [
            {"id": one.id, "site": one.site, "state": one.state, "reason": one.reason}
            for one in aside
        ]
    failed = [row for row in rounds.book.listing() if row.state == State.FAILED]
    return {"rounds": [summary(row) for row in failed], "contributions": contributions}


def _criteria(
    policy: DomainPolicy, row: LearningRound, said: Sequence[Approval]
) -> list[dict[str, Any]]:
    """As they stand now, or stood when the round was published."""
    if row.brick is not None or "suites" not in (row.evidence or {}):
        return row.criteria or []
    return as_json(criteria_now(policy, row, said))


def _figures(policy: DomainPolicy, scores: Scores) -> dict[str, Any]:
    asked = policy.release
    gain = paired(scores.before, scores.after, confidence=asked.confidence, samples=asked.samples)
    return {
        "items": len(scores.after),
        "before": sum(scores.before) / len(scores.before),
        "after": sum(scores.after) / len(scores.after),
        "better": sum(a > b for b, a in zip(scores.before, scores.after, strict=True)),
        "worse": sum(a < b for b, a in zip(scores.before, scores.after, strict=True)),
        **{f"gain_{key}": value for key, value in asdict(gain).items()},
    }
