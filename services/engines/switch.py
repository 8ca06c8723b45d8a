"""Put another model in an engine's place without a request failing.

The new model is opened and tried while the old one goes on answering. Requests that begin after the
switch go to the new one; those that run end on the old one, which is closed after the last of them.
If the new one cannot be opened, or does not answer, the old one stays and nobody notices.

    engine = SwitchingEngine(LlamaEngine(old))
    report = await engine.switch(lambda: LlamaEngine(new))
    report.left                                  # adapters that were made for the old model alone

Both models are in memory until the old one is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from services.engines.errors import AdapterMismatchError
from services.engines.protocol import (
    AdapterFile,
    AdapterHost,
    Budget,
    Completion,
    Engine,
    EngineCard,
    Prompt,
)

_log = logging.getLogger("caretier.engines.switch")
TRIAL = Prompt("You answer briefly.", "Say hello.")
TRIAL_BUDGET = Budget(tokens=4, seconds=120.0)
"""What a new model must answer before it takes over; it may have to be read from disk first."""


class HostingEngine(Engine, AdapterHost, Protocol):
    """An engine that holds adapters."""


@dataclass(frozen=True)
class SwitchReport:
    """The model that serves now, and the adapters that came along or were made for another base."""

    card: EngineCard
    kept: tuple[AdapterFile, ...]
    left: tuple[AdapterFile, ...]


class _Place:
    """An engine with the number of its requests, so that it can be closed after the last."""

    def __init__(self, engine: HostingEngine) -> None:
        self.engine = engine
        self.requests = 0
        self.empty = asyncio.Event()
        self.empty.set()

    @contextlib.contextmanager
    def used(self) -> Iterator[HostingEngine]:
        self.requests += 1
        self.empty.clear()
        try:
            yield self.engine
        finally:
            self.requests -= 1
            if not self.requests:
                self.empty.set()

    async def close(self) -> None:
        await self.empty.wait()
        await self.engine.close()


class SwitchingEngine:
    """An engine whose model can be changed while it serves.

    Args:
        engine: the first one; this object closes it.
    """

    def __init__(self, engine: HostingEngine) -> None:
        self._place = _Place(engine)
        self._changing = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def card(self) -> EngineCard:
        """Identity of the model that takes requests now."""
        return self._place.engine.card

    async def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text; see `services.engines.protocol.Engine.generate`."""
        with self._place.used() as engine:
            stream = cast("AsyncGenerator[str, None]", engine.generate(prompt, budget))
            async with contextlib.aclosing(stream) as pieces:
                async for piece in pieces:
                    yield piece

    async def complete(self, prompt: Prompt, budget: Budget, *, scores: bool = False) -> Completion:
        """Return the whole answer; see `services.engines.protocol.Engine.complete`."""
        with self._place.used() as engine:
            return await engine.complete(prompt, budget, scores=scores)

    async def switch(self, opened: Callable[[], HostingEngine]) -> SwitchReport:
        """Put the model that ``opened`` gives in the place of the one that serves.

        Returns:
            SwitchReport: as soon as new requests go to the new model; the old one may still answer.

        Raises:
            EngineError: the new model cannot be opened or does not answer; the old one stays.
        """
        async with self._changing:
            engine = await asyncio.to_thread(opened)
            try:
                await engine.complete(TRIAL, TRIAL_BUDGET)
                kept, left = await self._carry(engine)
            except BaseException as error:
                _log.warning("%s failed its trial: %s", engine.card.name, type(error).__name__)
                await engine.close()
                raise
            before, self._place = self._place, _Place(engine)
            _log.info("%s takes the place of %s", engine.card.name, before.engine.card.name)
            leaving = asyncio.create_task(before.close())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        return SwitchReport(engine.card, kept, left)

    async def drained(self) -> None:
        """Wait until every model that was replaced has ended its last request and is closed."""
        await asyncio.gather(*self._leaving)

    def adapters(self) -> tuple[AdapterFile, ...]:
        """The adapters that the present model holds, by name."""
        return self._place.engine.adapters()

    async def hold(self, adapter: AdapterFile) -> None:
        """Load an adapter; see `services.engines.protocol.AdapterHost.hold`."""
        async with self._changing:
            await self._place.engine.hold(adapter)

    async def let_go(self, name: str) -> None:
        """Unload an adapter once its last request has ended; an unknown name is no error."""
        async with self._changing:
            engine = self._place.engine
        await engine.let_go(name)

    async def close(self) -> None:
        """Close the present model at once, each replaced one after its last request."""
        async with self._changing:
            await self._place.engine.close()
        await self.drained()

    async def _carry(
        self, engine: HostingEngine
    ) -> tuple[tuple[AdapterFile, ...], tuple[AdapterFile, ...]]:
        """Load the held adapters on a new engine; those of another base are left."""
        kept, left = list[AdapterFile](), list[AdapterFile]()
        for adapter in self.adapters():
            try:
                await engine.hold(adapter)
            except AdapterMismatchError:
                left.append(adapter)
            else:
                kept.append(adapter)
        return tuple(kept), tuple(left)
