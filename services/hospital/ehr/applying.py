"""Writing what another record holds: resources, where they came from, and the trail, as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from services.fhir._prepare import Prepared, prepare
from services.fhir._queries import owners
from services.fhir.client import Failure, Resource
from services.fhir.client.narrowing import moment
from services.fhir.errors import FhirInvalidError, FhirNotFoundError
from services.fhir.models import ResourceRow
from services.fhir.store import FhirStore
from services.fhir.writer import Writer
from services.hospital.ehr.connections import still_held
from services.hospital.ehr.naming import Naming
from services.hospital.models import EhrAwaited, EhrResource

BATCH = 200
"""Resources of one transaction."""
LATEST = timedelta(days=1)
"""Longest time until something awaited is tried again."""
Key = tuple[str, str]
"""Type and id."""


@dataclass(frozen=True)
class Told:
    """What is about to be written or deleted, for the trail: how many resources, of whom."""

    connection: str
    patients: dict[str | None, int]
    deleted: str | None = None


@dataclass(frozen=True)
class _Item:
    changed: datetime | None
    patient: str | None
    prepared: Prepared


class Applier:
    """Writes for one connection, for as long as it is held.

    Args:
        records: the hospital's store.
        name: of the connection; holder: who works with it.
        naming: what its resources are called here.
        tell: writes down what is about to happen; where it raises, nothing happens.
    """

    def __init__(
        self,
        records: FhirStore,
        name: str,
        holder: str,
        naming: Naming,
        tell: Callable[[Told], None],
    ) -> None:
        self._records, self._name, self._holder = records, name, holder
        self.naming, self._tell = naming, tell

    def apply(self, resources: Sequence[Resource], seen: datetime) -> list[Failure]:
        """Write a batch; return what could not be written.

        Args:
            resources: as they came, `BATCH` at most.
            seen: when the pass began.

        Raises:
            EhrHeldError: somebody else works with the connection by now; nothing was written.
            AuditError: it could not be written down; nothing was written.
        """
        items, failures = self._prepared(resources)

        def work(writer: Writer) -> list[Failure]:
            still_held(writer.session, self._name, self._holder)
            return self._write(writer, items, seen)

        return failures + (self._records.write(work) if items else [])

    def _prepared(self, resources: Iterable[Resource]) -> tuple[dict[Key, _Item], list[Failure]]:
        items: dict[Key, _Item] = {}
        failures: list[Failure] = []
        for resource in resources:
            kind, id_ = str(resource["resourceType"]), str(resource["id"])
            meta = resource.get("meta")
            changed = moment(meta.get("lastUpdated") if isinstance(meta, dict) else None)
            try:
                here = prepare(self.naming.localise(resource))
                person = self.naming.person(resource)
                patient = None if person is None else f"Patient/{self.naming.local(person)}"
                item = _Item(changed, patient, here)
            except FhirInvalidError:
                failures.append(Failure(f"{kind}/{id_}", "invalid"))
                continue
            former = items.get((kind, id_))
            if former is None or _newer(item.changed, former.changed):
                items[kind, id_] = item
        return items, failures

    def _write(self, writer: Writer, items: dict[Key, _Item], seen: datetime) -> list[Failure]:
        session = writer.session
        known = {(row.type, row.source): row for row in self._rows(session, items)}
        foreign = self._foreign(session, {k: i for k, i in items.items() if k not in known})
        good = {key: item for key, item in items.items() if key not in foreign}
        fresh = {
            key: item
            for key, item in good.items()
            if key not in known or _newer(item.changed, known[key].changed)
        }
        writer.put_all([item.prepared for item in fresh.values()])
        for key, item in good.items():
            row = known.get(key) or self._row(session, key, item)
            row.seen = seen
            row.changed = item.changed if key in fresh else row.changed
        self._had(session, [f"{kind}/{id_}" for kind, id_ in good])
        whose = Counter(item.patient for item in fresh.values())
        if whose:
            self._tell(Told(self._name, dict(whose)))
        return [Failure(f"{kind}/{id_}", "duplicate") for kind, id_ in sorted(foreign)]

    def _row(self, session: Session, key: Key, item: _Item) -> EhrResource:
        row = EhrResource(connection=self._name, type=key[0], source=key[1], local=item.prepared.id)
        session.add(row)
        return row

    def _rows(self, session: Session, keys: Iterable[Key]) -> Iterable[EhrResource]:
        """Where resources of this connection are here."""
        query = select(EhrResource).where(
            EhrResource.connection == self._name,
            or_(*(and_(EhrResource.type == k, EhrResource.source == s) for k, s in keys)),
        )
        return session.scalars(query)

    def _foreign(self, session: Session, items: dict[Key, _Item]) -> set[Key]:
        """Those whose name here is taken by something that did not come from this connection."""
        if not items:
            return set()
        names = {item.prepared.key: key for key, item in items.items()}
        taken: set[Key] = set()
        for kind, id_, table in (
            (ResourceRow.type, ResourceRow.id, ResourceRow),
            (EhrResource.type, EhrResource.local, EhrResource),
        ):
            named = or_(*(and_(kind == k, id_ == i) for k, i in names))
            rows = session.execute(select(kind, id_).select_from(table).where(named))
            taken |= {(row[0], row[1]) for row in rows}
        return {names[key] for key in taken}

    def remove(self, kind: str, source: str) -> None:
        """Delete what the server says is gone; what did not come from it is left alone.

        Raises:
            EhrHeldError, AuditError: as `apply`.
        """

        def work(writer: Writer) -> None:
            session = writer.session
            still_held(session, self._name, self._holder)
            self._had(session, [f"{kind}/{source}"])
            row = session.get(EhrResource, (self._name, kind, source))
            if row is None:
                return
            key = (kind, row.local)
            of = sorted(owners(session, [key]).get(key, frozenset()))
            patients: dict[str | None, int] = {f"Patient/{id_}": 1 for id_ in of}
            deleted = f"{kind}/{row.local}"
            self._tell(Told(self._name, patients or {None: 1}, deleted=deleted))
            session.delete(row)
            try:
                writer.delete(kind, row.local)
            except FhirNotFoundError:
                return  # it was deleted here before

        self._records.write(work)

    def _had(self, session: Session, names: Sequence[str]) -> None:
        """Nothing of this is awaited any more."""
        session.execute(
            delete(EhrAwaited).where(
                EhrAwaited.connection == self._name, EhrAwaited.what.in_(names)
            )
        )

    def await_(self, session: Session, failures: Iterable[Failure]) -> None:
        """Note what could not be had, to be tried again after a while."""
        now = datetime.now(UTC)
        for failure in failures:
            row = session.get(EhrAwaited, (self._name, failure.what))
            if row is None:
                row = EhrAwaited(connection=self._name, what=failure.what[:400], attempts=0)
                session.add(row)
            row.code, row.attempts = failure.code[:80], row.attempts + 1
            row.due = now + min(timedelta(minutes=2 ** min(row.attempts, 12)), LATEST)
            session.flush()


def _newer(one: datetime | None, other: datetime | None) -> bool:
    """Whether a version may replace another: it is not older, as far as that is known."""
    return one is None or other is None or one >= other
