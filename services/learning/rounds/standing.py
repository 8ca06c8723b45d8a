"""On what contributions stand now, and what there is to start a round with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.learning.gates import Readiness
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import Policy
from services.learning.rounds.book import running
from services.learning.rounds.states import State
from services.learning.signals.book import counted

DAY_SECONDS = 86_400
SAID, WRONG = "signals", "signals-wrong"
"""Metrics of a contribution: what people said of answers at its site, and how often: wrong."""
FEW = 20
"""Of fewer signals nobody says that the model drifts."""
MOST_TOLD = 10_000
"""A site that says more counts for so much; a number never lets anything out."""


@dataclass(frozen=True)
class Standing:
    """What a contribution of a domain has to name to be taken.

    ``epoch`` counts the domain's releases; ``parent`` is the brick of the last one.
    """

    domain: str
    epoch: int
    parent: str | None


def standing(session: Session, domain: str) -> Standing:
    """The epoch and the parent of a domain."""
    last = _last_release(session, domain)
    return (
        Standing(domain, 0, None) if last is None else Standing(domain, last.epoch + 1, last.brick)
    )


def waiting(session: Session, domain: str, *, lock: bool = False) -> list[StoredContribution]:
    """Contributions of the present epoch that no round took yet, oldest first.

    ``lock`` keeps whoever else locks them waiting until the transaction has ended; in the order of
    their ids then.
    """
    now = standing(session, domain)
    query = select(StoredContribution).where(
        StoredContribution.domain == domain,
        StoredContribution.epoch == now.epoch,
        StoredContribution.state == "waiting",
    )
    if lock:
        return list(session.scalars(query.order_by(StoredContribution.id).with_for_update()))
    return list(session.scalars(query.order_by(StoredContribution.received)))


def readiness(session: Session, domain: str) -> Readiness:
    """What there is to start a round of a domain with."""
    there = waiting(session, domain)
    release = _last_release(session, domain)
    wrong, all_ = counted(session, domain, release.changed if release else None)
    drift = _drift(counted(session, domain), (wrong, all_)) if release else None
    told = [_told(row) for row in there]
    wrong, all_ = wrong + sum(w for w, _ in told), all_ + sum(a for _, a in told)
    ended = session.scalar(
        select(func.max(LearningRound.changed)).where(LearningRound.domain == domain)
    )
    return Readiness(
        contributions=len(there),
        sites=len({row.site for row in there}),
        signals=wrong,
        error_rate=wrong / all_ if all_ else None,
        days=None if ended is None else _days(ended),
        running=running(session, domain),
        drift=drift,
    )


def new_round(session: Session, domain: str, base: str, policy: Policy) -> LearningRound:
    """The row of the next round of a domain."""
    now, on = datetime.now(UTC), standing(session, domain)
    return LearningRound(
        id=str(uuid4()),
        domain=domain,
        epoch=on.epoch,
        state=State.COLLECTING,
        fence=0,
        policy=policy.digest,
        base=base,
        parent=on.parent,
        rule=policy.of(domain).aggregate.rule.value,
        started=now,
        changed=now,
    )


def _last_release(session: Session, domain: str) -> LearningRound | None:
    query = select(LearningRound).where(
        LearningRound.domain == domain, LearningRound.state == State.RELEASED
    )
    return session.scalar(query.order_by(LearningRound.epoch.desc()).limit(1))


def _drift(ever: tuple[int, int], since: tuple[int, int]) -> float | None:
    """By how much more often something is wrong since the release than before it.

    Of the parent's own signals: what sites tell of theirs has no time. None where few tell.
    """
    wrong, all_ = ever[0] - since[0], ever[1] - since[1]
    if min(all_, since[1]) < FEW:
        return None
    return since[0] / since[1] - wrong / all_


def _told(row: StoredContribution) -> tuple[int, int]:
    """How often a site says that something was wrong, and how often somebody said anything."""
    metrics = json.loads(row.manifest).get("metrics") or {}
    said = int(min(max(metrics.get(SAID, 0), 0), MOST_TOLD))
    return int(min(max(metrics.get(WRONG, 0), 0), said)), said


def _days(since: datetime) -> float:
    return (datetime.now(UTC) - since).total_seconds() / DAY_SECONDS
