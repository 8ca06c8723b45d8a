"""Any OpenAI-compatible server (vLLM, llama.cpp's, a hospital's own gateway) as an engine."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.protocol import Authoring, Budget, EngineCard, Prompt

CONNECT_SECONDS = 5.0
"""How long to wait for the server to take a connection."""


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
        self._client = httpx.AsyncClient(
            base_url=url,
            headers=headers,
            transport=transport,
            timeout=httpx.Timeout(60.0, connect=CONNECT_SECONDS),
        )
        self.card = EngineCard(model, f"served:{model}", context, authoring)

    async def generate(self, prompt: Prompt, budget: Budget) -> AsyncIterator[str]:
        """Yield pieces of text; see `services.engines.protocol.Engine.generate`."""
        if self._client.is_closed:
            raise EngineUnavailableError("The engine was closed.")
        body = {
            "model": self.card.name,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "max_tokens": budget.tokens,
            "temperature": prompt.temperature,
            "stream": True,
        }
        deadline = time.monotonic() + budget.seconds
        try:
            async with self._client.stream(
                "POST", "chat/completions", json=body, timeout=budget.seconds
            ) as reply:
                await _refuse(reply)
                async for piece in _pieces(reply):
                    if time.monotonic() > deadline:
                        raise EngineTimeoutError(
                            f"The draft took longer than {budget.seconds:g} s."
                        )
                    yield piece
        except httpx.TimeoutException as error:
            raise EngineTimeoutError("The engine's server did not answer in time.") from error
        except httpx.TransportError as error:
            raise EngineUnavailableError("The engine's server cannot be reached.") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _refuse(reply: httpx.Response) -> None:
    """Turn an error status into a typed error; the server's own text stays out of it."""
    if reply.is_success:
        return
    detail = (await reply.aread())[:2000].decode(errors="replace").lower()
    if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise EngineBusyError("The engine's server is at its limit.")
    if "context" in detail or "maximum" in detail:
        raise ContextOverflowError("The prompt is too long for the engine's context.")
    if reply.status_code in {401, 403, 404, 503}:
        raise EngineUnavailableError(f"The engine's server refused ({reply.status_code}).")
    raise EngineError(f"The engine's server answered {reply.status_code}.")


async def _pieces(reply: httpx.Response) -> AsyncIterator[str]:
    """Parse server-sent events defensively: a broken line ends the stream with a typed error.

    A line without words gives an empty piece, so that the caller sees time pass.
    """
    async for line in reply.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        yield _words(data) if data else ""


def _words(data: str) -> str:
    """The words of one event."""
    try:
        event: dict[str, Any] = json.loads(data)
        if "error" in event:
            raise EngineError("The engine's server broke the answer off.")
        deltas = [choice.get("delta") or {} for choice in event.get("choices") or []]
        return "".join([delta.get("content") or "" for delta in deltas])
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError("The engine's server sent a broken event.") from error
