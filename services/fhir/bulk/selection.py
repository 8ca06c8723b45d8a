"""Which resources an export holds, type by type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from services.fhir._queries import BATCH, SUPPORTING, Key, by_identifier, chunks, supports
from services.fhir.access import Access
from services.fhir.bulk.asked import Asked
from services.fhir.bulk.kinds import allowed, in_records
from services.fhir.models import OrderPatientRow, ReferenceRow, ResourceRow
from services.fhir.search.narrow import narrowed
from services.fhir.visible import visible


class Selection:
    """The resources of one export, in one view of the store.

    Args:
        session: of that view.
        access: of the program that asked, as it is now.
        asked: what it asked for.
        order: id of the export; `OrderPatientRow` names the people it is confined to.
    """

    def __init__(self, session: Session, access: Access, asked: Asked, order: str) -> None:
        self._session, self._access, self._asked = session, access, asked
        cohort = select(OrderPatientRow.patient).where(OrderPatientRow.order == order)
        self._cohort = cohort if asked.confined else None
        self._named: dict[str, list[str]] | None = None

    def kinds(self) -> list[str]:
        """Types of which there may be any, in order of name."""
        held = self._session.scalars(select(ResourceRow.type).distinct())
        return [
            kind
            for kind in sorted(set(held) & set(self._asked.types) if self._asked.types else held)
            if allowed(self._access, kind)
            if self._asked.level == "system" or in_records(kind)
        ]

    def rows(self, kind: str) -> Iterator[ResourceRow]:
        """The resources of a type, ordered by id within a piece of the query."""
        for part in self._parts(kind):
            query = select(ResourceRow).where(ResourceRow.type == kind, part, *self._common(kind))
            found = self._session.scalars(
                query.order_by(ResourceRow.id).execution_options(yield_per=BATCH)
            )
            for row in found:
                self._session.expunge(row)  # or the session would hold every row to the end
                yield row

    def _parts(self, kind: str) -> Iterator[Any]:
        if self._asked.level == "system":
            yield and_(True)
        elif kind not in SUPPORTING:
            yield self._inside(kind)
        else:
            ids = self._supporting().get(kind, [])
            for start in range(0, len(ids), BATCH):
                yield ResourceRow.id.in_(ids[start : start + BATCH])

    def _common(self, kind: str) -> Iterator[ColumnElement[bool]]:
        yield visible(self._access, kind, "r")
        if self._access.queries(kind, "s") != self._access.queries(kind, "r"):
            yield visible(self._access, kind, "s")
        if queries := [query for of, query in self._asked.filters if of == kind]:
            yield narrowed(kind, queries, ResourceRow)
        if self._asked.since:
            yield ResourceRow.updated > self._asked.since
        if self._asked.until:
            yield ResourceRow.updated <= self._asked.until

    def _inside(self, kind: str) -> Any:
        """In the record of one of the people."""
        if kind == "Patient":
            return and_(True) if self._cohort is None else ResourceRow.id.in_(self._cohort)
        mine = select(ReferenceRow.source_id).where(
            ReferenceRow.source_type == kind, *self._of_a_person()
        )
        return ResourceRow.id.in_(mine)

    def _of_a_person(self) -> Iterator[Any]:
        yield ReferenceRow.target_type == "Patient"
        yield ReferenceRow.compartment == 1
        if self._cohort is not None:
            yield ReferenceRow.target_id.in_(self._cohort)

    def _supporting(self) -> dict[str, list[str]]:
        """Ids by type of who and what the records name, and of what those name in turn."""
        if self._named is None:
            found = self._first_named()
            frontier = sorted(found)
            while frontier:
                frontier = sorted(supports(self._session, frontier) - found)
                found |= set(frontier)
            self._named = {}
            for kind, identity in sorted(found):
                self._named.setdefault(kind, []).append(identity)
        return self._named

    def _first_named(self) -> set[Key]:
        record = select(ReferenceRow.source_type, ReferenceRow.source_id).where(
            *self._of_a_person()
        )
        source = tuple_(ReferenceRow.source_type, ReferenceRow.source_id)
        patient = ReferenceRow.source_type == "Patient"
        if self._cohort is not None:
            patient = and_(patient, ReferenceRow.source_id.in_(self._cohort))
        query = select(ReferenceRow.target_type, ReferenceRow.target_id, ReferenceRow.identifier)
        named = query.where(
            or_(patient, source.in_(record)), ReferenceRow.target_type.in_([*SUPPORTING, ""])
        )
        found: set[Key] = set()
        asked: set[Key] = set()
        for kind, identity, identifier in self._session.execute(named.distinct()):
            if identity:
                found.add((kind, identity))
            else:
                system, _, value = identifier.partition("|")
                asked.add((system, value))
        for chunk in chunks(sorted(asked)):
            found |= by_identifier(self._session, chunk)
        return found
