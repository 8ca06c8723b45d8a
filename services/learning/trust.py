"""Trust in a node: what it did, each time with a reason, fading, open to appeal.

A node begins with the trust 1 that its enrolment gives it. A fault takes some away; time gives it
back (half of it in `HALF_LIFE`), and so does each release that the node had a part in. Nothing goes
above 1: no node earns more say than another, however many good contributions it made, so a patient
attacker saves nothing up. Below `BOUND` contributions are taken and put aside, until trust came
back or a person lifted what took it away. Many nodes of one attacker are no concern of this: a node
is enrolled by a one-time code that an operator gave out, and a round asks for so many sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.learning.models import LearningRound, StoredContribution, TrustEvent
from services.learning.rounds.states import State
from services.store.database import Database

BOUND = 0.5
HALF_LIFE = timedelta(days=60)
LEAST_WEIGHT = 0.01
LOW = "low-trust"
"""Reason of a contribution that was put aside for its node's trust."""
FAULTS = {
    "not-finite": -0.3,
    "too-long": -0.3,
    "bad-signature": -0.2,
    "unknown-signer": -0.2,
    "digest-mismatch": -0.2,
    "wrong-shape": -0.1,
    "wrong-type": -0.1,
    "wrong-rank": -0.1,
    "malformed": -0.1,
}
"""What a refusal costs. To be late or to send twice costs nothing: lines are slow, clocks drift."""
COUNTED = 0.1
"""What a release gives back to each node that had a part in it."""
Decision = Literal["lifted", "upheld"]


class Trust:
    """The trust that a parent has in its nodes.

    Args:
        database: with learning's tables.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, key: str, at: datetime | None = None) -> float:
        """Trust in a node, from 0 to 1, now or at a time."""
        with self._database.reading() as session:
            return score(_events(session, key), at or datetime.now(UTC))

    def weigh(self, there: Sequence[StoredContribution]) -> list[float]:
        """Weight of each contribution of a round: its node's trust when the last of them came.

        That moment is fixed, so that to put the same ones together again gives the same.
        """
        last = max((one.received for one in there), default=datetime.now(UTC))
        return [max(round(self.of(one.key, last), 4), LEAST_WEIGHT) for one in there]

    def refused(self, key: str, reason: str) -> None:
        """Note that a contribution of a node was refused, where that says something of it."""
        if reason in FAULTS:
            with self._database.transaction() as session:
                session.add(_event(key, reason, FAULTS[reason]))

    def settle(self) -> None:
        """Give credit for late releases that have none yet: to each node whose change counted."""
        done = select(TrustEvent.round).where(TrustEvent.round.is_not(None))
        due = select(LearningRound).where(
            LearningRound.state == State.RELEASED,
            LearningRound.changed > datetime.now(UTC) - HALF_LIFE,  # events are deleted some day
            LearningRound.id.not_in(done),
        )
        with self._database.transaction() as session:
            for row in session.scalars(due):
                for one in (row.evidence or {}).get("contributions", ()):
                    if one["weight"] > 0:
                        session.add(_event(one["key"], "counted", COUNTED, row.id))

    def events(self, key: str | None = None) -> list[TrustEvent]:
        """What changed the trust in a node, or in all, newest first."""
        query = select(TrustEvent).order_by(TrustEvent.at.desc(), TrustEvent.id.desc()).limit(500)
        with self._database.reading() as session:
            return list(
                session.scalars(query if key is None else query.where(TrustEvent.key == key))
            )

    def appeal(self, key: str, number: int, said: str) -> None:
        """Say, for a node, why something should not count against it.

        Raises:
            NotFoundError: there is no such event of this node that is still open.
        """
        with self._database.transaction() as session:
            found = session.get(TrustEvent, number)
            if found is None or found.key != key or found.change >= 0 or found.decided:
                raise NotFoundError("There is nothing of this node to appeal against.")
            found.appeal = said

    def decide(self, number: int, decision: Decision) -> float:
        """Answer an appeal, or lift something unasked; returns the trust in the node then.

        What was put aside waits for a round again where trust is back above the bound.

        Raises:
            NotFoundError: there is no such event.
        """
        with self._database.transaction() as session:
            found = session.get(TrustEvent, number)
            if found is None:
                raise NotFoundError("There is no such event.")
            found.decided = decision
            session.flush()
            now = score(_events(session, found.key), datetime.now(UTC))
            if now >= BOUND:
                _readmit(session, found.key)
            return now


def score(events: Iterable[TrustEvent], at: datetime) -> float:
    """Trust at a time after these events, which are in their order; lifted ones do not count."""
    lost, since = 0.0, None
    for one in events:
        if one.at > at or one.decided == "lifted":
            continue
        lost = _faded(lost, since, one.at)
        lost, since = min(max(lost - one.change, 0.0), 1.0), one.at
    return 1.0 - _faded(lost, since, at)


def _faded(lost: float, since: datetime | None, until: datetime) -> float:
    return lost if since is None else lost * 0.5 ** ((until - since) / HALF_LIFE)


def _events(session: Session, key: str) -> list[TrustEvent]:
    query = select(TrustEvent).where(TrustEvent.key == key)
    return list(session.scalars(query.order_by(TrustEvent.at, TrustEvent.id)))


def _event(key: str, reason: str, change: float, round_: str | None = None) -> TrustEvent:
    return TrustEvent(key=key, at=datetime.now(UTC), change=change, reason=reason, round=round_)


def _readmit(session: Session, key: str) -> None:
    aside = select(StoredContribution).where(
        StoredContribution.key == key,
        StoredContribution.state == "quarantined",
        StoredContribution.reason == LOW,
    )
    for row in session.scalars(aside):
        row.state, row.reason = "waiting", None
