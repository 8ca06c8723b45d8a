"""Making a release anew without what was withdrawn from it: a round that nobody contributes to.

A release holds the contributions of its own round and those of every release below it. Once one of
them is withdrawn, a round is proposed that puts together what is left, from the first round that it
touches on. It stands on what that round stood on; it is measured, waits for people and is rolled
out like any other, in the place of the release that is out.

What others trained on a release is not trained again: a change of theirs stays as it was sent, also
where they learned it on top of what is gone now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.learning.aggregate import Delta
from services.learning.errors import AggregationError
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import DomainPolicy, Policy
from services.learning.rounds.book import Move, RoundBook, running
from services.learning.rounds.collect import too_few, used
from services.learning.rounds.combine import Combining, told
from services.learning.rounds.files import RoundFiles, read_delta
from services.learning.rounds.history import (
    contributions_of,
    originals_of,
    standing_on,
    withdrawn,
)
from services.learning.rounds.ports import Model, Say
from services.learning.rounds.standing import standing, waiting
from services.learning.rounds.states import State
from services.learning.train.onto import onto
from services.store.database import Database

TAKE_BACK = "`caretier bricks repository revoke` takes the release back."


@dataclass(frozen=True)
class Rebuilt:
    """What is left of the rounds below a release.

    Attributes:
        lost: greatest share that bringing the parts together to one rank left out.
        contributions: as `services.learning.rounds.combine.told` says them, of all rounds.
    """

    delta: Delta
    lost: float
    contributions: list[dict[str, Any]]
    rounds: list[str]


@dataclass(frozen=True)
class Rebuilding:
    """Proposes such rounds, and puts their candidates together.

    Args:
        database: with learning's tables.
        book: of rounds.
        files: of rounds.
        policy: the update policy.
        combining: puts contributions together.
        model: that adapters of this parent belong to now.
    """

    database: Database
    book: RoundBook
    files: RoundFiles
    policy: Policy
    combining: Combining
    model: Callable[[], Model]

    def propose(self, domain: str) -> str | None:
        """Start such a round where the domain's release needs one; returns its id.

        None where nothing was withdrawn from it, where a round of the domain is running (the clock
        asks again), or where one was proposed for this release already.
        """
        with self.database.transaction() as session:
            first = _first(session, domain)
            if first is None:
                return None
            self.book.row(session, first.id, lock=True)  # another process may propose it too
            waiting(session, domain, lock=True)  # or a round of what waits
            if _first(session, domain) is None or running(session, domain):
                return None
            row = _row(session, first, self.policy)
            self.book.open(session, row)
            return row.id

    def __call__(self, row: LearningRound, policy: DomainPolicy, say: Say) -> Move:
        """The second step of such a round.

        Raises:
            AggregationError: see `together`.
        """
        made = self.together(row, policy, say)
        of = {"lost": made.lost, "contributions": made.contributions, "rounds": made.rounds}
        return self.combining.judged_next(row, policy, made.delta, of)

    def together(self, row: LearningRound, policy: DomainPolicy, say: Say) -> Rebuilt:
        """What is left of every round from the first on that was touched.

        Raises:
            AggregationError: too few are left for the rule, the files of the others are gone, or
                the model is another one by now.
        """
        if row.base != self.model().digest:
            raise AggregationError(f"The model was changed since that release. {TAKE_BACK}")
        with self.database.reading() as session:
            rows = _from(session, row)
            left = {one.id: used(session, one.id) for one in rows}
            gone = {one.id: withdrawn(session, contributions_of(one)) for one in rows}
        made: Delta | None = None
        lost, contributions = 0.0, list[dict[str, Any]]()
        for one in rows:
            if gone[one.id]:
                part, more, parts_lost = self._without(one, left[one.id], policy, say)
            else:
                part, more, parts_lost = self._as_it_was(one)
            contributions += more
            made, apart = (part, 0.0) if made is None else onto(made, part, policy.take.rank)
            lost = max(lost, parts_lost, apart)
        if made is None:
            raise AggregationError("The rounds that this one makes anew are not there.")
        return Rebuilt(made, lost, contributions, [one.id for one in rows])

    def _without(
        self,
        one: LearningRound,
        there: Sequence[StoredContribution],
        policy: DomainPolicy,
        say: Say,
    ) -> tuple[Delta, list[dict[str, Any]], float]:
        lacking = too_few(there, policy)
        files = [self.files.contribution(given.id).is_file() for given in there]
        if lacking or not all(files):
            said = lacking or f"Contributions of the round {one.id[:8]} are no longer kept."
            raise AggregationError(f"{said} {TAKE_BACK}")
        made = self.combining.together(there, policy, say)
        return made.delta, told(there, made), made.lost

    def _as_it_was(self, one: LearningRound) -> tuple[Delta, list[dict[str, Any]], float]:
        if not self.files.holds(one.id, one.candidate):
            raise AggregationError(f"The candidate of the round {one.id[:8]} is no longer kept.")
        evidence = one.evidence or {}
        kept = read_delta(self.files.candidate(one.id))
        return kept, evidence.get("contributions", []), evidence.get("lost", 1.0)


def going(session: Session, domain: str) -> list[LearningRound]:
    """Rounds of a domain that make its present release anew, whatever has become of them."""
    query = select(LearningRound).where(
        LearningRound.domain == domain,
        LearningRound.rebuilds.is_not(None),
        LearningRound.epoch == standing(session, domain).epoch,
    )
    return list(session.scalars(query.order_by(LearningRound.id)))


def _first(session: Session, domain: str) -> LearningRound | None:
    """The first round below the domain's release that has to be put together anew."""
    release = standing(session, domain).parent
    below = standing_on(session, release)
    ids = {id_ for row in below for id_ in contributions_of(row)}
    if not withdrawn(session, ids) or going(session, domain):
        return None
    before = {id_ for row in below if row.rebuilds for id_ in originals_of(row)}
    originals = _rows(session, [id_ for row in below for id_ in originals_of(row)])
    touched = (
        row for row in originals if row.id in before or withdrawn(session, contributions_of(row))
    )
    return next(touched, None)


def _from(session: Session, row: LearningRound) -> list[LearningRound]:
    """The rounds that one makes anew: from the first on, all that the release stands on."""
    below = standing_on(session, standing(session, row.domain).parent)
    originals = _rows(session, [id_ for one in below for id_ in originals_of(one)])
    first = next((one.epoch for one in originals if one.id == row.rebuilds), None)
    return [] if first is None else [one for one in originals if one.epoch >= first]


def _rows(session: Session, ids: Sequence[str]) -> list[LearningRound]:
    query = select(LearningRound).where(LearningRound.id.in_(ids))
    return list(session.scalars(query.order_by(LearningRound.epoch, LearningRound.changed)))


def _row(session: Session, first: LearningRound, policy: Policy) -> LearningRound:
    now = datetime.now(UTC)
    return LearningRound(
        id=str(uuid4()),
        domain=first.domain,
        epoch=standing(session, first.domain).epoch,
        state=State.AGGREGATING,
        fence=0,
        policy=policy.digest,
        base=first.base,
        parent=first.parent,
        rule=policy.of(first.domain).aggregate.rule.value,
        rebuilds=first.id,
        started=now,
        changed=now,
    )
