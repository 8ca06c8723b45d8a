"""The worklist as a page: rows, tabs and facets with their counts, and what was just done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.hospital.accounts import SignedIn
from services.hospital.portal.access import WRITERS
from services.hospital.portal.lists import Lists, address
from services.hospital.portal.views import age, first_line, in_short, reason
from services.hospital.portal.wishes import LONGEST_FIELD, MOST_ROWS
from services.hospital.worklist import FACETS, SORTS, URGENCIES, Filters, Line, Listing, Tally
from services.hospital.worklist.filters import ANSWERS, LANGUAGES, SHOWS, WAITS
from services.web.i18n import Translator

_FIXED = {
    "urgency": URGENCIES,
    "waiting": tuple(WAITS),
    "overdue": ("yes",),
    "language": LANGUAGES,
    "draft": ANSWERS,
}


WORDS = (
    *(
        f"inbox.{key}"
        for key in ("ago", "fresh", "fresh_emergency", "nobody", "offline", "waiting")
    ),
    *(f"worklist.{key}" for key in ("did", "gone", "hidden", "left", "somebody", "total", "undo")),
    *(
        f"worklist.{key}"
        for key in ("ticked", "ticked_none", "which", "cannot_wait", "none_can_wait")
    ),
    *(f"worklist.now_{key}" for key in ("mine", "signed", "snoozed", "with")),
)
"""What the modules of the page say; the rest of its words is in the page."""


@dataclass(frozen=True)
class Row:
    """One referral in the list; ``held`` is mine, other or nobody."""

    id: str
    version: int
    urgency: str
    reason: str
    line: str
    person: str
    when: datetime
    age: str
    held: str
    holder: str
    handed: str
    language: str
    drafted: bool
    overdue: bool
    snoozed: datetime | None
    returned: bool


@dataclass(frozen=True)
class Choice:
    """One way to narrow the list, and where it is."""

    key: str
    label: str
    count: int
    address: str
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """Choices of which one may be made."""

    name: str
    label: str
    choices: tuple[Choice, ...]


def held_by(assignee: str | None, reader: str) -> str:
    """How a referral stands to a reader: ``mine``, ``other`` or ``nobody``."""
    if assignee is None:
        return "nobody"
    return "mine" if assignee == reader else "other"


def rows_of(listing: Listing, names: Mapping[str, str], reader: str, t: Translator) -> list[Row]:
    """The rows of a page; signed ones show when and by whom."""
    return [_row(line, names, reader, listing.at, t) for line in listing.lines]


def _row(line: Line, names: Mapping[str, str], reader: str, now: datetime, t: Translator) -> Row:
    row = line.row
    when = row.signed or row.received
    awake = row.snoozed_until is not None and not line.snoozed
    return Row(
        id=row.id,
        version=row.version,
        urgency=row.urgency,
        reason=reason(row.reason, t),
        line=first_line(line.text),
        person=in_short(line.person, t),
        when=when,
        age=age(when, now, t),
        held=held_by(row.assignee, reader),
        holder=names.get(row.signed_by or row.assignee or "", ""),
        handed=names.get(row.handed_by or "", "") if row.state == "open" else "",
        language=row.language or "",
        drafted=row.drafted is not False,
        overdue=line.overdue,
        snoozed=row.snoozed_until if line.snoozed else None,
        returned=awake and row.state == "open",
    )


def people_of(listing: Listing) -> set[str | None]:
    """Ids of the accounts that a page names."""
    return {
        id_
        for line in listing.lines
        for id_ in (line.row.assignee, line.row.signed_by, line.row.handed_by)
    }


def tabs_of(filters: Filters, counted: Tally, t: Translator) -> list[Choice]:
    """Whose referrals; the signed ones are counted only where they are shown."""
    return [
        Choice(
            key=show,
            label=t(f"worklist.show.{show}"),
            count=counted.facets["show"][show],
            address=address(filters.but(show=show)),
            chosen=filters.show == show,
        )
        for show in SHOWS
    ]


def facets_of(filters: Filters, counted: Tally, t: Translator) -> list[Facet]:
    """What narrows the list; reasons that nothing has are left out."""
    reasons = sorted({*counted.facets["reason"], *([filters.reason] if filters.reason else [])})
    found = []
    for name in FACETS:
        known = tuple(reasons) if name == "reason" else _FIXED[name]
        if filters.show == "signed" and name in {"waiting", "overdue"}:
            continue
        choices = tuple(_choice(filters, counted, t, name, key) for key in known)
        found.append(Facet(name, t(f"worklist.facet.{name}"), choices))
    return found


def _choice(filters: Filters, counted: Tally, t: Translator, name: str, key: str) -> Choice:
    chosen = getattr(filters, name) == key
    shared = {"reason": lambda: reason(key, t), "urgency": lambda: t(f"urgency.{key}")}
    return Choice(
        key=key,
        label=shared.get(name, lambda: t(f"worklist.{name}.{key}"))(),
        count=counted.facets[name][key],
        address=address(filters.but(**{name: "" if chosen else key})),
        chosen=chosen,
    )


def sorts_of(filters: Filters, t: Translator) -> list[Choice]:
    """The orders of the list."""
    known = SORTS[1:] if filters.show == "signed" else SORTS
    now = "newest" if filters.show == "signed" and filters.sort == "urgency" else filters.sort
    return [
        Choice(key, t(f"worklist.sort.{key}"), 0, address(filters.but(sort=key)), key == now)
        for key in known
    ]


def inbox_context(
    lists: Lists, filters: Filters, reader: str, role: str, t: Translator
) -> dict[str, Any]:
    """What the page of the worklist shows.

    Args:
        lists: behind it.
        filters: of its address.
        reader: id of the account.
        role: of the account; only clinicians act.
        t: the reader's language.
    """
    listing = lists.worklist.page(filters, reader)
    filters = filters.but(page=listing.page)
    names = lists.worklist.names(people_of(listing))
    counted = listing.tally
    return {
        "filters": filters,
        "acts": role in WRITERS and filters.show != "signed",
        "rows": rows_of(listing, names, reader, t),
        "tabs": tabs_of(filters, counted, t),
        "facets": facets_of(filters, counted, t),
        "sorts": sorts_of(filters, t),
        "clear": address(Filters(show=filters.show, sort=filters.sort)),
        "urgent_only": address(Filters(urgency="emergency")),
        "overdue_only": address(Filters(overdue="yes")),
        "counts": {urgency: counted.urgencies[urgency] for urgency in URGENCIES},
        "late": counted.overdue,
        "hidden": counted.hidden if filters.show != "signed" else 0,
        "total": counted.total,
        "page": listing.page,
        "last": listing.last,
        "earlier": address(filters.but(page=listing.page - 1)),
        "later": address(filters.but(page=listing.page + 1)),
        "query": filters.to_query(),
        "at": listing.at,
    }


def just_done(lists: Lists, query: Mapping[str, str], who: SignedIn) -> dict[str, Any] | None:
    """What the reader just did with a form: batch, act, how many, and how many were left."""
    batch, left = query.get("done", "")[:LONGEST_FIELD], query.get("left", "")
    refused = int(left) if left.isdecimal() and len(left) <= len(str(MOST_ROWS)) else 0
    done = lists.holding.done(batch, who.user) if batch else None
    if done is None and not refused:
        return None
    act, count = done or ("", 0)
    return {"batch": batch if done else "", "act": act, "count": count, "left": refused}
