"""Back-pressure: so many requests run at once, so many wait, and keys take turns.

Without turns a program that sends a thousand requests at once would keep every other one waiting;
and it must not take all the places to wait, or every other one were refused.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.hospital.gateway.errors import GatewayFullError

_Turn = asyncio.Future[None]
SMOOTHING = 0.1
OTHERS = 8
"""One part in so many of the places to wait is left for others than the key that fills them."""
LONGEST_ADVICE = 60
"""Seconds of the longest Retry-After."""


class Slots:
    """Slots at the engine.

    Args:
        running: requests at once.
        waiting: requests that may wait, of all keys together.
        patience: seconds that one waits at most.
    """

    def __init__(self, running: int, waiting: int, patience: float) -> None:
        self._free, self._running, self._most, self._patience = running, running, waiting, patience
        self._queues: OrderedDict[str, deque[_Turn]] = OrderedDict()
        self._typical = 1.0

    @property
    def waiting(self) -> int:
        """Requests that wait now."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def running(self) -> int:
        """Requests that run now."""
        return self._running - self._free

    @asynccontextmanager
    async def slot(self, key: str) -> AsyncIterator[None]:
        """Run while the block does; waits for its turn first.

        Raises:
            GatewayFullError: too many wait, or the turn did not come in time.
        """
        if self._free and not self._queues:
            self._free -= 1
        else:
            await self._wait(key)
        began = time.monotonic()
        try:
            yield
        finally:
            self._typical += SMOOTHING * (time.monotonic() - began - self._typical)
            self._pass_on()

    async def _wait(self, key: str) -> None:
        mine = len(self._queues.get(key, ()))
        if self.waiting >= self._most or mine >= self._most - self._most // OTHERS:
            raise GatewayFullError(f"{self.waiting} requests wait for a model.", self._advice())
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the turn came in the very moment in which it was given up
            else:
                self._leave(key, turn)
            if isinstance(error, TimeoutError):
                message = f"No model was free within {self._patience:g} s."
                raise GatewayFullError(message, self._advice()) from None
            raise

    def _leave(self, key: str, turn: _Turn) -> None:
        queue = self._queues.get(key)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[key]

    def _pass_on(self) -> None:
        """Give the slot to the key whose turn it is; each key then waits for all others."""
        while self._queues:
            key, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[key] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _advice(self) -> int:
        seconds = self._typical * (self.waiting + 1) / self._running
        return min(LONGEST_ADVICE, max(1, math.ceil(seconds)))
