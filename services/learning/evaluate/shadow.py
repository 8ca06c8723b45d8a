"""In the shadow: the current release and a candidate answer the same recent questions.

A question is one that a person corrected at this node (its signals are de-identified), with the
correction as the reference. Where there are too few, the shipped list goes on. An answer's score is
the share of the reference's words of four letters or more that it holds; the candidate loses a
question where it holds less of the reference than the current release, by more than `MARGIN`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from services.learning.evaluate.suite import Item, Suite
from services.learning.gates import Scores
from services.learning.models import Signal
from services.store.database import Database

MARGIN = 0.1
MEASURE = (
    "share of the reference's words in the answer; lost where that is lower by more than"
    f" {MARGIN:g}"
)
LONGEST = 200
"""Bytes of a question that is asked here, so that it is not too long to be read in any script."""
Recent = Callable[[str, int], Sequence[Item]]
"""So many recent questions of a domain."""


def recent_signals(database: Database) -> Recent:
    """Questions of this node's own signals that say what would have been better, newest first."""

    def recent(domain: str, count: int) -> Sequence[Item]:
        query = select(Signal).where(
            Signal.domain == domain,
            Signal.better.is_not(None),
            Signal.expires > datetime.now(UTC),
        )
        with database.reading() as session:
            rows = list(session.scalars(query.order_by(Signal.made.desc(), Signal.id).limit(count)))
        pairs = {row.question.strip(): (row.better or "").strip() for row in rows}
        return [
            Item(ask=ask, text=text)
            for ask, text in pairs.items()
            if 0 < len(ask.encode()) <= LONGEST and text
        ]

    return recent


def shadow_suite(own: Sequence[Item], shipped: Suite, count: int) -> Suite:
    """The questions that both answer: the node's own first, then the shipped ones."""
    items = (*own, *(item for item in shipped.items if item.ask not in {o.ask for o in own}))
    return shipped.model_copy(update={"items": items[:count]})


def losses(scores: Scores) -> int:
    """How many questions the candidate lost."""
    pairs = zip(scores.before, scores.after, strict=True)
    return sum(after < before - MARGIN for before, after in pairs)
