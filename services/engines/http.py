"""Any OpenAI-compatible server (vLLM, llama.cpp's, a hospital's own gateway) as an engine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.engines.errors import (
    AdapterUnknownError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.protocol import Authoring, Budget, Completion, EngineCard, Prompt
from services.engines.wire import chat_body, require_success, stream_pieces, whole_answer

CONNECT_SECONDS = 5.0
"""How long to wait for the server to take a connection."""


@dataclass(frozen=True)
class Served:
    """Where a request goes: the server's address with ``/v1``, headers, and the model's name there.

    ``headers`` hold the server's key, so they stay out of logs.
    """

    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class HttpEngine:
    """An OpenAI-compatible server.

    Args:
        url: base address with ``/v1``.
        model: name of the model at the server.
        api_key: bearer token, or None.
        context: tokens, as the server was started with.
        authoring: what its words may be used for.
        transport: for tests.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        context: int = 2048,
        authoring: Authoring = Authoring.NONE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._served = Served(url.rstrip("/"), model, headers)
        timeout = httpx.Timeout(60.0, connect=CONNECT_SECONDS)
        # Requests queue at the server, which batches them, and not for a connection here.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        # A proxy that the environment names would read every question.
        self._client = httpx.AsyncClient(
            transport=transport, timeout=timeout, limits=limits, trust_env=False
        )
        self.card = EngineCard(model, f"served:{model}", context, authoring)

    @contextlib.asynccontextmanager
    async def lease(self, adapter: str | None = None) -> AsyncIterator[Served]:
        """Where a request for an adapter, or for the base model, goes as long as this is held.

        Whoever passes requests on by themselves holds a lease around each: the adapter is not
        unloaded meanwhile.

        Raises:
            AdapterUnknownError: it is not held.
            EngineUnavailableError: the engine is closed or not ready.
        """
        if self._client.is_closed:
            raise EngineUnavailableError("The engine was closed.")
        if adapter is not None:
            raise AdapterUnknownError("This engine holds no adapters.")
        yield self._served

    async def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text; see `services.engines.protocol.Engine.generate`."""
        deadline = time.monotonic() + budget.seconds
        async with (
            self.lease(prompt.adapter) as served,
            self._reply(served, prompt, budget, stream=True) as reply,
        ):
            async for piece in stream_pieces(reply):
                if time.monotonic() > deadline:
                    raise _too_slow(budget)
                yield piece

    async def complete(self, prompt: Prompt, budget: Budget, *, scores: bool = False) -> Completion:
        """Return the whole answer; see `services.engines.protocol.Engine.complete`."""
        more = {"logprobs": True} if scores else {}
        try:
            async with (
                asyncio.timeout(budget.seconds),
                self.lease(prompt.adapter) as served,
                self._reply(served, prompt, budget, **more) as reply,
            ):
                return await whole_answer(reply)
        except TimeoutError as error:
            raise _too_slow(budget) from error

    @contextlib.asynccontextmanager
    async def _reply(
        self, served: Served, prompt: Prompt, budget: Budget, **more: Any
    ) -> AsyncIterator[httpx.Response]:
        """A good reply to the prompt; leaving it closes the connection, which stops the server."""
        body = chat_body(served.model, prompt, budget, **more)
        with typed_errors():
            async with self._client.stream(
                "POST",
                f"{served.url}/chat/completions",
                json=body,
                headers=served.headers,
                timeout=httpx.Timeout(budget.seconds, connect=CONNECT_SECONDS),
            ) as reply:
                await require_success(reply)
                yield reply

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@contextlib.contextmanager
def typed_errors() -> Iterator[None]:
    """Turn what a connection can end with into the errors of this package."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise EngineTimeoutError("The engine's server did not answer in time.") from error
    except httpx.TransportError as error:
        raise EngineUnavailableError("The engine's server cannot be reached.") from error


def _too_slow(budget: Budget) -> EngineTimeoutError:
    return EngineTimeoutError(f"The draft took longer than {budget.seconds:g} s.")
