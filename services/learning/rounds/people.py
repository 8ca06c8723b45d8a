"""What people say of a candidate: yes or no, for one digest, with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.learning.errors import RoundBlockedError
from services.learning.models import Approval, LearningRound
from services.learning.policy import Policy
from services.learning.rounds.book import RoundBook
from services.learning.rounds.judge import rejected
from services.learning.rounds.states import State
from services.store.database import Database

NOTE_CHARS = 500


class People:
    """Approvals and rejections.

    Args:
        database: with learning's tables.
        book: of rounds.
        policy: says how many have to approve.
    """

    def __init__(self, database: Database, book: RoundBook, policy: Policy) -> None:
        self._database, self._book, self._policy = database, book, policy

    def approve(self, round_id: str, candidate: str, by: str, note: str = "") -> State:
        """Approve a candidate; with the last approval that is needed it is published.

        Args:
            round_id: of the round.
            candidate: digest that the person looked at.
            by: id of the person; the same one twice counts once.
            note: why.

        Raises:
            NotFoundError: there is no such round.
            RoundBlockedError: it does not wait for people, or another candidate stands now.
        """
        with self._database.transaction() as session:
            row = self._said(session, round_id, candidate, by, note, approved=True)
            there = session.scalar(
                select(func.count()).where(
                    Approval.round == round_id,
                    Approval.candidate == candidate,
                    Approval.approved.is_(True),
                )
            )
            if (there or 0) < self._policy.of(row.domain).release.approvals:
                return State.WAITING
            self._book.shift(session, round_id, {State.WAITING}, State.PUBLISHING)
            return State.PUBLISHING

    def reject(self, round_id: str, candidate: str, by: str, note: str) -> State:
        """Reject a candidate: one person is enough, and has to say why.

        That blocks this very candidate for good, whoever approves it and however often the round
        is taken up again; a candidate that is made of other contributions is another one.

        Raises:
            NotFoundError: there is no such round.
            RoundBlockedError: it does not wait for people, another candidate stands now, or no
                reason is given.
        """
        if not note.strip():
            raise RoundBlockedError("A rejection needs a reason.", remedy="Say why.")
        with self._database.transaction() as session:
            self._said(session, round_id, candidate, by, note, approved=False)
            error = rejected(note.strip())
            self._book.shift(session, round_id, {State.WAITING}, State.BLOCKED, error=error)
        return State.BLOCKED

    def _said(
        self,
        session: Session,
        round_id: str,
        candidate: str,
        by: str,
        note: str,
        *,
        approved: bool,
    ) -> LearningRound:
        row = self._book.row(session, round_id, lock=True)
        if row.state != State.WAITING:
            raise RoundBlockedError(f"The round is {row.state}: it does not wait for people.")
        if row.candidate != candidate:
            raise RoundBlockedError(
                "Another candidate stands now than the one that was looked at.",
                remedy="Look at the round again, then decide.",
            )
        session.merge(
            Approval(
                round=round_id,
                candidate=candidate,
                by=by,
                approved=approved,
                note=note.strip()[:NOTE_CHARS] or None,
                at=datetime.now(UTC),
            )
        )
        session.flush()
        return row
