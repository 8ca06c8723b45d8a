"""Which experts are pushed: kept in the database, held by the engine, in use by requests.

What an operator pushed stays until it is popped: at the next start it is held again. An expert that
the engine cannot hold then is listed with the reason and answers nothing; it keeps nobody else from
answering.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select

from compliance.errors import CaretierError
from services.bricks.errors import BrickRevokedError
from services.bricks.manifest import BrickManifest
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.engines.protocol import AdapterHost
from services.experts.adapters import adapter_of, form_of
from services.experts.errors import (
    ExpertRefusedError,
    ExpertsUnsupportedError,
    ExpertUnknownError,
)
from services.experts.expert import Expert
from services.experts.models import PushedExpert
from services.store.database import Database

DRAIN_SECONDS = 120.0
"""A pop waits so long for the last request; the engine lets the adapter go then all the same."""
_LOG = logging.getLogger("caretier.experts")


class Experts:
    """The experts of one node.

    Args:
        database: where it stands which are pushed; migrated with ``services.experts``.
        store: where their bricks are.
        host: the engine that holds them, or None where it holds no adapters.
        drain: seconds that a pop waits for requests to end.
    """

    def __init__(
        self,
        database: Database,
        store: BrickStore,
        host: Callable[[], AdapterHost | None],
        *,
        drain: float = DRAIN_SECONDS,
    ) -> None:
        self._database, self._store, self._host, self._drain = database, store, host, drain
        self._experts: dict[str, Expert] = {}
        self._in_use: Counter[str] = Counter()
        self._idle: dict[str, asyncio.Event] = {}
        self._leaving: set[str] = set()
        self._changing = asyncio.Lock()

    def all(self) -> tuple[Expert, ...]:
        """Every pushed expert, by name."""
        return tuple(self._experts[id_] for id_ in sorted(self._experts))

    def ready(self) -> tuple[Expert, ...]:
        """Those that the engine holds."""
        return tuple(expert for expert in self.all() if expert.ready)

    def get(self, id_: str) -> Expert:
        """One that answers.

        Raises:
            ExpertUnknownError: it is not pushed, or the engine does not hold it.
        """
        found = self._experts.get(id_)
        if found is None or not found.ready:
            raise ExpertUnknownError("There is no expert of this name.")
        return found

    @contextmanager
    def using(self, id_: str) -> Iterator[Expert]:
        """Use an expert; it stays with the engine until the block ends.

        Raises:
            ExpertUnknownError: it is not pushed, or the engine does not hold it.
        """
        expert = self.get(id_)
        self._in_use[id_] += 1
        try:
            yield expert
        finally:
            self._in_use[id_] -= 1
            if not self._in_use[id_] and (idle := self._idle.get(id_)):
                idle.set()

    async def push(self, ref: str, name: str | None = None) -> Expert:
        """Put an expert in place, or another version in the place of the one of its name.

        Args:
            ref: ``id@version`` of a brick in the store; the highest version of a bare ``id``.
            name: that the expert is to have; it must be the brick's.

        Raises:
            BrickUnknownError, BrickDamagedError: it is not in the store as it has to be.
            BrickRevokedError: its publisher took it back.
            ExpertRefusedError, AdapterMismatchError: it cannot be an expert of this engine.
            ExpertsUnsupportedError: the engine holds no adapters.
            EngineError: the engine could not load it; what was there before is there still.
        """
        async with self._changing:
            manifest = await asyncio.to_thread(self._manifest, ref)
            if name not in {None, manifest.id}:
                raise ExpertRefusedError(f"{manifest.ref} is no version of {name}.")
            expert = await self._hold(manifest, datetime.now(UTC))
            try:
                await asyncio.to_thread(self._write, expert)
            except Exception:
                await self._take_back(expert.id)
                raise
            self._experts[expert.id] = expert
            _LOG.info("expert %s is in place", expert.ref)
            return expert

    async def pop(self, id_: str) -> Expert:
        """Take an expert away: at once for new requests, from the engine after the last one.

        Where the engine does not let go of it, or nobody waits any more, `restore` sees to that.

        Raises:
            ExpertUnknownError: it is not pushed.
        """
        async with self._changing:
            expert = self._experts.get(id_)
            if expert is None:
                raise ExpertUnknownError("There is no expert of this name.")
            await asyncio.to_thread(self._forget, id_)
            del self._experts[id_]
            self._leaving.add(id_)
            await self._until_idle(id_)
            await self._let_go(id_)
            _LOG.info("expert %s was taken away", expert.ref)
            return expert

    async def restore(self) -> None:
        """Hold what was pushed before and is not held; never raises for one that cannot be.

        What its publisher took back meanwhile answers nothing from now on. What the engine did not
        let go of when it was taken away is taken from it now.
        """
        async with self._changing:
            for id_ in sorted(self._leaving):
                await self._let_go(id_)
            for row in await asyncio.to_thread(self._rows):
                ref = f"{row.id}@{row.version}"
                known = self._experts.get(row.id)
                try:
                    if known is not None and known.ready:
                        await asyncio.to_thread(
                            Installed(self._store.folder).refuse_revoked, known.ref
                        )
                        continue
                    manifest = await asyncio.to_thread(self._store.get, ref)
                    self._experts[row.id] = await self._hold(manifest, row.pushed)
                except CaretierError as error:
                    _LOG.warning("expert %s is not in place: %s", ref, error.kind)
                    self._experts[row.id] = await asyncio.to_thread(self._absent, row, error)
                    await self._let_go_revoked(row.id, error)

    async def _hold(self, manifest: BrickManifest, pushed: datetime) -> Expert:
        host = self._host()
        if host is None:
            raise ExpertsUnsupportedError("The engine that runs here holds no adapters.")
        adapter = await asyncio.to_thread(adapter_of, self._store, manifest, form_of(host))
        await host.hold(adapter)
        self._leaving.discard(manifest.id)
        return Expert.of(manifest, adapter.digest, pushed)

    async def _let_go_revoked(self, id_: str, error: CaretierError) -> None:
        """Take what was taken back from the engine; requests that run end on it."""
        if isinstance(error, BrickRevokedError):
            await self._let_go(id_)

    async def _let_go(self, id_: str) -> None:
        """Take an adapter from the engine; its place there must not be lost when that fails."""
        host = self._host()
        if host is None:
            return
        self._leaving.add(id_)
        try:
            await host.let_go(id_)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            _LOG.error("the engine did not let go of expert %s: %s", id_, type(error).__name__)
        else:
            self._leaving.discard(id_)

    async def _take_back(self, id_: str) -> None:
        """Let the engine hold again what it held before a push that could not be written down."""
        before = self._experts.get(id_)
        if before is None:
            await self._let_go(id_)
            return
        manifest = await asyncio.to_thread(self._store.get, before.ref)
        await self._hold(manifest, before.pushed)

    async def _until_idle(self, id_: str) -> None:
        if not self._in_use[id_]:
            return
        self._idle[id_] = asyncio.Event()
        try:
            async with asyncio.timeout(self._drain):
                await self._idle[id_].wait()
        except TimeoutError:
            _LOG.warning("expert %s is taken away while requests use it", id_)
        finally:
            del self._idle[id_]

    def _manifest(self, ref: str) -> BrickManifest:
        return self._store.get(ref) if "@" in ref else self._store.latest(ref)

    def _absent(self, row: PushedExpert, error: CaretierError) -> Expert:
        """What is still known of an expert that cannot be held."""
        try:
            found = Expert.of(self._store.get(f"{row.id}@{row.version}"), "", row.pushed)
        except CaretierError:
            found = Expert(row.id, row.version, row.id, "", None, (), "", "", 0, row.pushed)
        return replace(found, trouble=f"{error.message} {error.advice}")

    def _rows(self) -> list[PushedExpert]:
        with self._database.reading() as session:
            return list(session.scalars(select(PushedExpert).order_by(PushedExpert.id)))

    def _write(self, expert: Expert) -> None:
        row = PushedExpert(id=expert.id, version=expert.version, pushed=expert.pushed)
        with self._database.transaction() as session:
            session.merge(row)

    def _forget(self, id_: str) -> None:
        with self._database.transaction() as session:
            row = session.get(PushedExpert, id_)
            if row is not None:
                session.delete(row)
