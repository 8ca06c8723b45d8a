"""The baseline: the same JSON texts in one plain table of the same database, by plain SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Index, MetaData, String, Table, Text, insert, select
from sqlalchemy.schema import Column

from services.fhir.bench.corpus import Item
from services.store.database import Database

_META = MetaData()
_TABLE = Table(
    "bench_raw",
    _META,
    Column("type", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("patient", String(64)),
    Column("body", Text),
    Index("ix_bench_raw_patient", "patient", "type"),
)


class RawTable:
    """Key, patient and text, and an index by patient; dropped on `close`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as session:
            _META.drop_all(session.connection())
            _META.create_all(session.connection())

    def insert(self, batch: Sequence[Item]) -> int:
        """Insert a batch in one transaction; return its size."""
        rows = [{"type": i.type, "id": i.id, "patient": i.patient, "body": i.text} for i in batch]
        with self._database.transaction() as session:
            session.execute(insert(_TABLE), rows)
        return len(rows)

    def read(self, kind: str, identity: str) -> str | None:
        """Select one text by its key."""
        where = (_TABLE.c.type == kind, _TABLE.c.id == identity)
        with self._database.reading() as session:
            return session.scalar(select(_TABLE.c.body).where(*where))

    def of_patient(self, patient: str, kind: str, most: int = 50) -> list[str]:
        """Select the texts of one patient and type by the index."""
        where = (_TABLE.c.patient == patient, _TABLE.c.type == kind)
        query = select(_TABLE.c.body).where(*where).order_by(_TABLE.c.id).limit(most)
        with self._database.reading() as session:
            return list(session.scalars(query))

    def close(self) -> None:
        """Drop the table."""
        with self._database.transaction() as session:
            _META.drop_all(session.connection())
