"""Doing jobs: short ones at once, long ones beside them: no referral waits for a record.

A job that fails is one that is tried again; its lease and attempts stand in the database (`Jobs`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta

from services.hospital.jobs import JobHandler, Jobs

AT_ONCE = 2
"""Long jobs of one kind in one process at a time."""
IDLE_SECONDS = 0.5
_LOG = logging.getLogger("caretier.hospital")


def _kind(job: str) -> str:
    return job.partition(":")[0]


class Doing:
    """Does the jobs of a process.

    Args:
        jobs: what is to be done.
        handlers: what does a job, by its kind.
        short: kinds that are done at once; every other is long.
        patience: how long `loop` leaves a job to a worker.
    """

    def __init__(
        self,
        jobs: Jobs,
        handlers: Mapping[str, JobHandler],
        *,
        short: Collection[str],
        patience: timedelta,
    ) -> None:
        self._jobs, self._handlers = jobs, handlers
        self._short, self._patience = frozenset(short), patience
        self._running: dict[str, asyncio.Task[bool]] = {}

    async def do(self, job: str) -> bool:
        """Take a job and do it; False when there was nothing to take or it failed."""
        taken = await asyncio.to_thread(self._jobs.take, job)
        if taken is None:
            return False
        try:
            async with self._jobs.kept(taken):
                await self._handlers[taken.kind](taken)
        except Exception as error:  # noqa: BLE001 - every failure is a later attempt
            _LOG.warning("job %s failed: %s", taken.kind, type(error).__name__)
            await asyncio.to_thread(self._jobs.fail, taken, type(error).__name__)
            return False
        return True

    async def run(self, job: str) -> None:
        """Do a short job now; begin a long one, where there is room and it has not begun."""
        if _kind(job) in self._short:
            await self.do(job)
            return
        self._running = {id_: task for id_, task in self._running.items() if not task.done()}
        alike = sum(_kind(id_) == _kind(job) for id_ in self._running)
        if job not in self._running and alike < AT_ONCE:
            self._running[job] = asyncio.create_task(self.do(job))

    async def loop(self) -> None:
        """Do what no worker takes (all jobs where there is no queue), until cancelled."""
        while True:
            try:
                for job in await asyncio.to_thread(self._jobs.due, older_than=self._patience):
                    await self.run(job)
            except Exception as error:  # noqa: BLE001 - a loop that dies leaves referrals lying
                _LOG.error("jobs loop: %s", type(error).__name__)
            await asyncio.sleep(IDLE_SECONDS)

    async def stop(self) -> None:
        """Break off what runs; its lease ends and another takes it up."""
        for task in self._running.values():
            task.cancel()
        for task in self._running.values():
            with suppress(asyncio.CancelledError):
                await task
        self._running = {}
