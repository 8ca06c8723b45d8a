"""How many people said within a week that an answer was wrong: told from a number on, of nobody.

Why no reply is named to whoever signed it: `infra/decisions/0023`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.learning.models import Signal
from services.learning.signals.book import FROM_PATIENTS

KIND = "answers-doubted"
LEAST = 5
"""Devices of which fewer are not told."""


def doubted(session: Session, now: datetime) -> tuple[str, datetime] | None:
    """The week before this one, and its end; None where too few said so to be told.

    Args:
        session: of the hospital.
        now: in UTC; weeks are those of ISO 8601.
    """
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = day - timedelta(days=now.weekday())
    begin = end - timedelta(days=7)
    query = select(func.count(Signal.subject.distinct())).where(
        Signal.kind.in_(FROM_PATIENTS),
        Signal.worse.is_not(None),
        Signal.made >= begin,
        Signal.made < end,
    )
    if (session.scalar(query) or 0) < LEAST:
        return None
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02}", end
