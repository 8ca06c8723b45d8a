"""llama.cpp in this process: one model, one context, one generation at a time.

The library is not thread-safe and blocks, so every call runs on one worker thread. Requests queue
for it in order; a request that is cancelled stops at the next token.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.protocol import Authoring, Budget, EngineCard, Prompt

_END = object()


@lru_cache(maxsize=8)
def file_digest(path: Path) -> str:
    """SHA-256 of a file as ``sha256:<hex>``."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


class LlamaEngine:
    """A GGUF model in this process.

    Args:
        model: the GGUF file.
        threads: CPU threads used for prompt and generation.
        context: tokens of context.
        authoring: what its words may be used for.
        queue: how many requests may wait; one more raises EngineBusyError.

    Raises:
        EngineUnavailableError: the file is missing or is no model.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 2,
        context: int = 2048,
        authoring: Authoring = Authoring.NONE,
        queue: int = 8,
    ) -> None:
        if not model.is_file():
            raise EngineUnavailableError(f"There is no model file named {model.name}.")
        self._path, self._threads, self._queue = model, threads, queue
        self._waiting = 0
        self._llm: Any = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llama")
        self.card = EngineCard(model.stem, file_digest(model), context, authoring)

    def _load(self) -> Any:
        if self._llm is None:
            from llama_cpp import Llama

            try:
                self._llm = Llama(
                    str(self._path),
                    n_ctx=self.card.context,
                    n_threads=self._threads,
                    n_threads_batch=self._threads,
                    verbose=False,
                )
            except (ValueError, RuntimeError, OSError) as error:
                raise EngineUnavailableError(f"{self._path.name} is not a usable model.") from error
        return self._llm

    async def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text; see `services.engines.protocol.Engine.generate`."""
        if self._closed:
            raise EngineUnavailableError("The engine was closed.")
        if self._waiting > self._queue:
            raise EngineBusyError(f"{self._waiting} requests wait for the engine.")
        self._waiting += 1
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Any] = asyncio.Queue()

        def put(item: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone after a cancel
                loop.call_soon_threadsafe(pieces.put_nowait, item)

        work = self._thread.submit(self._run, prompt, budget, stop, put)
        try:
            while (item := await pieces.get()) is not _END:
                if isinstance(item, EngineError):
                    raise item
                yield item
        finally:
            stop.set()
            work.cancel()
            self._waiting -= 1

    def _run(self, prompt: Prompt, budget: Budget, stop: threading.Event, put: Any) -> None:
        """Generate on the worker thread; every outcome goes through ``put``."""
        try:
            if not stop.is_set():
                self._stream(prompt, budget, stop, put)
        except EngineError as error:
            put(error)
        except Exception as error:  # noqa: BLE001 - the library's errors must not come out
            put(EngineError(f"The engine failed ({type(error).__name__})."))
        put(_END)

    def _stream(self, prompt: Prompt, budget: Budget, stop: threading.Event, put: Any) -> None:
        llm = self._load()
        size = len(llm.tokenize((prompt.system + prompt.user).encode())) + 32
        if size + budget.tokens > self.card.context:
            raise ContextOverflowError(
                f"Prompt ({size}) and answer ({budget.tokens}) exceed {self.card.context} tokens."
            )
        deadline = time.monotonic() + budget.seconds
        chunks = llm.create_chat_completion(
            messages=[
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            max_tokens=budget.tokens,
            temperature=prompt.temperature,
            stream=True,
        )
        for chunk in chunks:
            if stop.is_set():
                return
            if time.monotonic() > deadline:
                raise EngineTimeoutError(f"The draft took longer than {budget.seconds:g} s.")
            if piece := chunk["choices"][0]["delta"].get("content"):
                put(piece)

    async def close(self) -> None:
        """Free the model; a second call does nothing."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
        if self._llm is not None:
            self._llm.close()
            self._llm = None
