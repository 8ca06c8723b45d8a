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

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from services.fhir._prepare import Prepared, accepted, prepare, reference_rows, token_rows
from services.fhir._queries import (
    BATCH,
    Key,
    digests,
    has_token,
    in_record,
    owners,
    rows,
    supports,
)
from services.fhir.errors import FhirParameterError
from services.fhir.models import ReferenceRow, ResourceRow, TokenRow
from services.fhir.results import Content, Entry, LoadReport, Page, Sourced, Stored
from services.fhir.validate import require_type
from services.store.database import Database

MAX_COUNT = 500
"""Most resources on one page of a search."""


class FhirStore:
    """R4 resources in one relational database.

    Args:
        database: opened database whose ``services.fhir`` tables are migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, resource: Content) -> Stored:
        """Write one resource: a new one, or the next version of the one with its id.

        Raises:
            FhirInvalidError: it is not R4; nothing was stored.
        """
        prepared = prepare(resource)
        with self._database.transaction() as session:
            self._write(session, [prepared])
            row = session.get_one(ResourceRow, prepared.key)
            return Stored(row.type, row.id, row.version, _instant(row.updated))

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
            prepared = dict(accepted(batch, seen, report))
            if prepared:
                with self._database.transaction() as session:
                    self._write(session, list(prepared.values()))
            for kind, _ in prepared:
                report.loaded[kind] = report.loaded.get(kind, 0) + 1
            seen += len(batch)
            if progress is not None:
                progress(seen)
        return report

    def _write(self, session: Session, prepared: Sequence[Prepared]) -> None:
        known = dict(digests(session, [item.key for item in prepared]))
        # Sorted, so that two writers lock rows in one order and cannot block each other for ever.
        changed = sorted(
            (p for p in prepared if known.get(p.key) != p.digest), key=lambda item: item.key
        )
        if not changed:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        rows = [
            {
                "type": p.type,
                "id": p.id,
                "version": 1,
                "updated": now,
                "digest": p.digest,
                "body": p.text,
            }
            for p in changed
        ]
        session.execute(self._upsert(), rows)
        replaced = [p.key for p in changed if p.key in known]
        for table in (ReferenceRow, TokenRow):
            if replaced:
                source = tuple_(table.source_type, table.source_id)
                session.execute(delete(table).where(source.in_(replaced)))
        if references := [row for p in changed for row in reference_rows(p)]:
            session.execute(insert(ReferenceRow), references)
        if codes := [row for p in changed for row in token_rows(p)]:
            session.execute(insert(TokenRow), codes)

    def _upsert(self) -> Any:
        dialect: Any = sqlite if self._database.is_sqlite else postgresql
        statement = dialect.insert(ResourceRow.__table__)
        new = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=["type", "id"],
            set_={
                "version": ResourceRow.version + 1,
                "updated": new.updated,
                "digest": new.digest,
                "body": new.body,
            },
        )

    def read(self, kind: str, identity: str) -> dict[str, Any] | None:
        """Return the resource as Python values, or None.

        Raises:
            FhirUnknownTypeError: ``kind`` is no resource type.
        """
        entry = self.entry(kind, identity)
        return None if entry is None else entry.resource

    def entry(self, kind: str, identity: str) -> Entry | None:
        """Return the resource with its text, version and time of update, or None."""
        require_type(kind)
        with self._database.reading() as session:
            row = session.get(ResourceRow, (kind, identity))
            return None if row is None else _entry(row)

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
        keys = self._record_keys(patient)
        return (kind, identity) in keys

    def everything(self, patient: str) -> list[dict[str, Any]]:
        """Return the person's record: Patient first, then its compartment, then who is named in it.

        The list is empty when there is no such Patient.
        """
        return [entry.resource for entry in self.everything_entries(patient)]

    def everything_entries(self, patient: str) -> list[Entry]:
        """The same as `everything`, with the texts as they came."""
        keys = self._record_keys(patient)
        with self._database.reading() as session:
            found = {(row.type, row.id): _entry(row) for row in rows(session, keys)}
        return [found[key] for key in keys if key in found]

    def owners(self, keys: Sequence[Key]) -> dict[Key, frozenset[str]]:
        """Ids of the Patients in whose compartment each resource is; those in none are left out."""
        with self._database.reading() as session:
            return owners(session, keys)

    def _record_keys(self, patient: str) -> dict[Key, None]:
        identity = patient.removeprefix("Patient/")
        mine = aliased(ReferenceRow)
        compartment = (
            select(mine.source_type, mine.source_id)
            .where(mine.target_type == "Patient", mine.target_id == identity, mine.compartment == 1)
            .distinct()
            .order_by(mine.source_type, mine.source_id)
        )
        with self._database.reading() as session:
            if session.get(ResourceRow, ("Patient", identity)) is None:
                return {}
            keys: dict[Key, None] = {("Patient", identity): None}
            keys.update(((kind, key), None) for kind, key in session.execute(compartment))
            frontier = list(keys)
            while frontier:
                frontier = [key for key in sorted(supports(session, frontier)) if key not in keys]
                keys.update((key, None) for key in frontier)
        return keys


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry(row: ResourceRow) -> Entry:
    return Entry(row.type, row.id, row.version, _instant(row.updated), row.body)
