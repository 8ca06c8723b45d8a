"""Long jobs run beside the short ones, so many at once, and are broken off at the end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

from services.hospital.doing import Doing
from services.hospital.jobs import Taken


class Table:
    """A job table that gives whatever is asked for."""

    def __init__(self):
        self.failed = []

    def take(self, job):
        kind, _, subject = job.partition(":")
        return Taken(job, kind, subject, 1)

    @asynccontextmanager
    async def kept(self, taken):
        yield

    def fail(self, taken, error):
        self.failed.append((taken.id, error))


async def some(queue, count):
    return {await queue.get() for _ in range(count)}


async def test_a_long_job_does_not_hold_up_a_short_one():
    begun, done, free = asyncio.Queue(), asyncio.Queue(), asyncio.Event()

    async def long(taken):
        begun.put_nowait(taken.id)
        await free.wait()
        done.put_nowait(taken.id)

    async def quick(taken):
        done.put_nowait(taken.id)

    handlers = {"long": long, "other": quick, "short": quick}
    doing = Doing(Table(), handlers, short={"short"}, patience=timedelta(0))
    async with asyncio.timeout(20):
        for job in ("long:1", "long:1", "long:2", "long:3", "other:1", "short:1"):
            await doing.run(job)
        assert await some(done, 2) == {"other:1", "short:1"}
        assert await some(begun, 2) == {"long:1", "long:2"}
        free.set()
        assert await some(done, 2) == {"long:1", "long:2"}
        free.clear()
        await doing.run("long:4")
        assert await some(begun, 1) == {"long:4"}, "a third of a kind was not kept for later"
        await doing.stop()
    assert done.empty()


async def test_a_job_that_fails_is_told_by_its_kind_of_failure_only():
    async def breaks(taken):
        raise ValueError("Ana has a cough")

    table = Table()
    doing = Doing(table, {"short": breaks}, short={"short"}, patience=timedelta(0))
    assert not await doing.do("short:1")
    assert table.failed == [("short:1", "ValueError")]
