"""One who opens hundreds of streams keeps nobody else out."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from services.hospital.gateway.errors import GatewayFullError
from services.hospital.gateway.slots import Slots

WAITING = 16


async def hold(slots, key, until):
    async with slots.slot(key):
        await until.wait()


async def test_five_hundred_streams_of_one_user_leave_places_for_others():
    slots, done = Slots(1, WAITING, patience=30.0), asyncio.Event()
    greedy = [asyncio.create_task(hold(slots, "greedy", done)) for _ in range(500)]
    await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    refused = sum(isinstance(t.exception(), GatewayFullError) for t in greedy if t.done())
    assert refused == 500 - 1 - slots.waiting
    assert slots.waiting < WAITING
    other = asyncio.create_task(hold(slots, "other", done))
    await asyncio.sleep(0)
    assert not other.done()
    with pytest.raises(GatewayFullError):
        await hold(slots, "greedy", done)
    done.set()
    await other
    for task in greedy:
        with contextlib.suppress(GatewayFullError):
            await task
    assert (slots.running, slots.waiting) == (0, 0)
