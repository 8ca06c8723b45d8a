"""The adapters that a clinic or a device uses by itself: those of its bricks that are in use.

    adapters = AdaptersInUse(store, installed, engine, gate=lambda: Gate.load(embedder))
    await adapters.refresh()                     # at start, and whenever other bricks are in use
    chosen = await adapters.choose("My inhaler does not help", "en")
    Prompt(system, user, adapter=chosen and chosen.ref)

At the hospital an operator pushes experts (`services.experts.registry`); further down nobody does,
so what the updater put in use is held, what it took out of use is let go, and what it replaced is
let go once the new version is held. Requests that run end with the version that they began with.

Which one answers: the one that the gate chooses for the question. Where it chooses nobody, the one
adapter whose domain is ``general``, if there is exactly one; else the base model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from compliance.errors import CaretierError
from services.bricks.manifest import BrickManifest
from services.bricks.serving import ActiveAdapters, InUse, active_adapters, is_whole
from services.bricks.store import BrickStore
from services.engines.errors import EngineError
from services.engines.protocol import Authoring, Engine
from services.experts.adapters import form_of, host_of
from services.experts.expert import Expert
from services.experts.gate import Choice

GENERAL = "general"
"""Domain of an adapter that is for every question of its languages."""
UNKNOWN = "*"
"""Stands for all bricks where it is not known which are in use."""
_log = logging.getLogger("caretier.experts")


class Chooses(Protocol):
    """The gate."""

    def choose(self, text: str, experts: Sequence[Expert]) -> Choice:
        """See `services.experts.gate.Gate.choose`."""
        ...


class AdaptersInUse:
    """Holds the active adapters of a node with its engine, and chooses among them.

    Args:
        store: of the node.
        installed: what is in use.
        engine: of the node, or None.
        gate: gives the gate; asked for when the first adapter is held.
        pushed: whether experts are pushed here; then no adapter is used by itself.

    Attributes:
        left_out: adapters in use that the engine does not hold, each with the reason.
    """

    def __init__(
        self,
        store: BrickStore,
        installed: InUse,
        engine: Engine | None,
        gate: Callable[[], Chooses],
        *,
        pushed: bool = False,
    ) -> None:
        self._store, self._installed, self._engine, self._gate = store, installed, engine, gate
        self._pushed = pushed
        self._changing = asyncio.Lock()
        self._seen: Mapping[str, int] | None = None
        self._held: dict[str, BrickManifest] = {}
        self._damaged: frozenset[str] = frozenset()
        self.left_out: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Of the bricks."""
        return self._store.folder

    def held(self) -> tuple[BrickManifest, ...]:
        """The manifests of those that may be chosen now, by id."""
        return tuple(self._held[ref] for ref in sorted(self._held))

    async def refresh(self) -> bool:
        """Hold what is in use now and let go of what is not; whether anything was looked at anew.

        Never raises for an adapter that cannot be held: it is left out, and tried again when other
        bricks come into use, or when it was mended.
        """
        async with self._changing:
            try:
                now = dict(await asyncio.to_thread(self._installed.active))
            except CaretierError as error:
                changed = self.left_out != {UNKNOWN: error.message}
                self.left_out = {UNKNOWN: error.message}
                await self._take({})
                self._seen = None
                return changed
            if now == self._seen and not await asyncio.to_thread(self._is_mended):
                return False
            found = await asyncio.to_thread(self._look)
            left_out = dict(found.left_out)
            await self._take(await self._hold(found, left_out))
            self._seen, self.left_out = now, left_out
            self._damaged = await asyncio.to_thread(self._not_whole)
            return True

    async def choose(self, text: str, language: str) -> BrickManifest | None:
        """The adapter for a question in a language, or None for the base model alone."""
        if self._seen is None:
            await self.refresh()
        manifests = [m for m in self._held.values() if language in m.languages]
        if not manifests:
            return None
        special = [m for m in manifests if m.domain != GENERAL]
        choice = await asyncio.to_thread(self._chosen, text, special) if special else None
        if choice is not None:
            return choice
        general = [m for m in manifests if m.domain == GENERAL]
        return general[0] if len(general) == 1 else None

    def _chosen(self, text: str, manifests: list[BrickManifest]) -> BrickManifest | None:
        now = datetime.now(UTC)
        expert = self._gate().choose(text, [Expert.of(m, "", now) for m in manifests]).expert
        return next((m for m in manifests if m.id == expert), None)

    def _look(self) -> ActiveAdapters:
        """What is in use and fits, where this engine holds adapters and its words are used."""
        engine, host = self._engine, host_of(self._engine)
        if engine is None:
            reason = "No engine runs here."
        elif self._pushed:
            reason = "Adapters answer here as experts that an operator pushes (`caretier experts`)."
        elif host is None:
            reason = "The engine that runs here holds no adapters."
        elif engine.card.authoring is Authoring.NONE:
            reason = "Answers here are the sources' own words (CARETIER_ENGINE_AUTHORING=none)."
        else:
            form = form_of(host)
            return active_adapters(self._store, self._installed, form, engine.card.digest)
        return ActiveAdapters((), dict.fromkeys(self._adapters(), reason))

    def _adapters(self) -> list[str]:
        in_use = {f"{id_}@{version}" for id_, version in self._installed.active().items()}
        return [m.ref for m in self._store.manifests() if m.kind == "adapter" and m.ref in in_use]

    async def _hold(
        self, found: ActiveAdapters, left_out: dict[str, str]
    ) -> dict[str, BrickManifest]:
        host, held = host_of(self._engine), dict[str, BrickManifest]()
        if host is None:
            return held
        for adapter in found.fit:
            try:
                await host.hold(adapter.file)
            except EngineError as error:
                left_out[adapter.manifest.ref] = error.message
                _log.warning("adapter %s is not used: %s", adapter.manifest.ref, error.message)
            else:
                held[adapter.manifest.ref] = adapter.manifest
        return held

    async def _take(self, held: dict[str, BrickManifest]) -> None:
        """Let new requests choose among these alone; let go of the others after their last one."""
        before, self._held = self._held, held
        for ref in held.keys() - before.keys():
            _log.info("adapter %s is used from now on", ref)
        host = host_of(self._engine)
        for ref in before.keys() - held.keys():
            _log.info("adapter %s is not used any more", ref)
            if host is not None:
                with suppress(EngineError):  # it is not chosen any more, whatever the engine says
                    await host.let_go(ref)

    def _not_whole(self) -> frozenset[str]:
        return frozenset(r for r in self.left_out if r != UNKNOWN and not is_whole(self._store, r))

    def _is_mended(self) -> bool:
        """Whether one that was left out for its files is whole now."""
        return any(is_whole(self._store, ref) for ref in self._damaged)
