"""One page of a search: who may see it, what matches, in which order, and what comes along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from services.fhir._queries import Key, chunks
from services.fhir.access import Access
from services.fhir.models import ClockRow, ResourceRow
from services.fhir.results import Entry
from services.fhir.search import record
from services.fhir.search.compile import SELECTIVE, Condition, conditions, rank
from services.fhir.search.cursor import Cursor, seal, unseal
from services.fhir.search.errors import FhirCursorError
from services.fhir.search.include import along
from services.fhir.search.order import along_index, behind, ordered, place
from services.fhir.search.query import Query, parse
from services.fhir.search.upkeep import cursor_key
from services.fhir.search.view import View, view_of
from services.store.database import Database

_GIVEN = (ResourceRow.id, ResourceRow.version, ResourceRow.updated, ResourceRow.body)
_RECORD = "$everything"
"""Stands in a cursor for the type, where it belongs to a whole record."""


@dataclass(frozen=True)
class Found:
    """One page.

    Attributes:
        entries: matches, in order.
        included: what comes along with them.
        total: how many match in all; None where that was not asked for.
        next: cursor of the next page; None on the last one.
        query: that was answered.
        cut: whether more would have come along than is given out with a page.
    """

    entries: tuple[Entry, ...]
    included: tuple[Entry, ...]
    total: int | None
    next: str | None
    query: Query
    cut: bool = False


class Search:
    """Searches one store.

    Args:
        database: that of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sealing: bytes | None = None

    def find(self, asked: Query | str, access: Access, base: str = "") -> Found:
        """Return one page.

        Args:
            asked: a query for its first page, or the cursor of a later one.
            access: of the caller.
            base: address of the server, for the query of a cursor.

        Raises:
            FhirCursorError: the cursor is not this store's.
            FhirParameterError: something in the query cannot be answered for this caller.
            FhirNotFoundError: it is about another person than the caller may see.
            ScopeError: the caller may not search a type that it touches.
        """
        cursor: Cursor | None = None
        if isinstance(asked, str):
            cursor = unseal(asked, self._key)
            if cursor.kind == _RECORD:
                raise FhirCursorError("the link to this page belongs to another request")
            query = parse(cursor.kind, cursor.pairs, base=base)
        else:
            query = asked
        view = view_of(query, access)
        with self._database.reading() as session:
            matches, after = _matches(session, query, view, cursor)
            keys = [(entry.type, entry.id) for entry in matches]
            beside, cut = along(session, keys, query.controls.includes, view)
            included = _entries(session, beside)
            total: int | None = None
            if query.controls.total:
                whole = cursor is None and after is None and query.controls.count > 0
                total = len(matches) if whole else _total(session, query, view)
        return Found(
            tuple(matches),
            tuple(included),
            total,
            None if after is None else seal(after, self._key),
            query,
            cut,
        )

    def record_page(self, asked: record.Asked | str) -> record.RecordPage | None:
        """Return a page of one person's record; None where there is no such Patient.

        Raises:
            FhirCursorError: the cursor is not this store's.
        """
        last: tuple[Any, ...] = ()
        if isinstance(asked, str):
            cursor = unseal(asked, self._key)
            if cursor.kind != _RECORD:
                raise FhirCursorError("the link to this page belongs to another request")
            asked = record.read_asked(cursor.pairs[0][1], cursor.pairs[1:])
            last = cursor.last
        with self._database.reading() as session:
            keys = record.chosen(session, asked)
            if keys is None:
                return None
            left = [key for key in keys if not last or record.place(key) > record.place(last)]
            page = left if asked.count is None else left[: asked.count]
            entries = record.entries_of(session, page)
        after = None
        if len(page) < len(left):
            whole = (("patient", asked.patient), *asked.pairs)
            after = seal(Cursor(_RECORD, whole, page[-1], 0), self._key)
        return record.RecordPage(asked, entries, len(keys), after)

    @property
    def _key(self) -> bytes:
        if self._sealing is None:
            self._sealing = cursor_key(self._database)
        return self._sealing


def criteria(query: Query, view: View) -> list[Condition]:
    """Return the conditions on `ResourceRow` for the matches that the caller may see."""
    confined = view.access.patient is not None or view.patient is not None
    return [
        ResourceRow.type == query.kind,
        view.matches(query.kind, ResourceRow),
        *conditions(query.kind, query.criteria, ResourceRow, view.gate, drive=not confined),
    ]


