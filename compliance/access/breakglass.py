"""Breaking the glass: a chart outside one's own patients, for a reason, for a while, reviewed.

It never asks anybody first, since it is for emergencies. What keeps it honest is that it leaves a
reason and a name on the audit trail, ends by itself, and waits for a privacy officer's review.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from compliance.errors import BadInputError

LASTS = timedelta(hours=1)
"""How long a chart stays open; whoever needs it longer says so again."""
SHORTEST_REASON = 12
"""Characters; "emergency" alone says nothing that can be reviewed."""
LONGEST_REASON = 500
REVIEW_WITHIN = timedelta(days=3)
"""A review that waits longer is overdue."""

Verdict = Literal["justified", "not-justified"]
Category = Literal["life", "unable", "cover", "advice", "other"]
"""Kinds of emergency: danger to life, a person who cannot be asked, standing in for a colleague,
a colleague's call for advice, something else."""
CATEGORIES: tuple[Category, ...] = get_args(Category)


@dataclass(frozen=True)
class BrokenGlass:
    """One emergency access.

    Attributes:
        id: of the access.
        user: id of who opened the chart.
        patient: logical id of the Patient.
        reason: in the person's own words.
        opened: when; ``expires`` is when it ends by itself.
        verdict: of the review; None while it waits.
        reviewer: id of who reviewed it.
        note: of the review.
        category: kind of emergency; None for those of earlier releases.
    """

    id: str
    user: str
    patient: str
    reason: str
    opened: datetime
    expires: datetime
    verdict: Verdict | None = None
    reviewer: str | None = None
    note: str | None = None
    category: Category | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether the chart may still be opened; a clock that was set back opens nothing."""
        return self.opened <= now < self.expires

    def overdue(self, now: datetime) -> bool:
        """Whether the review waits for too long."""
        return self.verdict is None and now - self.opened > REVIEW_WITHIN


def checked_reason(text: str) -> str:
    """Return a reason that a reviewer can judge, without what surrounds it.

    Raises:
        BadInputError: it is too short or too long.
    """
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise BadInputError(
            f"A reason has {SHORTEST_REASON} to {LONGEST_REASON} characters.",
            remedy="Say in a sentence why you need this chart now.",
        )
    return reason
