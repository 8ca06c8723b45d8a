"""What was: the versions that a caller may see, of one resource, one type or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from services.fhir._queries import Key, owners
from services.fhir.access import Access, Letter
from services.fhir.models import ResourceRow, VersionOwnerRow, VersionRow
from services.fhir.results import HistoryPage, Version
from services.fhir.visible import not_anothers, visible

Row = type[ResourceRow] | type[VersionRow]
Criterion = ColumnElement[bool]


@dataclass(frozen=True)
class Asked:
    """Which versions are asked for; instants are texts as in the tables.

    Attributes:
        kind: resource type, None for all.
        identity: id of one resource, None for all of the type.
        since: versions that came about at this instant or later.
        at: versions that were current at some time from the first instant to before the second.
        count: size of the page; 0 gives the total only.
        before: places before this one (`HistoryPage.next`).
    """

    kind: str | None = None
    identity: str | None = None
    since: str | None = None
    at: tuple[str, str] | None = None
    count: int = 50
    before: int | None = None


def earlier(access: Access | None, kind: str, letter: Letter) -> Criterion:
    """Return the criterion on `VersionRow` that holds for what a caller may see of a type.

    What a version said decided then whose it was. Searches that narrow a scope can be asked of
    what is current only, so such a scope reaches no earlier version.
    """
    if access is None:
        return true()
    if not access.allows(kind, letter) or access.queries(kind, letter):
        return false()
    if kind == "Subscription":
        return not_anothers(access, VersionRow)
    if access.patient is None:
        return true()
    mine = select(VersionOwnerRow.sequence).where(VersionOwnerRow.patient == access.patient)
    return VersionRow.sequence.in_(mine)


def history(
    session: Session, access: Access | None, kinds: Sequence[str], asked: Asked
) -> HistoryPage:
    """Return a page of versions, the newest first.

    Args:
        session: to read with.
        access: of the caller, None for the program itself.
        kinds: the types that may be in it, where ``asked`` names none.
        asked: which versions.
    """
    letter: Letter = "r" if asked.identity else "s"
    chosen = [asked.kind] if asked.kind else kinds
    both = union_all(
        _current(asked).where(_any(ResourceRow, chosen, lambda k: _now(access, k, letter))),
        _ended(asked).where(_any(VersionRow, chosen, lambda k: earlier(access, k, letter))),
    ).subquery()
    total = session.scalar(select(func.count()).select_from(both)) or 0
    page = select(both).order_by(both.c.sequence.desc()).limit(asked.count + 1)
    if asked.before is not None:
        page = page.where(both.c.sequence < asked.before)
    found = [_version(row) for row in session.execute(page)] if asked.count else []
    more = len(found) > asked.count
    versions = _owned(session, found[: asked.count])
    return HistoryPage(versions, total, versions[-1].sequence if more else None)


def last_version(
    session: Session, access: Access | None, kind: str, identity: str
) -> Version | None:
    """Return the newest of what is no longer current under an id, if the caller may see it."""
    mine = earlier(access, kind, "r")
    query = _ended(Asked(kind, identity)).where(mine).order_by(VersionRow.version.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return None if row is None else _version(row)


def one_version(
    session: Session, access: Access | None, key: Key, version: int | None
) -> Version | None:
    """Return one version of a resource (None: the current one), if the caller may see it."""
    kind, identity = key
    now = _current(Asked(kind, identity)).where(_now(access, kind, "r"))
    then = _ended(Asked(kind, identity)).where(earlier(access, kind, "r"))
    if version is not None:
        now = now.where(ResourceRow.version == version)
    row = session.execute(now).one_or_none()
    if row is None and version is not None:
        row = session.execute(then.where(VersionRow.version == version)).one_or_none()
    return None if row is None else _owned(session, [_version(row)])[0]


def _owned(session: Session, versions: Sequence[Version]) -> tuple[Version, ...]:
    """The same versions with the Patients in whose record each of them was."""
    current = owners(session, [(v.type, v.id) for v in versions])
    places = [v.sequence for v in versions]
    ended = set(session.scalars(select(VersionRow.sequence).where(VersionRow.sequence.in_(places))))
    then: dict[int, set[str]] = {}
    mine = select(VersionOwnerRow.sequence, VersionOwnerRow.patient)
    for place, patient in session.execute(mine.where(VersionOwnerRow.sequence.in_(places))):
        then.setdefault(place, set()).add(patient)
    return tuple(
        replace(
            v,
            patients=frozenset(then.get(v.sequence, ()))
            if v.sequence in ended
            else current.get((v.type, v.id), frozenset()),
        )
        for v in versions
    )


def _now(access: Access | None, kind: str, letter: Letter) -> Criterion:
    return true() if access is None else visible(access, kind, letter)


def _any(row: Row, kinds: Sequence[str], criterion: Callable[[str], Criterion]) -> Criterion:
    return or_(false(), *(and_(row.type == kind, criterion(kind)) for kind in kinds))


def _current(asked: Asked) -> Select[Any]:
    return _narrowed(ResourceRow, asked)


def _ended(asked: Asked) -> Select[Any]:
    narrowed = _narrowed(VersionRow, asked)
    if asked.at is None:
        return narrowed
    return narrowed.where(or_(VersionRow.replaced.is_(None), VersionRow.replaced > asked.at[0]))


def _narrowed(row: Row, asked: Asked) -> Select[Any]:
    names = ("sequence", "type", "id", "version", "updated", "method", "body")
    query: Select[Any] = select(*(getattr(row, name) for name in names))
    criteria: list[Criterion] = []
    if asked.identity is not None:
        criteria.append(row.id == asked.identity)
    if asked.kind is not None:
        criteria.append(row.type == asked.kind)
    if asked.since is not None:
        criteria.append(row.updated >= asked.since)
    if asked.at is not None:
        criteria.append(row.updated < asked.at[1])
    return query.where(*criteria)


def _version(row: Any) -> Version:
    when = datetime.fromisoformat(row.updated)
    return Version(row.type, row.id, row.version, when, row.body, row.method, row.sequence)
