"""The R4 store: resources go in validated, come back as they came, and are found by index.

    store = FhirStore(Database("sqlite:///var/hospital/fhir.db"))
    store.put({"resourceType": "Patient", "id": "p01", "gender": "female"})
    store.read("Patient", "p01")
    store.everything("p01")                       # the whole record of one person

The JSON text is kept untouched, decimals and key order included; version and time of update live
in columns and are served as ``ETag`` and ``Last-Modified``. Writing equal text again changes
nothing, so a load can be repeated. Every write of a resource replaces its index rows in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.fhir._attempts import in_turn
from services.fhir._history import Asked, history, last_version, one_version
from services.fhir._prepare import accepted, prepare
from services.fhir._purge import Extent, extent
from services.fhir._queries import BATCH, Key, has_token, in_record, owners
from services.fhir.access import Access
from services.fhir.drafts import NO_CHECKS, Check
from services.fhir.errors import FhirParameterError
from services.fhir.models import Base, ResourceRow
from services.fhir.results import (
    Content,
    Entry,
    HistoryPage,
    LoadReport,
    Page,
    Sourced,
    Stored,
    Version,
    Written,
)
from services.fhir.search import record
from services.fhir.search.query import Query
from services.fhir.search.run import Found, Search
from services.fhir.search.upkeep import ensure_index
from services.fhir.validate import require_type, resource_types
from services.fhir.visible import visible
from services.fhir.writer import Writer
from services.store.database import Database

Result = TypeVar("Result")
MAX_COUNT = 500
"""Most resources on one page of a search."""
MANY = 1000
"""Resources of one load after which the database counts its tables anew."""


class FhirStore:
    """R4 resources in one relational database.

    Args:
        database: opened database whose ``services.fhir`` tables are migrated.
        checks: by type of resource, of what callers write (see `services.fhir.writer`).
        base: absolute URL under which the outside knows the store; references below it are its own.
    """

    def __init__(
        self, database: Database, checks: Mapping[str, Check] = NO_CHECKS, base: str = ""
    ) -> None:
        self._database, self._checks, self._base = database, checks, base
        self._search = Search(database)
        ensure_index(database, base)

    def put(self, resource: Content) -> Stored:
        """Write one resource: a new one, or the next version of the one with its id.

        Raises:
            FhirInvalidError: it is not R4; nothing was stored.
        """
        prepared = prepare(resource, base=self._base)
        return self.write(lambda writer: writer.update(prepared))

    def write(self, work: Callable[[Writer], Result], access: Access | None = None) -> Result:
        """Do ``work`` in one transaction, all of it or nothing; parse what you can before.

        Args:
            work: writes; it is done again where the database broke it off for another writer.
            access: what the caller may do; None where the program itself writes.

        Raises:
            FhirBusyError: other writers did not come to an end.
        """
        return in_turn(self._database, work, access, self._checks)

    @contextmanager
    def joining(self, session: Session, access: Access | None = None) -> Iterator[Writer]:
        """Write within a transaction of one's own, which other tables may take part in.

        Enter this before anything else is locked: writers take turns, and hold theirs to the end.
        """
        writer = Writer(session, access, self._checks)
        yield writer
        writer.finish()

    def create(self, resource: Content) -> Written:
        """Write a new resource under an id that the server gives.

        Raises:
            FhirInvalidError: it is not R4; nothing was stored.
        """
        prepared = prepare(resource, str(uuid4()), base=self._base)
        return self.write(lambda writer: writer.create(prepared))

    def delete(self, kind: str, identity: str) -> Written:
        """Delete a resource; its versions stay in the history.

        Raises:
            FhirNotFoundError: there never was one.
        """
        return self.write(lambda writer: writer.delete(kind, identity))

    def purge(self, patient: str) -> int:
        """Destroy a Patient's whole record, its history included; return how many versions.

        For the erasure of a person: nothing tells of it afterwards, so it must be written down
        before. A resource that is in another Patient's record, too, stays.
        """
        return self.write(lambda writer: writer.purge(patient))

    def extent(self, patient: str) -> Extent:
        """Count what `purge` would destroy of a Patient's record, and what would stay."""
        with self._database.reading() as session:
            return extent(session, patient)

    def put_many(
        self,
        resources: Iterable[Content | Sourced],
        progress: Callable[[int], None] | None = None,
    ) -> LoadReport:
        """Write many resources in batches; a refused one does not stop the others.

        Args:
            resources: resources, or `Sourced` ones to have their origin in the report.
            progress: called with the number of resources seen so far, after each batch.
        """
        report, seen = LoadReport(), 0
        items = iter(resources)
        while batch := list(islice(items, BATCH)):
            prepared = dict(accepted(batch, seen, report, self._base))
            if prepared:
                written = list(prepared.values())
                self.write(partial(Writer.put_all, items=written))
            for kind, _ in prepared:
                report.loaded[kind] = report.loaded.get(kind, 0) + 1
            seen += len(batch)
            if progress is not None:
                progress(seen)
        if seen >= MANY:
            self._database.study(*Base.metadata.tables)
        return report

    def read(self, kind: str, identity: str) -> dict[str, Any] | None:
        """Return the resource as Python values, or None.

        Raises:
            FhirUnknownTypeError: ``kind`` is no resource type.
        """
        entry = self.entry(kind, identity)
        return None if entry is None else entry.resource

    def entry(self, kind: str, identity: str, access: Access | None = None) -> Entry | None:
        """Return the resource with its text, version and time of update; None if not visible."""
        require_type(kind)
        query = select(ResourceRow).where(ResourceRow.type == kind, ResourceRow.id == identity)
        if access is not None:
            query = query.where(visible(access, kind, "r"))
        with self._database.reading() as session:
            row = session.scalar(query)
            return None if row is None else _entry(row)

    def deleted(self, kind: str, identity: str, access: Access | None = None) -> bool:
        """Whether a resource was deleted that the caller could see."""
        with self._database.reading() as session:
            if session.get(ResourceRow, (kind, identity)) is not None:
                return False
            last = last_version(session, access, kind, identity)
            return last is not None and last.text is None

    def version(
        self, kind: str, identity: str, number: int | None, access: Access | None = None
    ) -> Version | None:
        """Return a version of a resource, the current one for None; None if not visible."""
        require_type(kind)
        with self._database.reading() as session:
            return one_version(session, access, (kind, identity), number)

    def history(self, asked: Asked, access: Access | None = None) -> HistoryPage:
        """Return a page of the versions of one resource, one type or all, the newest first."""
        if asked.kind is not None:
            require_type(asked.kind)
        with self._database.reading() as session:
            return history(session, access, sorted(resource_types()), asked)

    def search(
        self,
        kind: str,
        *,
        patient: str | None = None,
        ids: Sequence[str] | None = None,
        code: str | None = None,
        category: str | None = None,
        identifier: str | None = None,
        count: int = 50,
        after: str | None = None,
    ) -> Page:
        """Find resources of one type, ordered by id; all criteria must hold.

        Args:
            kind: resource type.
            patient: whose compartment the resource is in, ``p01`` or ``Patient/p01``.
            ids: logical ids.
            code: token, ``code`` or ``system|code``.
            category: token, as ``code``.
            identifier: token, as ``code``.
            count: size of the page, 0 to 500; 0 gives the total only.
            after: last id of the page before (`Page.next`).

        Raises:
            FhirUnknownTypeError: ``kind`` is no resource type.
            FhirParameterError: a criterion has a value that cannot be used.
        """
        require_type(kind)
        if not 0 <= count <= MAX_COUNT:
            raise FhirParameterError(f"_count must be 0 to {MAX_COUNT}")
        criteria: list[Any] = [ResourceRow.type == kind]
        if patient is not None:
            criteria.append(in_record(kind, patient))
        if ids is not None:
            criteria.append(ResourceRow.id.in_(list(ids)))
        tokens_asked = {"code": code, "category": category, "identifier": identifier}
        criteria += [has_token(name, v) for name, v in tokens_asked.items() if v is not None]
        return self._page(criteria, count, after)

    def _page(self, criteria: list[Any], count: int, after: str | None) -> Page:
        query = select(ResourceRow).where(*criteria).order_by(ResourceRow.id).limit(count + 1)
        if after is not None:
            query = query.where(ResourceRow.id > after)
        with self._database.reading() as session:
            total = session.scalar(select(func.count()).select_from(ResourceRow).where(*criteria))
            rows = list(session.scalars(query)) if count else []
        more = len(rows) > count
        entries = tuple(_entry(row) for row in rows[:count])
        return Page(entries, total or 0, entries[-1].id if more else None)

    def belongs(self, kind: str, identity: str, patient: str) -> bool:
        """Whether the resource is in the compartment of ``patient``, or supports a record in it."""
        with self._database.reading() as session:
            return (kind, identity) in record.record_keys(session, patient.removeprefix("Patient/"))

    def everything(self, patient: str) -> list[dict[str, Any]]:
        """Return the person's record: Patient first, then its compartment, then who is named in it.

        The list is empty when there is no such Patient.
        """
        return [entry.resource for entry in self.everything_entries(patient)]

    def everything_entries(self, patient: str) -> list[Entry]:
        """The same as `everything`, with the texts as they came."""
        page = self.record_page(record.Asked(patient.removeprefix("Patient/")))
        return [] if page is None else list(page.entries)

    def record_page(self, asked: record.Asked | str) -> record.RecordPage | None:
        """Return a page of one person's record; None where there is no such Patient.

        Args:
            asked: what is asked of the record, or the cursor of a later page.

        Raises:
            FhirCursorError: the cursor is not this store's.
        """
        return self._search.record_page(asked)

    def find(self, asked: Query | str, access: Access | None = None, base: str = "") -> Found:
        """Return one page of a search; see `services.fhir.search`.

        Args:
            asked: what `search.query.parse` made of a request, or the cursor of a later page.
            access: of the caller; None where the program itself searches.
            base: absolute URL of ``/fhir``, for a cursor.

        Raises:
            FhirCursorError: the cursor is not this store's.
            FhirParameterError: something in the query cannot be answered for this caller.
            FhirNotFoundError: it is about another person than the caller may see.
            ScopeError: the caller may not search a type that it touches.
        """
        return self._search.find(asked, access or Access(), base)

    def owners(self, keys: Sequence[Key]) -> dict[Key, frozenset[str]]:
        """Ids of the Patients in whose compartment each resource is; those in none are left out."""
        with self._database.reading() as session:
            return owners(session, keys)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry(row: ResourceRow) -> Entry:
    return Entry(row.type, row.id, row.version, _instant(row.updated), row.body)
