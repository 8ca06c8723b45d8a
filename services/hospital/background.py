"""Long jobs run beside the short ones, so that no referral waits for a record to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

AT_ONCE = 2
"""Long jobs of one kind in one process at a time."""


class Background:
    """Does the long jobs of a process.

    Args:
        do: does a job; it raises nothing.
        kinds: which jobs are long.
    """

    def __init__(self, do: Callable[[str], Awaitable[object]], kinds: Collection[str]) -> None:
        self._do, self._kinds = do, frozenset(kinds)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, job: str) -> None:
        """Do a short job now; begin a long one, where there is room and it has not begun."""
        kind = job.partition(":")[0]
        if kind not in self._kinds:
            await self._do(job)
            return
        self._running = {id_: task for id_, task in self._running.items() if not task.done()}
        alike = sum(id_.partition(":")[0] == kind for id_ in self._running)
        if job not in self._running and alike < AT_ONCE:
            self._running[job] = asyncio.create_task(self._long(job))

    async def _long(self, job: str) -> None:
        await self._do(job)

    async def stop(self) -> None:
        """Break off what runs; its lease ends and another takes it up."""
        for task in self._running.values():
            task.cancel()
        for task in self._running.values():
            with suppress(asyncio.CancelledError):
                await task
        self._running = {}


def _kind(job: str) -> str:
    return job.partition(":")[0]
