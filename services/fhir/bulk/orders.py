"""What was asked for in bulk: each export and import, from kick-off until its files are gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from services.fhir import jsontext
from services.fhir.access import Access, Grant
from services.fhir.bulk.errors import BulkBusyError
from services.fhir.bulk.files import Files
from services.fhir.errors import FhirNotFoundError
from services.fhir.models import OrderPatientRow, OrderRow
from services.store.database import Database
from services.store.rows import changed, taken

Kind = Literal["export", "import"]
UNDER_WAY = 5
"""Most orders of one client that wait at a time."""
POLL_SECONDS = (1, 10)
"""Least and most time that a client is told to wait before it asks again."""
RECEIVING = timedelta(hours=1)
"""How long the body of an import may take to come."""
ATTEMPTS = 8
"""After so many an order has failed."""
AddJob = Callable[[Session, str, str], None]
"""Adds a job of a kind for a subject in the caller's transaction."""
AccessOf = Callable[[Grant], Access | None]
"""What a program may see now under a grant; None when it may nothing any more."""
Done = Callable[[Session], bool]
"""Finishes the job in the transaction of its result; False when somebody else has it by now."""

_LOG = logging.getLogger("caretier.fhir.bulk")


class StoppedError(Exception):
    """Nobody wants the order any more, or somebody else is at it."""


@dataclass(frozen=True)
class Order:
    """An order as it stands; the fields are those of `OrderRow`."""

    id: str
    kind: Kind
    grant: Grant
    request: str
    asked: str
    state: Literal["receiving", "waiting", "done", "failed"]
    progress: str
    attempt: int
    outcome: dict[str, Any]
    ended: datetime | None


