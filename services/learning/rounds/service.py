"""Rounds: from contributions that wait to a signed release, or to what blocks it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from compliance.errors import CaretierError
from compliance.sealing import IdentityPublic
from services.learning.contribution import ContributionManifest, Expected
from services.learning.errors import AggregationError, RoundBlockedError
from services.learning.gates import Criterion, may_start
from services.learning.models import LearningRound
from services.learning.policy import Policy
from services.learning.rounds.book import Move, RoundBook, no_job
from services.learning.rounds.collect import Collecting, give_back
from services.learning.rounds.combine import Combining, Weigh
from services.learning.rounds.files import RoundFiles
from services.learning.rounds.judge import Judging, criteria_now
from services.learning.rounds.people import People
from services.learning.rounds.ports import (
    AddJob,
    Candidate,
    Done,
    Evaluator,
    Model,
    Publisher,
    Rollout,
    Say,
)
from services.learning.rounds.probe import Probing
from services.learning.rounds.rebuild import Rebuilding
from services.learning.rounds.release import Publishing, RollingOut, end_of
from services.learning.rounds.standing import Standing, new_round, readiness, standing, waiting
from services.learning.rounds.states import UNPUBLISHED, FencedOffError, State
from services.learning.rounds.trial import Trials
from services.store.database import Database

ATTEMPTS = 8
"""After so many beginnings of one step its round has failed."""
_EARLY = frozenset({State.COLLECTING, State.AGGREGATING})
"""Steps after whose failure the contributions wait for another round."""
_NEEDS_CANDIDATE = frozenset({State.EVALUATING, State.PUBLISHING})
_LOG = logging.getLogger("caretier.learning")
Signer = Callable[[str], IdentityPublic | None]


@dataclass(frozen=True)
class Rehearsal:
    """What would block, said without doing anything.

    Attributes:
        start: criteria for a round of the domain.
        release: criteria of the newest round that is not published, as things stand.
        round: that round's id.
    """

    domain: str
    start: tuple[Criterion, ...]
    release: tuple[Criterion, ...] = ()
    round: str | None = None

    @property
    def blocking(self) -> tuple[Criterion, ...]:
        """Those that do not hold: of the release where there is a round, else of the start."""
        judged = self.release if self.round else self.start
        return tuple(one for one in judged if not one.holds)


class Rounds:
    """The rounds of a parent.

    Args:
        database: with learning's tables.
        folder: ``<data>/hospital/learning``.
        policy: the update policy.
        evaluator: measures candidates.
        publisher: makes them signed bricks.
        model: the model that adapters of this parent belong to; called on first use.
        signer: the enrolled key of a fingerprint, None for an unknown or revoked one.
        rollout: brings a brick to the nodes by cohorts.
        weigh: weight of each contribution, where a rule takes weights.
        add_job: adds the job of each step; None where `advance` is called by hand.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        policy: Policy,
        evaluator: Evaluator,
        publisher: Publisher,
        *,
        model: Callable[[], Model],
        signer: Signer,
        rollout: Rollout | None = None,
        weigh: Weigh | None = None,
        add_job: AddJob | None = None,
    ) -> None:
        self.policy, self.database, self.evaluator = policy, database, evaluator
        self.files = RoundFiles(folder)
        self.book = RoundBook(database, add_job)
        self.people = People(database, self.book, policy)
        self._model, self._signer = model, signer
        self.combining = Combining(database, self.files, weigh)
        self.rebuilding = Rebuilding(database, self.book, self.files, policy, self.combining, model)
        self._collecting = Collecting(
            database,
            self.files,
            self._expected_of,
            Probing(self.files, Trials(self.files, evaluator)),
            self.book.require,
        )
        self._judging = Judging(self.files, evaluator, self.book.approvals)
        self._publishing = Publishing(database, self.book, publisher)
        self._rolling_out = RollingOut(database, rollout)
        self.approve, self.reject = self.people.approve, self.people.reject

    def standing(self, domain: str) -> Standing:
        """On which epoch and parent a contribution of a domain stands now."""
        self.policy.of(domain)
        with self.database.reading() as session:
            return standing(session, domain)

    def expected(self, domain: str, taken: Callable[[ContributionManifest], bool]) -> Expected:
        """What is taken of a node now; ``taken`` says what is here already."""
        now = self.standing(domain)
        return self._expected(domain, now.epoch, now.parent, taken)

    def propose(self, domain: str) -> str | None:
        """Start a round if the policy lets one start; returns its id."""
        policy = self.policy.of(domain)
        with self.database.reading() as session:
            if not _all(may_start(policy, readiness(session, domain))):
                return None
        base = self._model().digest
        with self.database.transaction() as session:
            waiting(session, domain, lock=True)  # another process may be about to propose too
            if not _all(may_start(policy, readiness(session, domain))):
                return None
            row = new_round(session, domain, base, self.policy)
            self.book.open(session, row)
        _LOG.info("round %s of %s starts", row.id, domain)
        return row.id

    def advance(
        self, round_id: str, *, done: Done = no_job, attempt: int = 1, say: Say | None = None
    ) -> State:
        """Do the next step of a round; the state that it then has.

        Doing a step again, or by two at once, changes nothing: whoever took the round last writes.

        Args:
            round_id: of the round.
            done: finishes the job, in the transaction of the result.
            attempt: how often this step was begun, this time with it.
            say: told of progress, beside the round's own note.
        """
        row = self.book.take(round_id)
        if row is None:
            return self._over(round_id, done)
        try:
            return self.book.move(row, self._step(row, say), done)
        except FencedOffError:
            _LOG.warning("an attempt at round %s was fenced off", round_id)
            return self._over(round_id, done)
        except (AggregationError, RoundBlockedError) as error:
            return self._give_up(row, error, done)  # trying again would find the same
        except Exception as error:
            if attempt < ATTEMPTS:
                raise  # the job is tried again
            return self._give_up(row, error, done)

    def tick(self) -> None:
        """What recurs: propose rounds, see how rollouts ended, add jobs that are lacking."""
        for domain in self.policy.domains:
            try:
                if self.rebuilding.propose(domain) is None:
                    self.propose(domain)
            except CaretierError as error:  # of one domain; the others go on
                _LOG.error("no round of %s: %s", domain, error.kind)
        with self.database.transaction() as session:
            self.book.mend(session)
            going = select(LearningRound).where(LearningRound.state == State.ROLLING_OUT)
            for row in list(session.scalars(going)):
                end = end_of(session, row)
                if end is not None:
                    self.book.shift(session, row.id, {State.ROLLING_OUT}, end)

    def retry(self, round_id: str) -> State:
        """Take up a round that failed or was blocked, by the policy as it is now.

        One that a person rejected is put together again: only another candidate goes on.

        Raises:
            NotFoundError: there is no such round.
            RoundBlockedError: it neither failed nor is blocked.
        """
        row = self.book.get(round_id)
        failed_in = (row.error or "").partition(":")[0]
        to = State(failed_in) if row.state == State.FAILED else State.EVALUATING
        if to in _EARLY:
            to = State.AGGREGATING if row.rebuilds else State.COLLECTING
        if row.state == State.BLOCKED and not all(a.approved for a in self.book.approvals(row)):
            to = State.AGGREGATING
        with self.database.transaction() as session:
            self.book.shift(session, round_id, {State.FAILED, State.BLOCKED}, to)
        return to

    def again(self, session: Session, round_id: str) -> bool:
        """Make the candidate anew, in the caller's transaction: a contribution was withdrawn.

        Returns False for a round whose candidate is published, or does not exist yet.
        """
        row = session.get(LearningRound, round_id)
        if row is None or row.state not in UNPUBLISHED:
            return False
        if row.candidate is None and row.state != State.AGGREGATING:
            return False
        self.book.shift(session, round_id, UNPUBLISHED, State.AGGREGATING, candidate=None)
        return True

    def dry_run(self, domain: str) -> Rehearsal:
        """Say which criterion blocks; nothing is changed."""
        policy = self.policy.of(domain)
        with self.database.reading() as session:
            start = may_start(policy, readiness(session, domain))
        for row in self.book.listing(domain, limit=1):
            if row.state in UNPUBLISHED:
                release = criteria_now(policy, row, self.book.approvals(row))
                return Rehearsal(domain, start, release, row.id)
        return Rehearsal(domain, start)

    def _step(self, row: LearningRound, say: Say | None) -> Move:
        policy, told = self.policy.of(row.domain), self._say(row, say)
        if row.state in _NEEDS_CANDIDATE and not self.files.holds(row.id, row.candidate):
            return Move(State.AGGREGATING, {"candidate": None})
        match State(row.state):
            case State.COLLECTING:
                return self._collecting(row, policy, told)
            case State.AGGREGATING:
                combining = self.rebuilding if row.rebuilds else self.combining
                return combining(row, policy, told)
            case State.EVALUATING:
                return self._judging(row, self.candidate(row, told))
            case State.PUBLISHING:
                return self._publishing(row, self.candidate(row, told), self.policy.digest)
            case _:
                return self._rolling_out(row)

    def candidate(self, row: LearningRound, say: Say = lambda _text: None) -> Candidate:
        """The candidate of a round as evaluators and publishers see it."""
        return Candidate(
            round=row.id,
            domain=row.domain,
            epoch=row.epoch,
            base=row.base,
            parent=row.parent,
            folder=self.files.of(row.id),
            path=self.files.candidate(row.id),
            digest=row.candidate or "",
            policy=self.policy.of(row.domain),
            still=lambda: self.book.require(row),
            say=say,
        )

    def _say(self, row: LearningRound, say: Say | None) -> Say:
        def both(text: str) -> None:
            self.files.say(row.id, f"{row.state}: {text}")
            if say is not None:
                say(text)

        return both

    def _give_up(self, row: LearningRound, error: Exception, done: Done) -> State:
        """The round has failed; what it took waits for another where that makes sense."""
        said = error.message if isinstance(error, CaretierError) else type(error).__name__
        _LOG.error("round %s failed in %s: %s", row.id, row.state, said)
        also = [lambda session: give_back(session, row.id)] if row.state in _EARLY else []
        move = Move(State.FAILED, {"error": f"{row.state}: {said}"[:200]}, also)
        try:
            return self.book.move(row, move, done)
        except FencedOffError:
            return self._over(row.id, done)

    def _over(self, round_id: str, done: Done) -> State:
        """End a job that has nothing more to do, where it is still this attempt's."""
        with self.database.transaction() as session:
            done(session)
        return State(self.book.get(round_id).state)

    def _expected_of(self, row: LearningRound) -> Expected:
        return self._expected(row.domain, row.epoch, row.parent, lambda _manifest: False)

    def _expected(
        self,
        domain: str,
        epoch: int,
        parent: str | None,
        taken: Callable[[ContributionManifest], bool],
    ) -> Expected:
        model, policy = self._model(), self.policy.of(domain)
        return Expected(
            domain=domain,
            base=model.digest,
            parent=parent,
            epoch=epoch,
            rank=policy.take.rank,
            shapes={
                f"layers.{layer}.{projection}": model.shape(projection)
                for layer in range(model.layers)
                for projection in policy.take.modules
            },
            max_norm=policy.take.max_norm,
            signer=self._signer,
            taken=taken,
        )


def _all(criteria: tuple[Criterion, ...]) -> bool:
    return all(one.holds for one in criteria)
