"""Publishing a candidate that people let through, and following it on its way to the nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from services.learning.models import Approval, Deployment, LearningRound
from services.learning.rounds.book import Move, RoundBook
from services.learning.rounds.history import contributions_of, withdrawn
from services.learning.rounds.judge import as_json, blocking, criteria_now, evidence_of
from services.learning.rounds.ports import Candidate, Publisher, Release, Rollout
from services.learning.rounds.standing import standing
from services.learning.rounds.states import State
from services.store.database import Database

ENDS = {
    "released": State.RELEASED,
    "stopped": State.ROLLED_BACK,
    "rolled-back": State.ROLLED_BACK,
}
"""What a round becomes when its deployment has come to an end."""


@dataclass(frozen=True)
class Publishing:
    """The fourth step: every criterion is held once more against the policy as it is now.

    Args:
        database: with learning's tables.
        book: of rounds.
        publisher: makes the brick.
    """

    database: Database
    book: RoundBook
    publisher: Publisher

    def __call__(self, row: LearningRound, candidate: Candidate, policy_digest: str) -> Move:
        """Publish; back to where it belongs when something changed since it was approved."""
        with self.database.reading() as session:
            gone = withdrawn(session, contributions_of(row))
        if gone:
            return Move(State.AGGREGATING)  # the candidate is no longer this one
        said = self.book.approvals(row)
        criteria = criteria_now(candidate.policy, row, said)
        values: dict[str, Any] = {"criteria": as_json(criteria), "policy": policy_digest}
        if blocking(criteria):
            return Move(State.BLOCKED, values)
        if not all(one.holds for one in criteria):
            return Move(State.WAITING, values)
        release = Release(
            candidate,
            evidence_of(row.evidence, said),
            criteria,
            sites=tuple(sorted({one["site"] for one in (row.evidence or {})["contributions"]})),
            policy_digest=policy_digest,
            approvals=_who(said),
        )
        candidate.still()
        return Move(State.ROLLING_OUT, {**values, "brick": self.publisher.publish(release)})


@dataclass(frozen=True)
class RollingOut:
    """The last step: it begins the rollout; `Rounds.tick` sees how that ends.

    Args:
        database: with learning's tables.
        rollout: None where nodes are not served in cohorts; then what is published is released.
    """

    database: Database
    rollout: Rollout | None

    def __call__(self, row: LearningRound) -> Move:
        """Begin; the round stays in its state until the deployment has come to an end."""
        if self.rollout is None or row.brick is None:
            return Move(State.RELEASED)
        with self.database.reading() as session:
            former = standing(session, row.domain).parent  # of one made anew not what it stands on
        self.rollout.start(row.brick, former)
        return Move(State.ROLLING_OUT)


def end_of(session: Session, row: LearningRound) -> State | None:
    """What a round in its rollout has become, None while that goes on."""
    deployment = session.get(Deployment, row.brick) if row.brick else None
    return ENDS.get(deployment.state) if deployment else None


def _who(said: list[Approval]) -> tuple[str, ...]:
    return tuple(sorted(one.by for one in said if one.approved))
