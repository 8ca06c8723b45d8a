"""Doing an export: the files of one moment's view, and the manifest that lists them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from services.fhir._queries import BATCH, owners
from services.fhir.access import Access
from services.fhir.bulk.asked import Asked
from services.fhir.bulk.deleted import deletions
from services.fhir.bulk.files import LINES, Writer
from services.fhir.bulk.orders import AccessOf, Done, Order, Orders
from services.fhir.bulk.selection import Selection
from services.fhir.bulk.snapshot import snapshot, stamp
from services.fhir.models import ResourceRow
from services.store.database import Database


class Exporter:
    """Does exports.

    Args:
        database: of the store.
        orders: that say what is wanted.
        access: evaluates anew what the program that asked may see.
        lines: most of one file.
    """

    def __init__(
        self, database: Database, orders: Orders, access: AccessOf, *, lines: int = LINES
    ) -> None:
        self._database, self._orders, self._access, self._lines = database, orders, access, lines

    def run(self, id_: str, attempt: int, done: Done) -> None:
        """Do an export from the start; what an earlier attempt wrote does not count.

        Args:
            id_: of the order.
            attempt: number of this attempt, larger than any before.
            done: finishes the job in the transaction of its result.
        """
        self._orders.run(id_, attempt, done, self._access, self._write)

    def _write(self, order: Order, access: Access, attempt: int) -> dict[str, Any]:
        asked = Asked.load(order.asked)
        folder = self._orders.files.begin(order.id, attempt)
        parts: list[dict[str, Any]] = []
        count = 0
        with snapshot(self._database) as (session, moment):
            selection = Selection(session, access, asked, order.id)
            for kind in selection.kinds():
                writer = Writer(folder, kind, lines=self._lines)
                for batch in _batches(selection.rows(kind)):
                    count += len(batch)
                    self._orders.advance(order.id, attempt, f"{count} resources, at {kind}")
                    write_rows(session, writer, batch)
                writer.close()
                parts += [part.to_json() for part in writer.parts]
            gone = deletions(session, access, asked, order.id)
            writer = Writer(folder, "Bundle", "deleted", self._lines)
            for bundle, people in gone:
                writer.write(bundle, people)
            writer.close()
        deleted = [part.to_json() for part in writer.parts]
        return {"transactionTime": stamp(moment), "output": parts, "deleted": deleted}


def write_rows(session: Session, writer: Writer, rows: list[ResourceRow]) -> None:
    """Write resources with the people they are about."""
    people = owners(session, [(row.type, row.id) for row in rows])
    for row in rows:
        writer.write(row.body, people.get((row.type, row.id), ()))


def export_to(database: Database, folder: Path) -> dict[str, int]:
    """Write every resource into ``folder``, a file or more for each type; returns how many by type.

    For whoever runs the server: nobody's access is asked, and nothing is written down here.
    """
    counts: dict[str, int] = {}
    with snapshot(database) as (session, _moment):
        selection = Selection(session, Access(), Asked("system"), "")
        for kind in selection.kinds():
            writer = Writer(folder, kind)
            for batch in _batches(selection.rows(kind)):
                for row in batch:
                    writer.write(row.body)
                counts[kind] = counts.get(kind, 0) + len(batch)
            writer.close()
    return counts


def _batches(rows: Iterator[ResourceRow]) -> Iterator[list[ResourceRow]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
