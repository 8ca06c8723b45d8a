"""Doing an import: line by line into the store, and what was refused into a report."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from compliance.errors import CaretierError
from services.fhir import jsontext
from services.fhir._prepare import Prepared, prepare
from services.fhir.access import Access
from services.fhir.bulk.files import Writer as NdjsonWriter
from services.fhir.bulk.orders import AccessOf, Done, Order, Orders
from services.fhir.bulk.snapshot import stamp
from services.fhir.bulk.sources import RECEIVED, Input, Inputs, fetch, lines
from services.fhir.errors import FhirInvalidError
from services.fhir.outcome import operation_outcome
from services.fhir.policy import writable
from services.fhir.results import Sourced
from services.fhir.store import FhirStore
from services.fhir.writer import Draft, Writer
from services.web.outbound import Outbound, OutboundFailedError

BATCH = 200
"""Resources of one transaction."""
REPORTED = 10_000
"""Refused lines that are reported one by one."""


class Importer:
    """Does imports.

    Args:
        store: that takes the resources.
        orders: that say what is wanted.
        access: evaluates anew what the program that asked may write.
        outbound: the way to addresses that an import names.
    """

    def __init__(
        self, store: FhirStore, orders: Orders, access: AccessOf, outbound: Outbound
    ) -> None:
        self._store, self._orders = store, orders
        self._access, self._outbound = access, outbound

    def run(self, id_: str, attempt: int, done: Done) -> None:
        """Do an import from the start: what is there already with the same text stays as it is.

        Args:
            id_: of the order.
            attempt: number of this attempt, larger than any before.
            done: finishes the job in the transaction of its result.
        """
        self._orders.run(id_, attempt, done, self._access, self._take)
        self._orders.files.received(id_).joinpath(RECEIVED).unlink(missing_ok=True)

    def _take(self, order: Order, access: Access, attempt: int) -> dict[str, Any]:
        folder = self._orders.files.begin(order.id, attempt)
        report = _Report(NdjsonWriter(folder, "OperationOutcome", "refused"))
        for path, name, kind in self._files(order, folder, report):
            found = lines(path, name)
            while batch := list(islice(found, BATCH)):
                self._write(report.judge_all(batch, kind, access), access, report)
                self._orders.advance(order.id, attempt, f"{report.lines} lines")
        return report.outcome()

    def _files(
        self, order: Order, folder: Path, report: _Report
    ) -> Iterator[tuple[Path, str, str]]:
        inputs = Inputs.load(order.asked).inputs
        if not inputs:
            yield self._orders.files.received(order.id) / RECEIVED, "body", ""
        for number, one in enumerate(inputs, 1):
            path, name = folder / f"input.{number}", f"input {number}"
            if self._fetched(one, path, name, report):
                yield path, name, one.type
                path.unlink()

    def _fetched(self, one: Input, path: Path, name: str, report: _Report) -> bool:
        try:
            asyncio.run(fetch(one.url, self._outbound, path))
        except (CaretierError, httpx.HTTPError) as error:
            known = error if isinstance(error, CaretierError) else OutboundFailedError("No answer.")
            report.refuse(name, known.message)
            path.unlink(missing_ok=True)
            return False
        return True

    def _write(self, items: Mapping[str, Prepared], access: Access, report: _Report) -> None:
        """Write resources at once; where one of them is refused, each by itself."""
        try:
            self._store.write(partial(_write_all, list(items.values())), access)
        except CaretierError as error:
            if not _is_refusal(error):
                raise
            if len(items) == 1:
                report.refuse_taken(items, error.message)
                return
            for origin, item in items.items():
                self._write({origin: item}, access, report)


def _write_all(items: list[Prepared], writer: Writer) -> None:
    last = {item.key: item for item in items}
    writer.write_all([Draft(item, "PUT") for item in last.values()])


def _is_refusal(error: CaretierError) -> bool:
    return 400 <= error.status < 500  # noqa: PLR2004  # the fault is with what was sent


class _Report:
    """What an import did: counts by type, and each line that was refused."""

    def __init__(self, refused: NdjsonWriter) -> None:
        self._refused, self._taken = refused, Counter[str]()
        self.lines = self.bad = 0

    def judge_all(self, batch: list[Sourced], kind: str, access: Access) -> dict[str, Prepared]:
        """The resources of some lines that are taken, by where they stand."""
        self.lines += len(batch)
        found = {}
        for line in batch:
            item = self._judge(line, kind, access)
            if item is not None:
                found[line.origin] = item
                self._taken[item.type] += 1
        return found

    def _judge(self, line: Sourced, kind: str, access: Access) -> Prepared | None:
        try:
            item = prepare(line.content)
        except FhirInvalidError as error:
            self.refuse(line.origin, error.message)
            return None
        if kind and item.type != kind:
            self.refuse(line.origin, "it is of another type than its input")
        elif not may_import(access, item.type):
            self.refuse(line.origin, "the scopes of this client do not cover its type")
        else:
            return item
        return None

    def refuse_taken(self, items: Mapping[str, Prepared], why: str) -> None:
        """Refuse after all what was taken before."""
        for origin, item in items.items():
            self._taken[item.type] -= 1
            self.refuse(origin, why)

    def refuse(self, origin: str, why: str) -> None:
        """Note what was not taken; after `REPORTED` of them they are only counted."""
        self.bad += 1
        if self.bad <= REPORTED:
            self._refused.write(jsontext.dumps(operation_outcome("invalid", f"{origin}: {why}")))

    def outcome(self) -> dict[str, Any]:
        """What the state of the import says in the end."""
        self._refused.close()
        return {
            "transactionTime": stamp(datetime.now(UTC)),
            "error": [part.to_json() for part in self._refused.parts],
            "taken": {kind: n for kind, n in sorted(self._taken.items()) if n},
            "refused": self.bad,
        }


def may_import(access: Access, kind: str) -> bool:
    """Whether a caller may create and update every resource of a type."""
    return all(
        access.allows(kind, letter) and not access.queries(kind, letter) and writable(kind, letter)
        for letter in ("c", "u")
    )
