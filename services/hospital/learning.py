"""Learning at the hospital: its rounds, the jobs that do their steps, the clock that proposes."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from services.exchange.registry import Registry
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.hospital.settings import HospitalSettings
from services.learning.policy import POLICY, Policy
from services.learning.rounds import JOB, Rounds, Unmeasured, Unpublished
from services.learning.rounds.opening import parents_model
from services.store.database import Database

CLOCK_SECONDS = 15.0
_LOG = logging.getLogger("caretier.hospital")


def rounds_of(settings: HospitalSettings, database: Database, registry: Registry) -> Rounds:
    """The rounds of this hospital, by its update policy."""
    return Rounds(
        database,
        settings.data / "learning",
        Policy.load(settings.updates or POLICY),
        Unmeasured(),
        Unpublished(),
        model=parents_model,
        signer=registry.lookup,
        add_job=add_job,
    )


def round_handlers(rounds: Rounds, jobs: Jobs) -> dict[str, JobHandler]:
    """What does the steps of rounds; a job's fence counts how often its step was begun."""

    async def step(taken: Taken) -> None:
        await asyncio.to_thread(
            partial(
                rounds.advance,
                taken.subject.partition(".")[0],
                done=lambda session: jobs.finish(session, taken),
                attempt=taken.fence,
            )
        )

    return {JOB: step}


async def rounds_loop(rounds: Rounds) -> None:
    """Propose rounds and see how rollouts ended, again and again, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(rounds.tick)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("rounds clock: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)
