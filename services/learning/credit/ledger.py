"""The ledger: measures what is lacking, one coalition a step, and writes down what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from services.learning.aggregate import Rule
from services.learning.aggregate.rules import least
from services.learning.credit.game import NOTES, Game, add_note
from services.learning.credit.shares import Coalition
from services.learning.errors import AggregationError, RoundBlockedError
from services.learning.gates.bootstrap import Gain
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import DomainPolicy
from services.learning.rounds import WORKING, Rounds, State
from services.learning.rounds.ports import AddJob, Say
from services.learning.rounds.trial import Trials

JOB = "learning-credit"
"""Kind of its jobs; the subject is ``<round>.<number of the measurement>``."""


class Credits:
    """Measures and keeps credit.

    Args:
        rounds: of the parent.
        add_job: adds a job in a transaction.
    """

    def __init__(self, rounds: Rounds, add_job: AddJob) -> None:
        self._rounds, self._add_job = rounds, add_job
        self._trials = Trials(rounds.files, rounds.evaluator)

    def schedule(self) -> None:
        """Add the first job of every release that has no credit yet, while no round has work."""
        with self._rounds.database.transaction() as session:
            busy = select(LearningRound.id).where(LearningRound.state.in_(WORKING)).limit(1)
            if session.scalar(busy) is not None:
                return
            unmeasured = select(LearningRound).where(
                LearningRound.state == State.RELEASED,
                LearningRound.rebuilds.is_(None),
                LearningRound.credit.is_(None),
            )
            for row in session.scalars(unmeasured):
                if self._due(row):
                    self._add_job(session, JOB, f"{row.id}.0")

    def step(self, round_id: str, say: Say = lambda _text: None) -> bool:
        """Measure one coalition of a round, or write its ledger; whether there is more to do.

        Doing it again, or by two at once, costs a measurement and changes nothing.

        Raises:
            NotFoundError: there is no such round.
        """
        row = self._rounds.book.get(round_id)
        if not self._due(row):
            return False
        game = Game.of(self._rounds, row)
        shares = game.shares()
        if shares.wanted is None or game.paid >= game.policy.credit.evaluations:
            self._write(game, shares.gains)
            return False
        say(f"what {len(shares.wanted)} of {len(game.there)} contributions make together")
        try:
            self._measure(game, shares.wanted)
        except (AggregationError, RoundBlockedError) as error:  # again would find the same
            self._write(game, {}, error.message)
            return False
        return True

    def _due(self, row: LearningRound) -> bool:
        """Whether credit is to be measured: not of what was only made anew of earlier rounds."""
        measured = row.brick is not None and "suites" in (row.evidence or {})
        if row.state != State.RELEASED or row.credit is not None or row.rebuilds or not measured:
            return False
        domain = self._rounds.policy.domains.get(row.domain)
        return domain is not None and domain.credit.method != "none"

    def _measure(self, game: Game, wanted: Coalition) -> None:
        """Score what a coalition makes; a plain mean of it where it is too small for the rule."""
        there = [one for one in game.there if one.id in wanted]
        policy = able(game.policy, len(there))
        made = self._rounds.combining.together(there, policy, lambda _text: None)
        scores = self._trials.scores(game.row, made.delta, game.suites, game.policy)
        items = tuple(float(x) for name in game.suites for x in scores[name].after)
        add_note(self._rounds.files.of(game.row.id) / NOTES, wanted, items)

    def _write(self, game: Game, gains: Mapping[str, Gain], error: str | None = None) -> None:
        """Write the ledger of a round; who was not measured has no gain in it."""
        row = game.row
        ledger = {
            "method": game.method,
            "evaluations": game.paid,
            "suites": list(game.suites),
            "items": len(game.known[frozenset()]),
            "confidence": game.policy.release.confidence,
            "whole": _told(game.whole()),
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "error": error,
            "contributions": [
                {"id": one["id"], "site": one["site"], **_told(gains.get(one["id"]))}
                for one in (row.evidence or {})["contributions"]
            ],
        }
        with self._rounds.database.transaction() as session:
            session.execute(
                update(LearningRound).where(LearningRound.id == row.id).values(credit=ledger)
            )
            for id_, gain in sorted(gains.items()):
                mine = update(StoredContribution).where(StoredContribution.id == id_)
                session.execute(mine.values(gain=gain.mean))


def able(policy: DomainPolicy, contributions: int) -> DomainPolicy:
    """The policy, with a plain mean where so few are too few for its rule."""
    together = policy.aggregate
    if contributions >= least(together.rule, together.hostile):
        return policy
    mean = together.model_copy(update={"rule": Rule.MEAN, "hostile": 0})
    return policy.model_copy(update={"aggregate": mean})


def _told(gain: Gain | None) -> dict[str, Any]:
    if gain is None:
        return {"gain": None, "low": None, "high": None}
    return {"gain": gain.mean, "low": gain.low, "high": gain.high}
