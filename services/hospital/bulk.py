"""Bulk data at the hospital: its jobs, and the time that its files are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from services.fhir.bulk.orders import AccessOf, Done
from services.fhir.bulk.service import Bulk
from services.fhir.store import FhirStore
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.store.database import Database
from services.web.outbound import Outbound

RULE = "hospital.bulk"
"""The rule of the retention schedule that says how long files are kept."""


def bulk_of(
    database: Database,
    store: FhirStore,
    data: Path,
    access: AccessOf,
    *,
    outbound: Outbound,
    keep: timedelta | None,
) -> Bulk:
    """Bulk data of the hospital's store, its files below ``data``."""
    return Bulk(
        database,
        store,
        data / "bulk",
        access,
        add_job=add_job,
        outbound=outbound,
        keep=keep or timedelta(days=1),
    )


def bulk_handlers(bulk: Bulk, jobs: Jobs) -> dict[str, JobHandler]:
    """What does the jobs of exports and imports."""

    def handler(run: Callable[[str, int, Done], None]) -> JobHandler:
        async def handle(taken: Taken) -> None:
            def done(session: Session) -> bool:
                return jobs.finish(session, taken)

            await asyncio.to_thread(run, taken.subject, taken.fence, done)

        return handle

    return {
        "bulk-export": handler(bulk.exporter.run),
        "bulk-import": handler(bulk.importer.run),
    }