class Orders:
    """The orders of one store.

    Args:
        database: that keeps them.
        files: of them.
        add_job: that does them.
        keep: how long the files of one are there once it is done.
    """

    def __init__(self, database: Database, files: Files, add_job: AddJob, keep: timedelta) -> None:
        self._database, self.files, self._add_job, self.keep = database, files, add_job, keep

    def open(
        self,
        kind: Kind,
        grant: Grant,
        *,
        request: str,
        asked: str,
        patients: Iterable[str] = (),
        receiving: bool = False,
    ) -> str:
        """Take an order and add its job; returns its id.

        Args:
            kind: of order.
            grant: under which it is asked.
            request: URL of the kick-off.
            asked: what for.
            patients: whose records it is confined to.
            receiving: whether something of it is still to come; `start` adds its job then.

        Raises:
            BulkBusyError: the client has too many under way.
        """
        row = OrderRow(
            id=str(uuid4()),
            kind=kind,
            client=grant.client,
            scopes=grant.scopes,
            request=request,
            asked=asked,
            state="receiving" if receiving else "waiting",
            progress="waiting",
            attempt=0,
            requested=datetime.now(UTC),
        )
        with self._database.transaction() as session:
            self._require_few(session, grant.client)
            session.add(row)
            if people := [{"order": row.id, "patient": patient} for patient in patients]:
                session.execute(insert(OrderPatientRow), people)
            if not receiving:
                self._add_job(session, f"bulk-{kind}", row.id)
        return row.id

    @staticmethod
    def _require_few(session: Session, client: str) -> None:
        coming = and_(
            OrderRow.state == "receiving", OrderRow.requested > datetime.now(UTC) - RECEIVING
        )
        mine = (OrderRow.client == client, or_(OrderRow.state == "waiting", coming))
        if (session.scalar(select(func.count()).where(*mine)) or 0) >= UNDER_WAY:
            raise BulkBusyError("Too many exports and imports are under way.", 60)

    def start(self, id_: str) -> None:
        """Add the job of an order of which all has come."""
        with self._database.transaction() as session:
            row = session.get_one(OrderRow, id_)
            row.state = "waiting"
            self._add_job(session, f"bulk-{row.kind}", id_)

    def run(
        self,
        id_: str,
        attempt: int,
        done: Done,
        access: AccessOf,
        work: Callable[[Order, Access, int], dict[str, Any]],
    ) -> None:
        """Do an order, and keep what came of it together with the end of its job.

        Args:
            id_: of the order.
            attempt: number of this attempt, larger than any before.
            done: finishes the job.
            access: evaluates anew what the program that asked may do.
            work: does it, and returns its outcome; raises StoppedError when nobody wants it.
        """
        order = self.get(id_)
        allowed = access(order.grant) if order else None
        outcome: dict[str, Any] | None = None
        if order is not None and allowed is not None:
            try:
                outcome = work(order, allowed, attempt)
            except StoppedError:
                self.files.delete([] if self.get(id_) else [id_])
            except Exception as error:
                if attempt < ATTEMPTS:
                    raise  # the job is tried again
                _LOG.error("%s gives up: %s", order.kind, type(error).__name__)
        with self._database.transaction() as session:
            ours = done(session)
            if ours:
                self._end(session, id_, attempt, outcome)
        if ours:
            self.files.keep_only(id_, attempt)

    def find(self, kind: Kind, id_: str, grant: Grant) -> Order:
        """An order of this client.

        Raises:
            FhirNotFoundError: there is none: never was, not this client's, cancelled, or over.
        """
        order = self.get(id_)
        mine = order is not None and (order.kind, order.grant.client) == (kind, grant.client)
        if order is None or not mine or self._over(order):
            raise FhirNotFoundError(f"there is no such {kind} for this caller")
        return order

    def _over(self, order: Order) -> bool:
        return order.ended is not None and order.ended + self.keep < datetime.now(UTC)

    def get(self, id_: str) -> Order | None:
        """An order of anybody's."""
        with self._database.reading() as session:
            row = session.get(OrderRow, id_)
            return None if row is None else _order(row)

    def poll(self, order: Order) -> int:
        """Note that a client asked how an order stands; returns when it should ask again, seconds.

        Raises:
            BulkBusyError: it was told to wait longer.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as session:
            row = session.get(OrderRow, order.id, with_for_update=True)
            if row is None:
                raise FhirNotFoundError(f"there is no such {order.kind} for this caller")
            least, most = POLL_SECONDS
            wait = int(min(max((now - row.requested).total_seconds() / 10, least), most))
            if row.polled is not None and now < row.polled + timedelta(seconds=wait / 2):
                raise BulkBusyError("The state was asked for too soon.", wait)
            row.polled = now
        return wait

    def advance(self, id_: str, attempt: int, progress: str) -> None:
        """Note how far an attempt is.

        Raises:
            StoppedError: the order was cancelled, or there is a later attempt at it.
        """
        with self._database.transaction() as session:
            noted = session.execute(
                update(OrderRow)
                .where(OrderRow.id == id_, OrderRow.attempt <= attempt, OrderRow.state == "waiting")
                .values(attempt=attempt, progress=progress)
            )
            if changed(noted) != 1:
                raise StoppedError

    @staticmethod
    def _end(session: Session, id_: str, attempt: int, outcome: dict[str, Any] | None) -> None:
        failed = {"problem": "It could not be done, or the client may do nothing any more."}
        session.execute(
            update(OrderRow)
            .where(OrderRow.id == id_)
            .values(
                attempt=attempt,
                state="failed" if outcome is None else "done",
                outcome=jsontext.dumps(failed if outcome is None else outcome),
                ended=datetime.now(UTC),
            )
        )

    def cancel(self, id_: str) -> None:
        """Forget an order and delete its files; whoever is at it stops."""
        self._forget([id_])

    def drop_exports(self) -> int:
        """Forget every export, the files with it; returns how many.

        They are copies of records, one of which is erased: each can be asked for again.
        """
        with self._database.reading() as session:
            ids = list(session.scalars(select(OrderRow.id).where(OrderRow.kind == "export")))
        self._forget(ids)
        return len(ids)

    def forget(self, before: datetime) -> int:
        """Forget what ended, or was asked for in vain, before a moment; returns how many."""
        over = func.coalesce(OrderRow.ended, OrderRow.requested) < before
        with self._database.reading() as session:
            ids = list(session.scalars(select(OrderRow.id).where(over)))
            known = set(session.scalars(select(OrderRow.id)))
        self._forget(ids)
        self.files.delete(set(self.files.orders()) - known)
        return len(ids)

    def _forget(self, ids: list[str]) -> None:
        with self._database.transaction() as session:
            known = taken(session, OrderRow.id, OrderRow.id.in_(ids))
            for table, column in (
                (OrderRow, OrderRow.id),
                (OrderPatientRow, OrderPatientRow.order),
            ):
                session.execute(delete(table).where(column.in_(known)))
        self.files.delete(ids)


def _order(row: OrderRow) -> Order:
    return Order(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # the table holds no other
        grant=Grant(row.client, row.scopes),
        request=row.request,
        asked=row.asked,
        state=row.state,  # type: ignore[arg-type]  # as above
        progress=row.progress,
        attempt=row.attempt,
        outcome=jsontext.loads(row.outcome) if row.outcome else {},
        ended=row.ended,
    )
