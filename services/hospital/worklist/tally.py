"""How many referrals each filter would show, from one look at the table's index.

The database puts the referrals in groups by everything that is filtered by, in one statement; what
each choice would show with the other filters as they are is then added up from the groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from services.hospital.models import Referral
from services.hospital.worklist.conditions import asleep, overdue
from services.hospital.worklist.filters import FACETS, URGENCIES, WAITS, Filters
from services.hospital.worklist.waits import Waits

SIDES = ("show", *FACETS)
_LONGEST_FIRST = sorted(WAITS, key=lambda name: -WAITS[name])
_NOBODY, _READER, _OTHER = 0, 1, 2


@dataclass(frozen=True)
class Group:
    """So many referrals that no filter tells apart; ``has`` are the choices that show them."""

    count: int
    has: dict[str, frozenset[str]]


@dataclass
class Tally:
    """Counts for a list.

    Attributes:
        total: that the filters show.
        facets: by facet (``show`` among them) and choice, each with the other filters as they are.
        urgencies: open and awake ones by urgency, whatever the filters are.
        overdue: those of them that have waited too long.
        hidden: emergencies among them that the filters do not show.
    """

    total: int = 0
    facets: dict[str, Counter[str]] = field(default_factory=lambda: {s: Counter() for s in SIDES})
    urgencies: Counter[str] = field(default_factory=Counter)
    overdue: int = 0
    hidden: int = 0

    def add(self, group: Group, filters: Filters) -> None:
        """Count a group where it belongs: a choice counts what all other filters let through."""
        closed = [s for s in SIDES if (v := getattr(filters, s)) and v not in group.has[s]]
        if not closed:
            self.total += group.count
        for side in SIDES if not closed else closed if len(closed) == 1 else ():
            for choice in group.has[side]:
                self.facets[side][choice] += group.count
        if "all" in group.has["show"]:
            self._add_waiting(group, seen=not closed)

    def _add_waiting(self, group: Group, *, seen: bool) -> None:
        for urgency in group.has["urgency"]:
            self.urgencies[urgency] += group.count
        self.overdue += group.count if group.has["overdue"] else 0
        self.hidden += group.count if not seen and "emergency" in group.has["urgency"] else 0


def tally(groups: Iterable[Group], filters: Filters) -> Tally:
    """Add the groups up for one choice of filters."""
    made = Tally()
    for group in groups:
        made.add(group, filters)
    return made


def groups_of(
    session: Session, user: str, waits: Waits, now: datetime, *, signed: bool
) -> list[Group]:
    """The groups of all open referrals as a reader (an id) sees them; signed ones if wanted."""
    found = [_open_group(*row) for row in session.execute(_open(user, waits, now))]
    if signed:
        found += [_signed_group(*row) for row in session.execute(_grouped("signed", []))]
    return found


def _open(user: str, waits: Waits, now: datetime) -> Select[Any]:
    waited = case(
        *((Referral.received < now - timedelta(seconds=WAITS[n]), n) for n in _LONGEST_FIRST),
        else_="",
    )
    holder = case(
        (Referral.assignee.is_(None), _NOBODY), (Referral.assignee == user, _READER), else_=_OTHER
    )
    more = [
        case((asleep(now), 1), else_=0),
        holder,
        case((Referral.handed_by.is_(None), 0), else_=1),
        waited,
        case((overdue(waits, now), 1), else_=0),
    ]
    return _grouped("open", more)


def _grouped(state: str, more: list[Any]) -> Select[Any]:
    plain = [Referral.urgency_rank, Referral.reason, Referral.language, Referral.drafted]
    named = [column.label(f"c{number}") for number, column in enumerate([*plain, *more])]
    inner = select(*named).where(Referral.state == state).subquery()
    return select(func.count(), *inner.c).group_by(*inner.c)


def _open_group(  # noqa: PLR0917 - the columns of a row
    count: int,
    rank: int,
    reason: str,
    language: str | None,
    drafted: bool | None,
    snoozed: int,
    holder: int,
    handed: int,
    waited: str,
    late: int,
) -> Group:
    whose = {_NOBODY: ["nobody"], _READER: ["mine", *(["handed"] if handed else [])]}
    shows = ["snoozed"] if snoozed else ["all", *whose.get(holder, [])]
    longer = [name for name in WAITS if waited and WAITS[name] <= WAITS[waited]]
    has = _plain(rank, reason, language, drafted)
    has |= {
        "show": frozenset(shows),
        "waiting": frozenset(longer),
        "overdue": frozenset(["yes"] if late else []),
    }
    return Group(count, has)


def _signed_group(
    count: int,
    rank: int,
    reason: str,
    language: str | None,
    drafted: bool | None,
) -> Group:
    has = _plain(rank, reason, language, drafted)
    nothing: frozenset[str] = frozenset()
    return Group(
        count, has | {"show": frozenset(["signed"]), "waiting": nothing, "overdue": nothing}
    )


def _plain(
    rank: int, reason: str, language: str | None, drafted: bool | None
) -> dict[str, frozenset[str]]:
    answers = [] if drafted is None else ["yes" if drafted else "no"]
    return {
        "urgency": frozenset(URGENCIES[rank : rank + 1]),
        "reason": frozenset([reason]),
        "language": frozenset([language] if language else []),
        "draft": frozenset(answers),
    }
