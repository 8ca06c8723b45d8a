"""The engine: one base model at a server, and adapters that come and go while it answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import httpx

from services.engines.errors import AdapterMismatchError, EngineError, EngineUnavailableError
from services.engines.http import HttpEngine, Served
from services.engines.protocol import AdapterFile, Authoring, EngineCard
from services.engines.vllm.client import NoAdaptersError, ServerCalls
from services.engines.vllm.metrics import Figures
from services.engines.vllm.roster import Held, Roster
from services.engines.vllm.settings import VllmSettings
from services.engines.vllm.shelf import GENERAL, Shelf
from services.engines.vllm.supervise import VllmServer

_log = logging.getLogger("caretier.engines.vllm")
PATIENCE_SECONDS = 2.0
"""How long a request waits for a server that starts, before it goes on without."""


class VllmEngine(HttpEngine):
    """vLLM with adapters; see `services.engines.protocol.Engine` and `AdapterHost`.

    Args:
        settings: how it runs, or where.
        authoring: what its words may be used for.
        transport: for tests.

    Attributes:
        kept: adapters that the server did not unload when it was asked to, since the start.
    """

    def __init__(
        self,
        settings: VllmSettings,
        *,
        authoring: Authoring = Authoring.NONE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        key = settings.api_key.get_secret_value() if settings.api_key else None
        super().__init__(settings.url or "", settings.served, api_key=key, transport=transport)
        self._settings, self._calls = settings, ServerCalls(self._client)
        self._base = settings.base_digest()
        name = settings.model.name if settings.url is None else settings.served
        digest = self._base or f"served:{settings.served}"
        self.card = EngineCard(name, digest, settings.context, authoring)
        seen = settings.seen_as / "adapters" if settings.seen_as else None
        self._shelf = Shelf(settings.folder / "adapters", seen)
        self._server = VllmServer(settings, self._calls.well) if settings.url is None else None
        self._roster = Roster()
        self._changing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        self._doubts = 0
        self._settled_for: tuple[int, int] | None = None
        self._base_model = ""
        self._figures: Figures | None = None
        self.kept = 0

    async def start(self) -> None:
        """Start the server, or reach it, and wait until it can answer.

        Raises:
            EngineUnavailableError: it does not get ready.
        """
        await self._settle(self._settings.start_seconds)

    @contextlib.asynccontextmanager
    async def lease(self, adapter: str | None = None) -> AsyncIterator[Served]:
        """Where a request goes; see `HttpEngine.lease`.

        Raises:
            AdapterUnknownError: it is not held.
            EngineUnavailableError: the server is not ready, or does not take the adapter any more.
        """
        await self._settle(PATIENCE_SECONDS)
        held = self._roster.get(adapter) if adapter is not None else None
        if held and held.lost:
            raise EngineUnavailableError(f"The server lost {adapter}: {held.lost}")
        try:
            with held.in_use() if held else contextlib.nullcontext():
                yield self._at(held.model if held else self._base_model)
        except EngineUnavailableError:
            self.doubt()
            raise

    def adapters(self) -> tuple[AdapterFile, ...]:
        """What is held now, by name."""
        return tuple(held.adapter for held in self._roster)

    async def hold(self, adapter: AdapterFile) -> None:
        """Load an adapter or another version of it; see `AdapterHost.hold`."""
        self._require_fit(adapter)
        await self._settle(PATIENCE_SECONDS)
        async with self._changing:
            digest, path = await asyncio.to_thread(self._shelf.put, adapter)
            held = Held(adapter, f"{adapter.name}@{digest[:16]}", digest, path)
            await self._calls.load(self._at(""), held.model, path)
            before = self._roster.swap(held)
        if before is not None and before.model != held.model:
            self._begin_to_retire(before)

    async def let_go(self, name: str) -> None:
        """Unload an adapter once its last request has ended; an unknown name is no error."""
        if held := self._roster.drop(name):
            await asyncio.shield(self._begin_to_retire(held))  # also when nobody waits any more

    def doubt(self) -> None:
        """Look what the server holds before the next request: it may have been started anew."""
        self._doubts += 1

    @property
    def figures(self) -> Figures | None:
        """What the server measured of itself when it was asked last; None while it is away."""
        return self._figures

    async def close(self) -> None:
        """End the server if it is ours, and the connections; a second call does nothing."""
        tasks = [*self._retiring, *([self._beating] if self._beating else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.stop()
        await super().close()

    def _at(self, model: str) -> Served:
        if self._server is None:
            return Served(self._served.url, model, self._served.headers)
        key = {"authorization": f"Bearer {self._server.key}"}
        return Served(self._server.url, model, key)

    def _require_fit(self, adapter: AdapterFile) -> None:
        if self._base is None:
            raise AdapterMismatchError(
                "It is not known which model the server runs, so no adapter is used with it.",
                remedy="Set CARETIER_VLLM_BASE to the digest of the server's model.",
            )
        if adapter.base != self._base:
            raise AdapterMismatchError(
                f"The adapter {adapter.name} was trained on another model than {self.card.name}."
            )
        if adapter.rank > self._settings.rank:
            raise AdapterMismatchError(
                f"The adapter {adapter.name} has rank {adapter.rank}; the server takes up to"
                f" {self._settings.rank}.",
                remedy="Set CARETIER_VLLM_RANK higher and start the server anew.",
            )

    async def _settle(self, seconds: float) -> None:
        """Be sure that the server is ready and holds what it should."""
        if self._client.is_closed:
            raise EngineUnavailableError("The engine was closed.")
        if self._server is not None and not self._server.ready:
            self._server.start()
            await self._server.wait(seconds)
        if self._settled_for == self._era():
            return
        async with self._changing:
            if self._settled_for != (era := self._era()):
                await self._settle_base()
                for held in self._roster:
                    await self._load_again(held)
                self._settled_for = era
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    def _era(self) -> tuple[int, int]:
        return self._server.starts if self._server else 0, self._doubts

    async def _settle_base(self) -> None:
        """Find the name under which the base model itself, and nothing else, answers."""
        digest, path = await asyncio.to_thread(self._shelf.put_general)
        name = f"{GENERAL}@{digest[:16]}"
        try:
            await self._calls.load(self._at(""), name, path)
        except NoAdaptersError:
            listed = await self._calls.models(self._at(""))
            if any(model.parent for model in listed.values()):
                raise EngineUnavailableError(
                    "The server has adapters and takes none from here, so its base model might"
                    " answer with an adapter's words.",
                    remedy=NoAdaptersError.remedy,
                ) from None
            name = self._settings.served
        self._base_model = name

    async def _load_again(self, held: Held) -> None:
        try:
            await asyncio.to_thread(self._shelf.renew, held.adapter, held.digest)
            await self._calls.load(self._at(""), held.model, held.path)
            held.lost = ""
        except EngineUnavailableError:
            raise
        except EngineError as error:
            held.lost = error.message
            _log.warning("%s is not held any more: %s", held.adapter.name, error.message)

    def _begin_to_retire(self, held: Held) -> asyncio.Task[None]:
        task = asyncio.create_task(self._retire(held))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return task

    async def _retire(self, held: Held) -> None:
        await held.idle.wait()
        async with self._changing:
            if all(held.model != other.model for other in self._roster):
                await self._unload(held)
            if all(held.digest != other.digest for other in self._roster):
                await asyncio.to_thread(self._shelf.remove, held.digest)

    async def _unload(self, held: Held) -> None:
        """Take an adapter from the server; one that it keeps takes a slot of it from then on."""
        try:
            await self._calls.unload(self._at(""), held.model)
        except EngineError as error:
            self.kept += 1
            _log.warning("the server did not unload %s: %s", held.model, error.message)

    async def _beat(self) -> None:
        """Read the server's figures now and then, and see whether it still holds what it should."""
        while True:
            try:
                if self._server is None:
                    await self._look()
                self._figures = await self._calls.figures(self._at(""))
            except EngineError:
                self._figures = None
                self.doubt()
            await asyncio.sleep(self._settings.beat_seconds)

    async def _look(self) -> None:
        """Doubt a server that is not ours and does not list what it was given."""
        wanted = {self._base_model, *(held.model for held in self._roster if not held.lost)}
        listed = await self._calls.models(self._at(""))
        alone = self._base_model == self._settings.served
        if not wanted <= listed.keys() or (alone and any(m.parent for m in listed.values())):
            self.doubt()
