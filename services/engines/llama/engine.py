"""llama.cpp in this process as an engine and as a host of adapters.

The library blocks, so each request runs on a worker thread; there are as many as contexts. More
requests queue in order. A request that is cancelled, or whose time is over, stops at the next
token, or between two batches of its prompt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from services.engines.digest import file_digest
from services.engines.errors import (
    AdapterUnknownError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.llama.adapters import FAMILY, Held, check
from services.engines.llama.loaded import Loaded
from services.engines.llama.memory import contexts_that_fit
from services.engines.llama.prefix import PrefixFolder
from services.engines.llama.writer import Ended, Piece, Task
from services.engines.protocol import (
    AdapterFile,
    Authoring,
    Budget,
    Completion,
    EngineCard,
    Prompt,
    TokenScore,
)

_log = logging.getLogger("caretier.engines.llama")
Item = Piece | Ended | EngineError
Put = Callable[[Item], None]


@dataclass(frozen=True)
class LlamaHealth:
    """How the engine is: model in memory, requests that run or wait, contexts, adapters held."""

    loaded: bool
    requests: int
    contexts: int
    adapters: int


class LlamaEngine:
    """A GGUF model in this process, loaded at its first use.

    Args:
        model: the GGUF file.
        threads: CPU threads, shared out among the contexts.
        context: tokens of each context.
        authoring: what its words may be used for.
        queue: how many requests may wait; one more raises EngineBusyError.
        contexts: how many requests run at once, over one set of weights.
        memory: bytes that weights and contexts may take; fewer contexts are opened to keep to it.
        prefixes: folder for what was read of shared beginnings; None keeps none on disk.
        shared: system parts that are the same for every person, see `share`.

    Raises:
        EngineUnavailableError: the file is missing, or does not fit into ``memory``.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 2,
        context: int = 2048,
        authoring: Authoring = Authoring.NONE,
        queue: int = 8,
        contexts: int = 1,
        memory: int | None = None,
        prefixes: PrefixFolder | None = None,
        shared: Iterable[str] = (),
    ) -> None:
        if not model.is_file():
            raise EngineUnavailableError(f"There is no model file named {model.name}.")
        self.card = EngineCard(model.stem, file_digest(model), context, authoring)
        self._path, self._queue, self._prefixes = model, queue, prefixes
        self._contexts = contexts_that_fit(model, context, contexts, memory)
        self._threads = max(1, threads // self._contexts)
        self._shared = set(shared)
        self._loading, self._changing = threading.Lock(), threading.Lock()
        self._loaded: Loaded | None = None
        self._closed = False
        self._running: dict[threading.Event, Put] = {}
        self._workers = ThreadPoolExecutor(self._contexts, thread_name_prefix="llama")

    def share(self, system: str) -> None:
        """Say that a system part is the same for every person.

        What the model has read of it is then kept between requests, and on disk where the engine
        has a folder for it. A text that holds anything of one person must never be given here.
        """
        self._shared.add(system)

    def health(self) -> LlamaHealth:
        """How the engine is now."""
        return LlamaHealth(
            loaded=self._loaded is not None,
            requests=len(self._running),
            contexts=self._contexts,
            adapters=len(self.adapters()),
        )

    async def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text; see `services.engines.protocol.Engine.generate`."""
        async with contextlib.aclosing(self._write(prompt, budget, scores=False)) as items:
            async for item in items:
                if isinstance(item, Piece) and item.text:
                    yield item.text

    async def complete(self, prompt: Prompt, budget: Budget, *, scores: bool = False) -> Completion:
        """Return the whole answer; see `services.engines.protocol.Engine.complete`."""
        text, found = "", list[TokenScore]()
        async with contextlib.aclosing(self._write(prompt, budget, scores=scores)) as items:
            async for item in items:
                if isinstance(item, Ended):
                    return Completion(
                        text, item.finish, item.prompt_tokens, item.completion_tokens, tuple(found)
                    )
                text += item.text
                found += [item.score] if item.score else []
        raise EngineError("The answer broke off.")

    def adapters(self) -> tuple[AdapterFile, ...]:
        """The adapters held, by name."""
        return self._loaded.shelf.files() if self._loaded else ()

    async def hold(self, adapter: AdapterFile) -> None:
        """Load an adapter; see `services.engines.protocol.AdapterHost.hold`."""
        await asyncio.to_thread(self._hold, adapter)

    async def let_go(self, name: str) -> None:
        """Unload an adapter once its last request has ended; an unknown name is no error."""
        held = await asyncio.to_thread(self._take_away, name)
        if held is not None:
            await asyncio.to_thread(held.gone.wait)

    async def close(self) -> None:
        """End what runs and free the model; a second call does nothing."""
        self._closed = True
        for stop, put in list(self._running.items()):
            put(EngineUnavailableError("The engine was closed."))
            stop.set()
        await asyncio.to_thread(self._workers.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._free)

    async def _write(
        self, prompt: Prompt, budget: Budget, *, scores: bool
    ) -> AsyncGenerator[Piece | Ended, None]:
        """Queue a request and yield what it gives."""
        held = self._admit(prompt)
        loop, items = asyncio.get_running_loop(), asyncio.Queue[Item]()
        task = Task(prompt, budget.tokens, scores, threading.Event())

        def put(item: Item) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone after a cancel
                loop.call_soon_threadsafe(items.put_nowait, item)

        late = EngineTimeoutError(f"The draft took longer than {budget.seconds:g} s.")
        timer = loop.call_later(budget.seconds, items.put_nowait, late)
        self._running[task.stop] = put
        work = self._workers.submit(self._run, task, held, put)
        work.add_done_callback(lambda _: self._release(held))
        try:
            while True:
                item = await items.get()
                if isinstance(item, EngineError):
                    raise item
                yield item
                if isinstance(item, Ended):
                    return
        finally:
            timer.cancel()
            task.stop.set()
            work.cancel()
            del self._running[task.stop]

    def _admit(self, prompt: Prompt) -> Held | None:
        """Take the adapter that a request names, if there is room for the request."""
        if self._closed:
            raise EngineUnavailableError("The engine was closed.")
        if len(self._running) >= self._queue + self._contexts:
            raise EngineBusyError(f"{len(self._running)} requests wait for the engine.")
        if prompt.adapter is None:
            return None
        if self._loaded is None:
            raise AdapterUnknownError(f"No adapter named {prompt.adapter} is loaded.")
        return self._loaded.shelf.use(prompt.adapter)

    def _release(self, held: Held | None) -> None:
        if held is not None and self._loaded is not None:
            self._loaded.shelf.release(held)

    def _run(self, task: Task, held: Held | None, put: Put) -> None:
        """Write on a worker thread; every outcome goes through ``put``."""
        if task.stop.is_set():
            return
        try:
            shared = task.prompt.system in self._shared
            self._load().run(task, held, shared=shared, put=put)
        except EngineError as error:
            put(error)
        except Exception as error:  # noqa: BLE001 - the library's errors must not come out
            put(EngineError(f"The engine failed ({type(error).__name__})."))

    def _hold(self, adapter: AdapterFile) -> None:
        with self._changing:
            loaded = self._load()
            check(adapter, self.card.digest, loaded.weights.metadata.get(FAMILY, ""))
            before = loaded.shelf.put(adapter)
            if before is not None:
                loaded.lanes.part_with(before)
            _log.info("holds adapter %s %s", adapter.name, adapter.digest)

    def _take_away(self, name: str) -> Held | None:
        with self._changing:
            held = self._loaded.shelf.take_away(name) if self._loaded else None
            if self._loaded is not None and held is not None:
                self._loaded.lanes.part_with(held)
            return held

    def _free(self) -> None:
        with self._changing, self._loading:
            loaded, self._loaded = self._loaded, None
            if loaded is not None:
                loaded.close()

    def _load(self) -> Loaded:
        with self._loading:
            if self._closed:
                raise EngineUnavailableError("The engine was closed.")
            if self._loaded is None:
                began = time.monotonic()
                self._loaded = Loaded(
                    self._path,
                    self.card,
                    contexts=self._contexts,
                    threads=self._threads,
                    prefixes=self._prefixes,
                )
                took = time.monotonic() - began
                _log.info("loaded %s in %.1f s, contexts: %d", self.card.name, took, self._contexts)
            return self._loaded
