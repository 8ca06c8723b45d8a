"""A repository behind HTTP, which may be slow, endless, or gone at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError

from services.bricks.updater.limits import Limits
from services.bricks.updater.source import Source

T = TypeVar("T")
Authorise = Callable[[str], Mapping[str, str]]
"""Headers of a GET by its path on the server: who asks."""


def anybody(_path: str) -> Mapping[str, str]:
    """No headers: the server asks nobody who they are."""
    return {}


class HttpSource(Source):
    """A server that gives a repository below a base address; used in one thread at a time.

    An answer is taken in pieces, and each piece has a time by which it has to be there, the head of
    the answer too: a server that gives a byte now and then holds up nobody for long. There are no
    redirects, no proxies from the environment, and no compression that would grow here.

    Args:
        base: like ``https://clinic.example.org/bricks``.
        authorise: makes the headers of each call.
        limits: of time and size.
        transport: for tests.
    """

    def __init__(
        self,
        base: str,
        authorise: Authorise = anybody,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base, self._authorise, self._limits = base.rstrip("/"), authorise, limits
        self._transport = transport
        self._runner = asyncio.Runner()
        self._client: httpx.AsyncClient | None = None

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See `Source.read`."""
        reply = self._run(self._open(path, start), self._limits.head_seconds, path)
        try:
            skip = start if reply.status_code == httpx.codes.OK else 0
            chunks = reply.aiter_raw()
            while piece := self._run(self._piece(chunks), self._limits.piece_seconds, path):
                yield piece[skip:]
                skip = max(0, skip - len(piece))
        finally:
            self._runner.run(reply.aclose())

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._runner.run(self._client.aclose())
        self._runner.close()

    async def _open(self, path: str, start: int) -> httpx.Response:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=self._limits.connect_seconds),
                transport=self._transport,
                trust_env=False,
            )
        address = f"{self._base}/{path}"
        headers = {"accept-encoding": "identity", **self._authorise(urlsplit(address).path)}
        if start:
            headers["range"] = f"bytes={start}-"
        request = self._client.build_request("GET", address, headers=headers)
        reply = await self._client.send(request, stream=True)
        whole = reply.status_code == httpx.codes.OK
        if not whole and not _continues(reply, start):
            await reply.aclose()
            raise DownloadHTTPError(f"{path}: {reply.status_code}", reply.status_code)
        return reply

    async def _piece(self, chunks: AsyncIterator[bytes]) -> bytes:
        piece = bytearray()
        async for chunk in chunks:
            piece += chunk
            if len(piece) >= self._limits.piece_bytes:
                break
        return bytes(piece)

    def _run(self, work: Coroutine[Any, Any, T], seconds: float, path: str) -> T:
        async def timed() -> T:
            async with asyncio.timeout(seconds):
                return await work

        try:
            return self._runner.run(timed())
        except TimeoutError:
            raise SlowRetrievalError(f"{path}: nothing new for {seconds:g} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise DownloadError(f"{path}: {type(error).__name__}") from error


def _continues(reply: httpx.Response, start: int) -> bool:
    """Whether an answer is the rest of a file from a byte on."""
    asked = start > 0 and reply.status_code == httpx.codes.PARTIAL_CONTENT
    return asked and reply.headers.get("content-range", "").startswith(f"bytes {start}-")
