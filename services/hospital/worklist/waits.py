"""How long a referral may wait: a hospital's policy, by urgency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Waits:
    """Longest time until somebody signs, in minutes; longer is overdue."""

    emergency: int = 15
    urgent: int = 4 * 60
    routine: int = 2 * 24 * 60

    def since(self, now: datetime) -> dict[str, datetime]:
        """By urgency the moment before which a referral must not have come in."""
        return {urgency: now - timedelta(minutes=n) for urgency, n in vars(self).items()}

    def overdue(self, urgency: str, received: datetime, now: datetime) -> bool:
        """Whether an open referral has waited for too long; an unknown urgency never has."""
        limit = self.since(now).get(urgency)
        return limit is not None and received < limit
