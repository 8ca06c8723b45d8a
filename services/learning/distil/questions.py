"""What the parent is asked when it is distilled: questions alone, the answers are its own."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from services.learning.evaluate.known import known_items
from services.learning.evaluate.shadow import LONGEST
from services.learning.models import Signal
from services.learning.train.material import protected
from services.store.database import Database

COMMON = 24
"""Topics of the built-in knowledge that are asked about."""
MOST = 200
"""Of the hospital's own questions, newest first."""


def questions_of(database: Database, domain: str) -> tuple[str, ...]:
    """The hospital's own de-identified questions of a domain, and common ones that every site has.

    Facts that the parent learned go down to devices as far as somebody asks about them here; the
    items of suites that releases are judged by are never asked.
    """
    query = select(Signal.question).where(
        Signal.domain == domain, Signal.expires > datetime.now(UTC)
    )
    with database.reading() as session:
        own = list(session.scalars(query.order_by(Signal.made.desc(), Signal.id).limit(MOST)))
    common = [example.question for example in protected()]
    topics = [f"Tell me about {item.ask.rstrip('?')}." for item in known_items(COMMON)]
    every = (text.strip() for text in (*own, *common, *topics))
    return tuple(dict.fromkeys(text for text in every if 0 < len(text.encode()) <= LONGEST))
