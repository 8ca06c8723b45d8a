"""The explorer of one trail: searching, checking, and what may be worth a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compliance.audit.entries import Entry
from compliance.audit.index import Reach, Search, TrailIndex
from services.fhir.store import FhirStore
from services.hospital.accounts import Accounts
from services.hospital.explorer.checking import Checking, CheckState
from services.hospital.explorer.looks import SEEN, Known, Look, looks
from services.hospital.models import User
from services.hospital.relations import Relations

LOOK_BACK = timedelta(days=30)
BUDGET_SECONDS = 1.2
"""How long a page may take in what is new of the trail."""


class Explorer:
    """The trail of one hospital, to look through.

    Args:
        trail: the trail's file.
        index: the index's file.
        accounts: who the people are.
        records: whose charts they opened.
        relations: whom they treat.
        clock: the present; tests move it.
    """

    def __init__(  # noqa: PLR0917 - what rules ask
        self,
        trail: Path,
        index: Path,
        accounts: Accounts,
        records: FhirStore,
        relations: Relations,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.index = TrailIndex(trail, index)
        self._checking, self._clock = Checking(trail), clock
        self._accounts, self._records, self._relations = accounts, records, relations

    def reach(self) -> Reach:
        """Take in what is new for a moment, and say how far the index goes."""
        return self.index.catch_up(BUDGET_SECONDS)

    def start_check(self) -> bool:
        """Begin to check the whole trail; False when that is under way."""
        return self._checking.start()

    @property
    def check(self) -> CheckState:
        """How the check stands."""
        return self._checking.state

    def looks(self) -> list[Look]:
        """What may be worth a look in the last days."""
        users = {user.id: user for user in self._accounts.users()}
        names: dict[str, frozenset[str]] = {}

        def same_name(who: str, patient: str) -> bool:
            user = users.get(who)
            if user is None:
                return False
            if patient not in names:
                names[patient] = _families(self._records.read("Patient", patient))
            return bool(names[patient] & _words(user.display_name))

        def treats(who: str, patient: str) -> bool:
            user = users.get(who)
            return user is not None and self._relations.treats(user, patient)

        return looks(self.index, self._clock() - LOOK_BACK, Known(same_name, treats))

    def meanwhile(self, user: str, patient: str, since: datetime, until: datetime) -> list[Entry]:
        """What somebody did with one person's data in a while, the newest first."""
        self.reach()
        who = Search(since - timedelta(seconds=1), until, who=user, patient=f"Patient/{patient}")
        return self.index.find(who, limit=100)

    def lately(self, user: User) -> list[Entry]:
        """What a person opened lately, the newest first; lists (the inbox) are left out."""
        self.reach()
        opened = tuple(act for act in SEEN if act != "search")
        return self.index.find(Search(who=user.id, acts=opened), limit=15)


def _families(patient: dict[str, object] | None) -> frozenset[str]:
    """The words of a person's family names."""
    names = patient.get("name", []) if patient else []
    said = (
        [name.get("family", "") for name in names if isinstance(name, dict)]
        if isinstance(names, list)
        else []
    )
    return _words(" ".join(str(one) for one in said))


def _words(text: str) -> frozenset[str]:
    """Words long enough to be a name, in small letters."""
    return frozenset(word for word in text.lower().replace("-", " ").split() if len(word) > 2)  # noqa: PLR2004
