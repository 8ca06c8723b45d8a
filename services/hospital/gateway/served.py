"""An engine behind an OpenAI-compatible server: its bytes are passed through.

Only two things are changed on the way: the name that the server has for a model becomes the one
that the caller used, and the server's errors become our own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Protocol, runtime_checkable

import aiohttp
import httpx

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.http import CONNECT_SECONDS, Served
from services.engines.vllm import VllmEngine
from services.hospital.gateway.errors import ChatRequestError
from services.hospital.gateway.request import ExpertChat

LONGEST_EVENT = 1 << 20
"""Bytes of one event of a stream; a server that sends a longer one is cut off."""
LONGEST_ANSWER = 32 << 20
"""Bytes of a whole completion."""
LONGEST_REASON = 300
KEPT_SECONDS = 4.0
"""How long an idle connection is kept: less than the five seconds after which servers close it."""
_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
_CALLERS_FAULT = frozenset({400, 422})


@runtime_checkable
class Leases(Protocol):
    """An engine whose server may be asked directly."""

    def lease(self, adapter: str | None = None) -> AbstractAsyncContextManager[Served]:
        """Where a request for an adapter, or for the base, goes as long as this is held."""
        ...


class ServedBackend:
    """Passes requests through to a server; made where an event loop runs.

    Its client is aiohttp, whose parser is in C. httpx looks through all its connections at every
    request: at 32 streams that costs 2 ms of processor time a request, against 0.2.

    Args:
        engine: whose server it is.
        idle: seconds to wait for the next bytes; also for a whole completion.
    """

    def __init__(self, engine: Leases, *, idle: float) -> None:
        self._engine, self._salted = engine, isinstance(engine, VllmEngine)
        # The same authorities as the engine's own client trusts. Requests queue at the server,
        # which batches them, and not for a connection here.
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=KEPT_SECONDS, ssl=httpx.create_ssl_context(trust_env=False)
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=idle),
            auto_decompress=False,
            trust_env=False,  # a proxy that the environment names would read every conversation
        )

    async def whole(self, chat: ExpertChat, adapter: str | None) -> bytes:
        """See `services.hospital.gateway.backend.Backend.whole`."""
        async with self._asked(chat, adapter) as (reply, rename):
            whole = await _at_most(reply, LONGEST_ANSWER)
            if len(whole) > LONGEST_ANSWER:
                raise EngineError("The engine's server sent more than an answer can be.")
            return rename(whole)

    async def stream(self, chat: ExpertChat, adapter: str | None) -> AsyncGenerator[bytes]:
        """See `services.hospital.gateway.backend.Backend.stream`."""
        async with self._asked(chat, adapter) as (reply, rename):
            rest = b""
            async for piece in reply.content.iter_any():
                whole, mark, rest = (rest + piece).replace(b"\r\n", b"\n").rpartition(b"\n\n")
                if len(rest) > LONGEST_EVENT:
                    raise EngineError("The engine's server sent an event without an end.")
                if mark:
                    for found in _events(whole):
                        yield rename(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _asked(
        self, chat: ExpertChat, adapter: str | None
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, _Rename]]:
        """The server's answer once it has begun well."""
        with _typed_errors():
            async with self._engine.lease(adapter) as served:
                rename = _Rename(served.model, chat.model)
                async with self._client.post(
                    f"{served.url}/chat/completions",
                    data=chat.for_engine(served.model, salted=self._salted),
                    headers={**_HEADERS, **served.headers},
                    allow_redirects=False,
                ) as reply:
                    if reply.status != HTTPStatus.OK:
                        raise _refused(reply.status, await _at_most(reply, LONGEST_EVENT), rename)
                    yield reply, rename


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Turn what a connection can end with into the errors of engines."""
    try:
        yield
    except TimeoutError as error:
        raise EngineTimeoutError("The engine's server did not answer in time.") from error
    except aiohttp.ClientError as error:
        raise EngineUnavailableError("The engine's server cannot be reached.") from error


async def _at_most(reply: aiohttp.ClientResponse, size: int) -> bytes:
    """The body; of one that is longer than ``size`` bytes, a beginning that is longer too."""
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > size:
            break
    return bytes(body)


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


def _refused(status: int, body: bytes, rename: _Rename) -> EngineError | ChatRequestError:
    """An error status as an error of ours; a caller's own mistake is told in its words."""
    reason = rename.words(_reason(body))
    if "context length" in reason.lower():
        return ContextOverflowError("The conversation is too long for the model's context.")
    if status in _CALLERS_FAULT:
        return ChatRequestError(reason or "The engine cannot use this request.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return EngineBusyError("The engine's server is at its limit.")
    if status in {401, 403, 404, 503}:
        return EngineUnavailableError(f"The engine's server refused ({status}).")
    return EngineError(f"The engine's server answered {status}.")


def _reason(body: bytes) -> str:
    try:
        said = json.loads(body)
        found = said.get("error", said)
        text = found.get("message") or found.get("detail") if isinstance(found, dict) else found
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(text or "")[:LONGEST_REASON]
