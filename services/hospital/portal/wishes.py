"""What somebody asks to be done with referrals, as typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from compliance.errors import NotFoundError
from services.hospital.accounts import Accounts
from services.hospital.portal.snoozing import until_of, zone_of
from services.hospital.portal.texts import clean
from services.hospital.worklist import ACTS, LONGEST_NOTE, Act, Wish

MOST_ROWS = 100
"""Referrals that one request may change, or ask about."""
LONGEST_FIELD = 40
"""Characters of an id or a moment."""


@dataclass(frozen=True)
class Fields:
    """What a form or a module says beside the act: all of it as typed."""

    to: str = ""
    note: str = ""
    choice: str = ""
    own: str = ""
    offset: str = ""
    over: str = ""

    def wish(self, act: Act, accounts: Accounts, now: datetime) -> Wish:
        """As a wish; an account that does not exist is nobody."""
        try:
            to = accounts.user(self.to) if act == "handover" and self.to else None
        except NotFoundError:
            to = None
        zone = zone_of(self.offset, now)
        until = until_of(self.choice, self.own, now, zone) if act == "snooze" else None
        note = clean(self.note)[:LONGEST_NOTE] if act in {"handover", "snooze"} else ""
        return Wish(act, to=to, until=until, note=note, over=self.over == "yes")


def act_of(text: str) -> Act:
    """An act by its name.

    Raises:
        NotFoundError: there is none.
    """
    for act in ACTS:
        if act == text:
            return act
    raise NotFoundError("There is no such act.")
