"""An engine behind an OpenAI-compatible server: its bytes are passed through.

Only two things are changed on the way: the name that the server has for a model becomes the one
that the caller used, and the server's errors become our own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, runtime_checkable

import httpx

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineUnavailableError,
)
from services.engines.http import CONNECT_SECONDS, Served, typed_errors
from services.engines.vllm import VllmEngine
from services.hospital.gateway.errors import ChatRequestError
from services.hospital.gateway.request import ExpertChat

LONGEST_EVENT = 1 << 20
"""Bytes of one event of a stream; a server that sends a longer one is cut off."""
LONGEST_ANSWER = 32 << 20
"""Bytes of a whole completion."""
LONGEST_REASON = 300
_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
_CALLERS_FAULT = frozenset({400, 422})


@runtime_checkable
class Leases(Protocol):
    """An engine whose server may be asked directly."""

    def lease(self, adapter: str | None = None) -> AbstractAsyncContextManager[Served]:
        """Where a request for an adapter, or for the base, goes as long as this is held."""
        ...


class ServedBackend:
    """Passes requests through to a server.

    Args:
        engine: whose server it is.
        idle: seconds to wait for the next bytes; also for a whole completion.
        transport: for tests.
    """

    def __init__(
        self, engine: Leases, *, idle: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._engine, self._salted = engine, isinstance(engine, VllmEngine)
        # A proxy that the environment names would read every conversation.
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(idle, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=False,
        )

    async def whole(self, chat: ExpertChat, adapter: str | None) -> bytes:
        """See `services.hospital.gateway.backend.Backend.whole`."""
        async with self._asked(chat, adapter) as (reply, rename):
            whole = b""
            async for piece in reply.aiter_raw():
                whole += piece
                if len(whole) > LONGEST_ANSWER:
                    raise EngineError("The engine's server sent more than an answer can be.")
            return rename(whole)

    async def stream(self, chat: ExpertChat, adapter: str | None) -> AsyncGenerator[bytes]:
        """See `services.hospital.gateway.backend.Backend.stream`."""
        async with self._asked(chat, adapter) as (reply, rename):
            rest = b""
            async for piece in reply.aiter_raw():
                whole, mark, rest = (rest + piece).replace(b"\r\n", b"\n").rpartition(b"\n\n")
                if len(rest) > LONGEST_EVENT:
                    raise EngineError("The engine's server sent an event without an end.")
                if mark:
                    for found in _events(whole):
                        yield rename(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _asked(
        self, chat: ExpertChat, adapter: str | None
    ) -> AsyncIterator[tuple[httpx.Response, _Rename]]:
        """The server's answer once it has begun well."""
        with typed_errors():
            async with self._engine.lease(adapter) as served:
                rename = _Rename(served.model, chat.model)
                async with self._client.stream(
                    "POST",
                    f"{served.url}/chat/completions",
                    content=chat.for_engine(served.model, salted=self._salted),
                    headers={**_HEADERS, **served.headers},
                ) as reply:
                    await _refuse(reply, rename)
                    yield reply, rename


class _Rename:
    """Puts the caller's name of a model where the server wrote its own.

    Inside a JSON string quotes are escaped, so these bytes stand nowhere but at a key ``model``.
    """

    def __init__(self, served: str, public: str) -> None:
        self._served, self._public = served, public
        self._pairs = [
            (
                f'"model":{space}{json.dumps(served)}'.encode(),
                f'"model":{json.dumps(public)}'.encode(),
            )
            for space in ("", " ")
        ]

    def __call__(self, document: bytes) -> bytes:
        if self._served != self._public:
            for old, new in self._pairs:
                document = document.replace(old, new, 1)
        return document

    def words(self, text: str) -> str:
        """The same in a sentence of the server."""
        return text.replace(self._served, self._public)


def _events(block: bytes) -> Iterator[bytes]:
    """The events of a block, each with its end."""
    for found in block.split(b"\n\n"):
        if found.strip():
            yield found.lstrip(b"\n") + b"\n\n"


async def _refuse(reply: httpx.Response, rename: _Rename) -> None:
    """Turn an error status into an error of ours; a caller's own mistake is told in its words."""
    if reply.is_success:
        return
    body = b""
    async for piece in reply.aiter_raw():
        body += piece
        if len(body) > LONGEST_EVENT:
            break
    reason = rename.words(_reason(body))
    status = reply.status_code
    if "context length" in reason.lower():
        raise ContextOverflowError("The conversation is too long for the model's context.")
    if status in _CALLERS_FAULT:
        raise ChatRequestError(reason or "The engine cannot use this request.")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise EngineBusyError("The engine's server is at its limit.")
    if status in {401, 403, 404, 503}:
        raise EngineUnavailableError(f"The engine's server refused ({status}).")
    raise EngineError(f"The engine's server answered {status}.")


def _reason(body: bytes) -> str:
    try:
        said = json.loads(body)
        found = said.get("error", said)
        text = found.get("message") or found.get("detail") if isinstance(found, dict) else found
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(text or "")[:LONGEST_REASON]
