"""What the parent deletes of contributions when their time is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select

from services.learning.models import LearningRound, StoredContribution, TrustEvent
from services.learning.rounds import ENDED, Rounds
from services.store.rows import changed, idle


def forget_contributions(rounds: Rounds, before: datetime) -> int:
    """Delete contributions that came before a moment, with their files; returns how many.

    Those of a round that goes on stay. What a transfer that broke off left behind goes too.
    """
    ended = select(LearningRound.id).where(LearningRound.state.in_(ENDED))
    over = select(StoredContribution.id).where(
        StoredContribution.received < before,
        or_(StoredContribution.round.is_(None), StoredContribution.round.in_(ended)),
    )
    with rounds.database.transaction() as session:
        gone = list(session.scalars(over.with_for_update(skip_locked=True)))
        session.execute(delete(StoredContribution).where(StoredContribution.id.in_(gone)))
    for id_ in gone:
        rounds.files.contribution(id_).unlink(missing_ok=True)
    for left in rounds.files.contribution("any").parent.glob("*.coming"):
        if left.stat().st_mtime < before.timestamp():
            left.unlink(missing_ok=True)
    return len(gone)


def forget_trust(rounds: Rounds, before: datetime) -> int:
    """Delete what changed the trust in nodes before a moment; returns how many."""
    with rounds.database.transaction() as session:
        old = idle(TrustEvent, TrustEvent.at < before)
        return changed(session.execute(delete(TrustEvent).where(old)))
