"""How many signals a node has, and which of them wait for somebody who knows the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.learning.models import Signal
from services.learning.signals.book import FROM_PATIENTS

MOST_SHOWN = 100


def counts(session: Session) -> list[dict[str, Any]]:
    """By domain and kind: there, of them used by a training, over, said to be wrong, and pairs.

    ``wrong`` and ``teaches`` are of those that are not over; what teaches has a better answer.
    """
    now = datetime.now(UTC)
    left = Signal.expires > now
    query = select(
        Signal.domain,
        Signal.kind,
        func.count(),
        func.count().filter(left, Signal.used.is_not(None)),
        func.count().filter(Signal.expires <= now),
        func.count().filter(left, func.coalesce(Signal.better, Signal.worse).is_not(None)),
        func.count().filter(left, Signal.better.is_not(None)),
    )
    query = query.group_by(Signal.domain, Signal.kind).order_by(Signal.domain, Signal.kind)
    names = ("domain", "kind", "there", "used", "over", "wrong", "teaches")
    return [dict(zip(names, row, strict=True)) for row in session.execute(query)]


def unanswered(session: Session) -> list[dict[str, str]]:
    """What people say is wrong and nobody has put right, newest first."""
    query = select(Signal).where(
        Signal.kind.in_(FROM_PATIENTS),
        Signal.worse.is_not(None),
        Signal.better.is_(None),
        Signal.expires > datetime.now(UTC),
    )
    query = query.order_by(Signal.made.desc(), Signal.id).limit(MOST_SHOWN)
    names = ("id", "kind", "domain", "question", "worse", "note")
    return [{n: getattr(row, n) or "" for n in names} for row in session.scalars(query)]
