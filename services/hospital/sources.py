"""Sources of knowledge at the hospital: their jobs and the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from compliance.errors import NotFoundError
from services.bricks.retrieval import Embeds
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.hospital.settings import HospitalSettings
from services.learning.sources.book import FETCH, STEP
from services.learning.sources.errors import SourceAwayError, SourceRefusedError
from services.learning.sources.opening import open_sources
from services.learning.sources.service import Sources
from services.store.database import Database
from services.web.outbound import Outbound

CLOCK_SECONDS = 60.0
_LOG = logging.getLogger("caretier.hospital")


def sources_of(
    settings: HospitalSettings,
    database: Database,
    outbound: Outbound,
    embedder: Callable[[], Embeds],
) -> Sources:
    """The sources of this hospital, by its reviewed list."""
    return open_sources(
        settings.data,
        database,
        outbound,
        listed=settings.sources,
        private=settings.outbound_private,
        passphrase=settings.signing_passphrase,
        embedder=embedder,
        add_job=add_job,
    )


def source_handlers(sources: Sources, jobs: Jobs) -> dict[str, JobHandler]:
    """What asks sources and does the steps of changes; both may take long, so in a thread."""

    def fetch(taken: Taken) -> None:
        source = taken.subject.rpartition(".")[0]
        done = partial(jobs.finish, taken=taken)
        try:
            asyncio.run(sources.fetch(source, done=done))
        except (SourceAwayError, SourceRefusedError) as error:  # written down with its source
            _LOG.warning("source %s: %s", source, error.message)
        except NotFoundError:  # no longer listed
            with sources.book.database.transaction() as session:
                done(session)
        sources.sweep()

    def step(taken: Taken) -> None:
        change = taken.subject.partition(".")[0]
        sources.advance(change, partial(jobs.finish, taken=taken))

    async def fetching(taken: Taken) -> None:
        await asyncio.to_thread(fetch, taken)

    async def stepping(taken: Taken) -> None:
        await asyncio.to_thread(step, taken)

    return {FETCH: fetching, STEP: stepping}


async def sources_loop(sources: Sources) -> None:
    """Add the jobs of what is due, again and again, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(sources.tick)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("sources clock: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)
