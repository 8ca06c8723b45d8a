"""The records of other servers, put together for one hospital."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from compliance.errors import CaretierError
from services.fhir.client import ClientSettings, Connects
from services.fhir.store import FhirStore
from services.hospital.ehr.applying import Applier
from services.hospital.ehr.book import Book
from services.hospital.ehr.connections import Connecting, Connections
from services.hospital.ehr.errors import EhrHeldError
from services.hospital.ehr.naming import Naming
from services.hospital.ehr.outcome import Mode, Outcome
from services.hospital.ehr.passes import Pass
from services.hospital.ehr.scheduling import KIND, read_subject, schedule
from services.hospital.ehr.subscribing import Subscriptions
from services.hospital.ehr.trail import Record, Trail
from services.hospital.jobs import JobHandler, Jobs, Taken
from services.hospital.models import EhrAwaited, EhrConnection, EhrResource
from services.store.database import Database

CLOCK_SECONDS = 20.0
"""How often it is looked at whether a connection is due."""
_LOG = logging.getLogger("caretier.hospital.ehr")


class Ehr:
    """Keeps the records of connected EHRs up to date.

    Args:
        database: of the hospital; records: its store; jobs: its jobs.
        connects: makes HTTP clients, and decides what may be called.
        record: writes events to the trail; node: name of the hospital.
        base_url: where servers send their notifications; None where they cannot.
        settings: limits of the clients.
    """

    def __init__(
        self,
        database: Database,
        records: FhirStore,
        jobs: Jobs,
        connects: Connects,
        *,
        record: Record,
        node: str,
        base_url: str | None = None,
        settings: ClientSettings | None = None,
    ) -> None:
        self._database, self._records, self._jobs = database, records, jobs
        self.trail = Trail(record, node)
        self.connections = Connections(database, connects, settings)
        self.subscriptions = Subscriptions(database, base_url)

    @property
    def handlers(self) -> dict[str, JobHandler]:
        """What does the jobs."""
        return {KIND: self._do}

    def connect(self, given: Connecting) -> EhrConnection:
        """Connect an EHR; errors as `Connections.add`."""
        self.trail.connected(given.name, given.base, "added")
        return self.connections.add(given)

    def disconnect(self, name: str, *, forget: bool = False) -> None:
        """Disconnect an EHR; errors as `Connections.remove`."""
        self.trail.connected(name, self.connections.get(name).base, "removed")
        self.connections.remove(name, forget=forget)

    async def unsubscribe(self, name: str) -> None:
        """End the subscriptions of a connection; errors as `sync`."""
        row = await asyncio.to_thread(self.connections.get, name)
        if row.subscriptions:
            async with await self.connections.open(row) as client:
                await self.subscriptions.end(row, client)

    def schedule(self) -> int:
        """Write the jobs that are due; returns how many."""
        return schedule(self._database)

    async def loop(self) -> None:
        """Look again and again whether a connection is due, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.schedule)
            except Exception as error:  # noqa: BLE001 - the next look tries again
                _LOG.error("ehr clock: %s", type(error).__name__)
            await asyncio.sleep(CLOCK_SECONDS)

    async def _do(self, taken: Taken) -> None:
        """Do a job; a server that is away is asked again by its own clock, not by the job's."""
        name, mode = read_subject(taken.subject)
        try:
            await self.sync(name, mode)
        except CaretierError as error:
            _LOG.warning("ehr %s: %s", name, error.kind)
        await asyncio.to_thread(self._finish, taken)

    def _finish(self, taken: Taken) -> None:
        with self._database.transaction() as session:
            self._jobs.finish(session, taken)

    async def sync(
        self,
        name: str,
        mode: Mode = "new",
        *,
        allow: bool = False,
        progress: Callable[[int], None] = lambda _count: None,
    ) -> Outcome:
        """Read a connection once.

        Args:
            name: of the connection.
            mode: what is read.
            allow: delete even where much seems to be gone.
            progress: called with the number of resources so far.

        Raises:
            NotFoundError: there is no such connection.
            EhrHeldError: somebody else works with it.
            FhirServerError, OutboundRefusedError: it cannot be read now.
        """
        row = await asyncio.to_thread(self.connections.get, name)
        holder = str(uuid4())
        if not await asyncio.to_thread(self.connections.take, name, holder):
            raise EhrHeldError("Somebody works with this connection already.")
        told: dict[str, object] = {"state": "failed", "error": "interrupted"}
        try:
            async with self.connections.kept(name, holder):
                outcome = await self._pass(row, holder, mode, allow, progress, told)
        except CaretierError as error:
            told["error"] = error.kind
            raise
        finally:
            await asyncio.to_thread(lambda: self.connections.release(name, holder, **told))
        return outcome

    async def _pass(  # noqa: PLR0917 - the parts of one pass
        self,
        row: EhrConnection,
        holder: str,
        mode: Mode,
        allow: bool,
        progress: Callable[[int], None],
        told: dict[str, object],
    ) -> Outcome:
        naming = Naming(row.base, row.prefix)
        applier = Applier(self._records, row.name, holder, naming, self.trail.told)
        book = Book(self._database, row.name, holder)
        began = datetime.now(UTC)
        async with await self.connections.open(row) as client:
            one = Pass(row, client, applier, book, mode=mode, allow=allow, progress=progress)
            outcome = await one.run()
            if mode != "named":
                await self.subscriptions.ensure(row, client)
        await asyncio.to_thread(self._await, applier, outcome)
        if mode == "named":  # it tells nothing of the rest
            told |= {"state": row.state, "error": row.error}
            return outcome
        told |= {"state": outcome.state, "error": "; ".join(outcome.troubles)[:200] or None}
        told |= {"synced": began} | ({"full": began} if one.full else {})
        return outcome

    def _await(self, applier: Applier, outcome: Outcome) -> None:
        with self._database.transaction() as session:
            applier.await_(session, outcome.failures)

    def status(self) -> list[dict[str, Any]]:
        """Each connection, as an operator sees it; nothing of a person."""
        counts, waiting = self._counts(EhrResource), self._counts(EhrAwaited)
        return [
            {
                "name": row.name,
                "state": "running" if row.holder else row.state,
                "synced": row.synced,
                "resources": counts.get(row.name, 0),
                "awaited": waiting.get(row.name, 0),
                "error": row.error,
            }
            for row in self.connections.all()
        ]

    def _counts(self, table: type[EhrResource | EhrAwaited]) -> dict[str, int]:
        """Number of rows by connection."""
        query = select(table.connection, func.count()).group_by(table.connection)
        with self._database.reading() as session:
            return {str(row[0]): int(row[1]) for row in session.execute(query)}
