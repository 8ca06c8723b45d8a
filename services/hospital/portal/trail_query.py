"""What is asked of the trail: from the form, and as it stands in an address.

An address holds it sealed, for the person who asked alone: whose chart was looked for never stands
in a log, a history or a bookmark.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta

from compliance.audit.index import Search
from services.hospital.errors import UnreadableError
from services.hospital.secret_file import TextKey

MAX_ASKED_CHARS = 100
OUTCOMES = ("ok", "failed")


@dataclass(frozen=True)
class Asked:
    """The fields of the form; empty ones ask for everything.

    Attributes:
        since, until: ISO days in UTC, both included; or moments, where a rule asks.
        who: id of an account.
        act: our word for it.
        patient: ``Patient/id`` or a pseudonym.
        outcome: ``ok`` or ``failed``.
        client: network address.
        acts: several acts, separated by spaces.
    """

    since: str = ""
    until: str = ""
    who: str = ""
    act: str = ""
    patient: str = ""
    outcome: str = ""
    client: str = ""
    acts: str = ""

    @classmethod
    def of(cls, search: Search) -> Asked:
        """The same as a search of a rule."""
        return cls(
            since=search.since.isoformat() if search.since else "",
            until=search.until.isoformat() if search.until else "",
            who=search.who,
            act=search.act,
            patient=search.patient,
            outcome=search.outcome,
            client=search.client,
            acts=" ".join(search.acts),
        )

    @classmethod
    def read(cls, **given: str) -> Asked:
        """Take the fields of a form."""
        kept = {name: text[:MAX_ASKED_CHARS].strip() for name, text in given.items()}
        return cls(**kept)

    def search(self) -> Search:
        """The same for the index; a day that is none asks for nothing."""
        return Search(
            since=_moment(self.since),
            until=_moment(self.until, end=True),
            who=self.who,
            act=self.act,
            patient=self.patient,
            client=self.client,
            outcome=self.outcome if self.outcome in OUTCOMES else "",
            acts=tuple(self.acts.split()),
        )

    def detail(self) -> dict[str, str]:
        """What of it is written to the trail, where the patient is an entity of its own."""
        return {name: text for name, text in asdict(self).items() if text and name != "patient"}


class AskedKey:
    """Seals what is asked into addresses.

    Args:
        key: under which.
    """

    def __init__(self, key: TextKey) -> None:
        self._key = key

    def seal(self, asked: Asked, user: str) -> str:
        """For the address of a page of one user."""
        given = {name: text for name, text in asdict(asked).items() if text}
        return self._key.seal(json.dumps(given), f"portal/audit/{user}") if given else ""

    def open(self, sealed: str, user: str) -> Asked:
        """What was asked; an address that is empty, changed or another's asks for everything."""
        names = {field.name for field in fields(Asked)}
        try:
            given = json.loads(self._key.open(sealed, f"portal/audit/{user}")) if sealed else {}
        except UnreadableError:
            return Asked()
        return Asked(**{name: str(text) for name, text in given.items() if name in names})


def _moment(text: str, *, end: bool = False) -> datetime | None:
    """A day's first moment, or the first one after it; a moment as it is."""
    try:
        if len(text) > len("2026-01-01"):
            return datetime.fromisoformat(text)
        day = date.fromisoformat(text)
    except ValueError:
        return None
    begins = datetime.combine(day, time(), UTC)
    return begins + timedelta(days=1) if end else begins
