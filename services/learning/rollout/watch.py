"""One look at a release: what its cohort counted, and what follows from that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from services.bricks.manifest import split_ref
from services.learning.policy import Rollout as Allowed
from services.learning.rollout.book import Case
from services.learning.rollout.cohorts import members
from services.learning.rollout.compare import Rise, compare, due
from services.learning.rollout.tally import HORIZON, NodeTally, pairs, tally, version_of


@dataclass(frozen=True)
class Seen:
    """What was seen.

    Attributes:
        worse: why the release has to be taken back, in words; None for no reason.
        waits: what the next cohort waits for, in words; empty when it may come.
        tired: whether that has gone on for longer than the policy's patience.
        before, now: figures for the deployment's row.
    """

    worse: str | None
    waits: tuple[str, ...]
    tired: bool
    before: dict[str, Any]
    now: dict[str, Any]


def look(
    session: Session, case: Case, nodes: Collection[str], allowed: Allowed, moment: datetime
) -> Seen:
    """Look at a release as its reports stand.

    Args:
        session: to read from.
        case: the release.
        nodes: that are served now.
        allowed: what the policy allows.
        moment: now, by the parent's clock.
    """
    own = members(nodes, case.channel.salt, case.channel.reach)
    brick, version = split_ref(case.brick)
    former = version_of(case.deployment.former, brick)
    under = tally(session, brick, version, set(own))
    all_ = tally(session, brick, former, set(nodes), moment - HORIZON)
    before = {node: one for node, one in all_.items() if node in set(own)}
    if _answers(before) < allowed.answers:
        before = all_  # what `pairs` sets them beside
    counted = {node: one for node, one in under.items() if one.answers}
    ready = min(_answers(under), _answers(before)) >= allowed.answers
    is_due = ready and due(_answers(under), case.looks, allowed)
    rises = compare(pairs(counted, all_, allowed.answers), allowed, case.looks)
    waits = _waits(case, own, under, before, allowed, moment, rises)
    waited = moment - case.deployment.since
    return Seen(
        worse=_worse(under, rises if is_due else (), allowed),
        waits=waits,
        tired=waited >= timedelta(hours=allowed.patience_hours),
        before=_figures(before),
        now={
            **_figures(under),
            "cohort": len(own),
            "silent": len(own) - len(counted),
            "looks": case.looks + is_due,
            "rises": [asdict(one) for one in rises] if counted and before else [],
        },
    )


def _worse(under: dict[str, NodeTally], rises: tuple[Rise, ...], allowed: Allowed) -> str | None:
    failed = sum(one.canaries_failed for one in under.values())
    if failed > allowed.canaries:
        return f"{failed} canary questions failed at nodes"
    found = [one.words for one in rises if one.worse]
    return "; ".join(found) or None


def _waits(  # noqa: PLR0917 - everything that a cohort can lack
    case: Case,
    own: Collection[str],
    under: dict[str, NodeTally],
    before: dict[str, NodeTally],
    allowed: Allowed,
    moment: datetime,
    rises: tuple[Rise, ...],
) -> tuple[str, ...]:
    """What a cohort lacks before the next one may come."""
    reporting = sum(1 for one in under.values() if one.answers)
    found: list[str] = []
    if not own:
        found.append("there is no node")
    elif reporting < len(own) * (1 - allowed.silent) or not reporting:
        found.append(f"{reporting} of {len(own)} nodes report")
    for answers, release in ((_answers(under), "it"), (_answers(before), "the former release")):
        if answers < allowed.answers:
            found.append(f"{answers} of {allowed.answers} answers under {release}")
    first = [one.first for one in under.values() if one.first is not None]
    begun = max([case.deployment.since, *([min(first)] if first else [])])
    if moment - begun < timedelta(minutes=allowed.watch_minutes):
        found.append(f"{allowed.watch_minutes:g} minutes of watching are not over")
    found += [f"{one.words}, which may be chance" for one in rises if one.beyond]
    return tuple(found)


def _answers(tallies: dict[str, NodeTally]) -> int:
    return int(sum(one.answers for one in tallies.values()))


def _figures(tallies: dict[str, NodeTally]) -> dict[str, Any]:
    names = ("answers", "overrides", "abstentions", "referrals", "canaries", "canaries_failed")
    held = tallies.values()
    return {
        "nodes": sum(1 for one in held if one.answers),
        **{name: int(sum(getattr(one, name) for one in held)) for name in names},
    }
