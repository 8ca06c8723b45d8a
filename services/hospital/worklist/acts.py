"""What may be done with who holds a referral, and what the row says afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from services.hospital.errors import StaleDraftError
from services.hospital.models import Referral, User
from services.hospital.worklist.errors import (
    CannotWaitError,
    NobodyToTakeError,
    SnoozeTimeError,
    TakenError,
)

Act = Literal["take", "release", "handover", "snooze", "wake"]
ACTS: tuple[Act, ...] = ("take", "release", "handover", "snooze", "wake")
LONGEST_SNOOZE = timedelta(days=14)
LONGEST_NOTE = 500
"""Characters of a note to a colleague, or of a reason."""
_HELD = ("assignee", "handed_by", "snoozed_until", "snoozed_by", "place", "came")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do.

    Attributes:
        act: which.
        to: the colleague it is handed to.
        until: the moment until which it is snoozed.
        note: to the colleague, or why it can wait.
        over: do it although somebody else holds the referral.
    """

    act: Act
    to: User | None = None
    until: datetime | None = None
    note: str = ""
    over: bool = False

    def check(self, user: User, now: datetime) -> None:
        """Refuse what can be done with no referral at all.

        Raises:
            NobodyToTakeError: it is handed to nobody who could take it.
            SnoozeTimeError: the moment has passed or is too far, or there is no reason.
        """
        if self.act == "handover":
            to = self.to
            if to is None or to.disabled or to.role != "clinician" or to.id == user.id:
                raise NobodyToTakeError("A referral is handed to another clinician.")
        if self.act == "snooze":
            soon = self.until is not None and now < self.until <= now + LONGEST_SNOOZE
            if not soon or not self.note.strip():
                raise SnoozeTimeError("A snooze has a moment to come and a reason.")

    def allow(self, row: Referral, version: int, user: User) -> None:
        """Refuse what cannot be done with one referral.

        Raises:
            StaleDraftError: it was changed since the page was made, or is signed.
            CannotWaitError: an emergency would be snoozed.
            TakenError: somebody else holds it.
        """
        if row.version != version or row.state != "open":
            raise StaleDraftError("This referral was changed since you opened it.")
        if self.act == "snooze" and row.urgency == "emergency":
            raise CannotWaitError("An emergency is never snoozed.")
        if not self.over and self.act != "wake" and row.assignee not in (None, user.id):
            raise TakenError("Somebody else holds this referral.")

    def values(self, user: User, now: datetime) -> dict[str, Any]:
        """What the row says afterwards."""
        here: dict[str, Any] = {"snoozed_until": None, "snoozed_by": None}
        if self.act == "take":
            return here | {"assignee": user.id, "handed_by": None}
        if self.act == "release":
            return here | {"assignee": None, "handed_by": None, "came": now}
        if self.act == "handover" and self.to is not None:
            return here | {"assignee": self.to.id, "handed_by": user.id, "came": now}
        if self.act == "snooze":
            return {
                "snoozed_until": self.until,
                "snoozed_by": user.id,
                "came": self.until,
                "place": 0,
            }
        return here | {"came": now}


def held(row: Referral) -> str:
    """How a referral is held now, as JSON, to be put back when an act is undone."""
    kept = {name: getattr(row, name) for name in _HELD}
    return json.dumps({k: v.isoformat() if isinstance(v, datetime) else v for k, v in kept.items()})


def held_before(text: str) -> dict[str, Any]:
    """The columns out of `held`."""
    kept: dict[str, Any] = json.loads(text)
    for name in ("snoozed_until", "came"):
        if kept[name]:
            kept[name] = datetime.fromisoformat(kept[name]).astimezone(UTC)
    return kept
