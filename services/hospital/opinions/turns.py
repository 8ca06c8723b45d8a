"""Turns at the engine: so many experts answer at once as it can, and the others wait.

An engine in this process reads with as many contexts as it has; more requests only wait inside it
while their time runs. A server puts requests together in batches. Clinicians take turns, and beyond
`WAITING` nobody waits any more: who asks then is told so at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from services.engines.protocol import Engine
from services.hospital.gateway.slots import Slots

MOST = 6
"""Experts asked at once."""
WAITING = 24
"""Experts that may wait for their turn, of all clinicians together."""
PATIENCE = 90.0
"""Seconds that one waits for its turn."""


class Turns:
    """Turns of experts.

    Args:
        slots: of everybody at the engine; None: without waiting for others.
        patience: seconds that an expert waits for its turn.
    """

    def __init__(self, slots: Slots | None = None, patience: float = PATIENCE) -> None:
        self._slots, self._patience = slots, patience
        self._own: Slots | None = None
        self._for: Engine | None = None

    @asynccontextmanager
    async def turn(self, engine: Engine, key: str) -> AsyncIterator[None]:
        """Have a turn while the block runs.

        Args:
            engine: that answers.
            key: of who asks; those who ask take turns.

        Raises:
            GatewayFullError: too many wait, or the turn did not come in time.
        """
        async with self._of(engine).slot(key), self._slots.slot(key) if self._slots else _ANY:
            yield

    def _of(self, engine: Engine) -> Slots:
        """Slots as many as the engine runs; made anew for another engine."""
        if self._own is None or self._for is not engine:
            self._own, self._for = Slots(at_once(engine), WAITING, self._patience), engine
        return self._own


def at_once(engine: Engine) -> int:
    """How many requests an engine answers at once without any of them waiting inside it."""
    health = getattr(engine, "health", None)
    contexts = getattr(health(), "contexts", MOST) if callable(health) else MOST
    return max(1, min(MOST, contexts))


_ANY = nullcontext()
