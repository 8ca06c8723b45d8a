"""The rows of rounds, and the fences that let one worker at a time write them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.learning.errors import RoundBlockedError
from services.learning.models import Approval, LearningRound
from services.learning.rounds.ports import AddJob, Done
from services.learning.rounds.states import ENDED, WORKING, FencedOffError, State
from services.store.database import Database
from services.store.rows import changed

JOB = "learning-round"
"""Kind of the jobs that do steps; the subject is new for each step (see `subject_of`)."""
Also = Callable[[Session], object]
"""What else is written in the transaction of a move."""


@dataclass(frozen=True)
class Move:
    """What came of a step: the next state, and what is written with it.

    Attributes:
        to: next state; the same one when there is nothing more to do now.
        values: columns of the round.
        also: further writes of the same transaction, made after the fence was checked.
    """

    to: State
    values: dict[str, Any] = field(default_factory=dict)
    also: Sequence[Also] = ()


def no_job(_session: Session) -> bool:
    """The end of a step that was begun without a job."""
    return True


class RoundBook:
    """Rounds in their table.

    Args:
        database: with learning's tables.
        add_job: adds the job of a step; None where somebody calls `Rounds.advance` themselves.
    """

    def __init__(self, database: Database, add_job: AddJob | None = None) -> None:
        self._database, self._add_job = database, add_job

    def get(self, id_: str) -> LearningRound:
        """A round.

        Raises:
            NotFoundError: there is none.
        """
        with self._database.reading() as session:
            return self.row(session, id_)

    @staticmethod
    def row(session: Session, id_: str, *, lock: bool = False) -> LearningRound:
        """A round, in the caller's transaction; ``lock`` keeps others from changing it meanwhile.

        Raises:
            NotFoundError: there is none.
        """
        found = session.get(LearningRound, id_, with_for_update=lock, populate_existing=lock)
        if found is None:
            remedy = "`caretier rounds list` lists them."
            raise NotFoundError("There is no such round.", remedy=remedy)
        return found

    def listing(self, domain: str | None = None, limit: int = 100) -> list[LearningRound]:
        """Rounds, newest first."""
        query = select(LearningRound).order_by(LearningRound.started.desc()).limit(limit)
        if domain is not None:
            query = query.where(LearningRound.domain == domain)
        with self._database.reading() as session:
            return list(session.scalars(query))

    def approvals(self, round_: LearningRound) -> list[Approval]:
        """What people said of the candidate that stands now, oldest first."""
        query = select(Approval).where(
            Approval.round == round_.id, Approval.candidate == round_.candidate
        )
        with self._database.reading() as session:
            return list(session.scalars(query.order_by(Approval.at)))

    def open(self, session: Session, row: LearningRound) -> None:
        """Write a new round with the job of its first step, in the caller's transaction."""
        session.add(row)
        self._work(session, row)

    def take(self, id_: str) -> LearningRound | None:
        """Take a round to do its next step: whoever had it before is fenced off.

        Returns it with the fence under which it was taken; None when there is nothing to do.
        """
        with self._database.transaction() as session:
            taken = session.execute(
                update(LearningRound)
                .where(LearningRound.id == id_, LearningRound.state.in_(WORKING))
                .values(fence=LearningRound.fence + 1)
            )
            if changed(taken) != 1:
                return None
            row = session.get_one(LearningRound, id_)
            session.refresh(row)
            return row

    def require(self, row: LearningRound) -> None:
        """Check that nobody took a round since.

        Raises:
            FencedOffError: somebody did.
        """
        now = self.get(row.id)
        if (now.fence, now.state) != (row.fence, row.state):
            raise FencedOffError

    def move(self, row: LearningRound, move: Move, done: Done = no_job) -> State:
        """Write what came of a step together with the end of its job and the job of the next.

        Raises:
            FencedOffError: somebody else took the round or the job since; nothing was written.
        """
        went_on = move.to != row.state
        values: dict[str, Any] = {"state": move.to, "error": None, **move.values}
        if went_on:
            values["changed"] = datetime.now(UTC)
        with self._database.transaction() as session:
            written = session.execute(
                update(LearningRound)
                .where(
                    LearningRound.id == row.id,
                    LearningRound.fence == row.fence,
                    LearningRound.state == row.state,
                )
                .values(values)
            )
            if changed(written) != 1 or not done(session):
                raise FencedOffError
            for write in move.also:
                write(session)
            if went_on:
                self._work(session, session.get_one(LearningRound, row.id))
        return move.to

    def shift(
        self, session: Session, id_: str, allowed: Collection[State], to: State, **values: Any
    ) -> LearningRound:
        """Put a round into another state from outside its steps; a step under way is fenced off.

        Raises:
            NotFoundError: there is no such round.
            RoundBlockedError: it stands in none of the allowed states.
        """
        row = self.row(session, id_, lock=True)
        if row.state not in allowed:
            raise RoundBlockedError(f"The round is {row.state}: this cannot be done now.")
        row.fence += 1
        row.state, row.changed = to, datetime.now(UTC)
        for name, value in {"error": None, **values}.items():
            setattr(row, name, value)
        session.flush()
        self._work(session, row)
        return row

    def mend(self, session: Session) -> None:
        """Add the job of every step that has none: its round was moved from outside the node."""
        for row in session.scalars(select(LearningRound).where(LearningRound.state.in_(WORKING))):
            self._work(session, row)

    def _work(self, session: Session, row: LearningRound) -> None:
        if self._add_job is not None and row.state in WORKING:
            self._add_job(session, JOB, subject_of(row))


def subject_of(row: LearningRound) -> str:
    """``<round>.<moment>``: the one step that begins with the state the round has now."""
    return f"{row.id}.{int(row.changed.timestamp() * 1000)}"


def running(session: Session, domain: str) -> bool:
    """Whether a round of a domain has not ended."""
    query = select(LearningRound.id).where(
        LearningRound.domain == domain, LearningRound.state.not_in(ENDED)
    )
    return session.scalar(query.limit(1)) is not None