def _total(session: Session, query: Query, view: View) -> int:
    counted = select(func.count()).select_from(ResourceRow).where(*criteria(query, view))
    return session.scalar(counted) or 0


def _matches(
    session: Session, query: Query, view: View, cursor: Cursor | None
) -> tuple[list[Entry], Cursor | None]:
    """Return the matches of one page, and the cursor of the next."""
    count, keys = query.controls.count, query.controls.sort
    if count == 0:
        return [], None
    now = (session.scalar(select(ClockRow.sequence)) or 0) if keys and cursor is None else 0
    at = cursor or Cursor(query.kind, query.pairs, (), now)
    shown = [] if at.late else [(row, False) for row in _rows(session, query, view, at, count + 1)]
    if keys and len(shown) <= count:
        # What was written since the first page may have moved in the order: it follows at the end,
        # so that it neither hides nor repeats what did not change.
        late = at if at.late else replace(at, late=True, last=())
        left = count + 1 - len(shown)
        shown += [(row, True) for row in _rows(session, query, view, late, left)]
    page, width = shown[:count], len(keys) + 1
    after = None
    if len(shown) > count:
        row, is_late = page[-1]
        after = replace(at, last=tuple(row[:width]), late=is_late)
    if keys:
        return _entries(session, [(query.kind, row[width - 1]) for row, _ in page]), after
    return [_entry(query.kind, row) for row, _ in page], after


def _rows(session: Session, query: Query, view: View, at: Cursor, limit: int) -> Sequence[Any]:
    """Return the places of matches in the order; with what is given out where that is by id.

    An order is made of places alone: it would carry every text along.
    """
    keys = query.controls.sort
    columns = place(query.kind, keys, ResourceRow)
    wanted = criteria(query, view)
    if keys:
        early = ResourceRow.sequence <= at.bound
        wanted.append(ResourceRow.sequence > at.bound if at.late else early)
        rows = _along_index(session, query, at, wanted, limit) if not _narrow(query, view) else []
        if len(rows) == limit:
            return rows
    if at.last:
        wanted.append(behind(columns, keys, at.last))
    found = select(*columns).where(*wanted).order_by(*ordered(columns, keys)).limit(limit)
    if keys:
        return session.execute(found).all()
    row = aliased(ResourceRow)
    whole = select(row.id, row.version, row.updated, row.body).where(
        row.type == query.kind, row.id.in_(found)
    )
    return session.execute(whole.order_by(row.id)).all()


def _narrow(query: Query, view: View) -> bool:
    """Whether so little is left to sort that the order of the index is of no use."""
    confined = view.access.patient is not None or view.patient is not None
    return confined or any(rank(criterion) < SELECTIVE for criterion in query.criteria)


def _along_index(
    session: Session, query: Query, at: Cursor, wanted: Sequence[Condition], limit: int
) -> list[Any]:
    """Return the first places as the index has them; fewer than ``limit`` say nothing."""
    keys = query.controls.sort
    if (indexed := along_index(query.kind, keys, ResourceRow)) is None:
        return []
    columns, joined = indexed
    last = [behind(columns, keys, at.last)] if at.last else []
    found = select(*columns).where(*joined, *wanted, *last).order_by(*ordered(columns, keys))
    return list(dict.fromkeys(session.execute(found.limit(2 * limit))))[:limit]


def _entries(session: Session, keys: Sequence[Key]) -> list[Entry]:
    """Return the resources of ``keys``, in their order."""
    found: dict[Key, Entry] = {}
    for kind in sorted({kind for kind, _ in keys}):
        for chunk in chunks(key for key in keys if key[0] == kind):
            ids = [identity for _, identity in chunk]
            query = select(*_GIVEN).where(ResourceRow.type == kind, ResourceRow.id.in_(ids))
            found.update(((kind, row.id), _entry(kind, row)) for row in session.execute(query))
    return [found[key] for key in keys if key in found]


def _entry(kind: str, row: Any) -> Entry:
    return Entry(kind, row.id, row.version, datetime.fromisoformat(row.updated), row.body)
