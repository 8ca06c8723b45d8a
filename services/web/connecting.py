"""How `services.web.outbound` connects: which addresses, for how long, and how much is read."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from services.web.refused import OutboundRefusedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host name, best first."""

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
"""Where clouds tell a machine its own secrets, apart from the link-local addresses."""
_CARRIES_IPV4 = tuple(
    ipaddress.IPv6Network(net)
    for net in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
"""IPv4-compatible, translated and NAT64: an IPv4 address in the last four bytes."""
_PIECE = 1 << 16
_GZIP = 31
"""``wbits`` of zlib for gzip alone."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def may_connect(address: str, *, private: bool) -> bool:
    """Whether an address may be connected to; one that carries another is judged by both."""
    try:
        meant = list(_meant(ipaddress.ip_address(address)))
    except ValueError:
        return False
    return all(
        not (ip.is_multicast or ip.is_link_local or ip.is_unspecified or ip in METADATA)
        and ip != ipaddress.IPv4Address("255.255.255.255")
        and (private or ip.is_global)
        for ip in meant
    )


def _meant(ip: Address) -> Iterator[Address]:
    """The address, or the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        yield ip
        return
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
        return
    yield ip
    if ip.sixtofour is not None:
        yield ip.sixtofour
    yield from ip.teredo or ()
    low = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if int(ip) > 1 and any(ip in net for net in _CARRIES_IPV4):
        yield low


class _JudgedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that a name has now, once all of them are judged."""

    def __init__(self, resolving: Resolve, *, private: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._resolving, self._private = resolving, private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that takes the connection."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolving(host, port)
        except (OSError, UnicodeError) as error:  # a timeout is an OSError too
            raise httpcore.ConnectError("the name has no address") from error
        if not all(may_connect(address, private=self._private) for address in addresses):
            raise OutboundRefusedError("That name leads to an address that is not called.")
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        return await self._inner.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - httpcore's interface
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise OutboundRefusedError("No socket of this machine is called.")

    async def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        await asyncio.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """The transport of a client that calls listed origins only.

    Args:
        check: raises for an address that may not be called.
        private: whether loopback and private networks may be connected to.
        total: longest time of an exchange in seconds; cap: longest body in bytes.
        resolving: turns a name into addresses.
        tls: trusted certificates.
    """

    def __init__(
        self,
        check: Callable[[str], None],
        *,
        private: bool,
        total: float,
        cap: int,
        resolving: Resolve,
        tls: ssl.SSLContext,
    ) -> None:
        super().__init__(verify=tls, trust_env=False)
        if not isinstance(self._pool, httpcore.AsyncConnectionPool):
            raise TypeError("httpx no longer connects through a pool that can be replaced")
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, network_backend=_JudgedBackend(resolving, private=private)
        )
        self._check, self._total, self._cap = check, total, cap

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; what is read of the answer is bounded."""
        self._check(str(request.url))
        deadline = asyncio.get_running_loop().time() + self._total
        try:
            async with asyncio.timeout_at(deadline):
                answer = await super().handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        try:
            return _bounded(answer, request, deadline, self._cap)
        except OutboundRefusedError:
            await answer.aclose()
            raise


def _bounded(
    answer: httpx.Response, request: httpx.Request, deadline: float, cap: int
) -> httpx.Response:
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", "x-gzip", ""}:
        raise OutboundRefusedError("The answer is packed in a way that was not asked for.")
    length = answer.headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 18 or int(length) > cap:  # noqa: PLR2004
        raise OutboundRefusedError("The answer is longer than what is read.")
    dropped = {b"content-encoding", b"content-length"} if "gzip" in coding else set()
    headers = [(k, v) for k, v in answer.headers.raw if k.lower() not in dropped]
    stream = answer.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an answer without a stream")
    body = _Body(stream, request, deadline, cap, packed="gzip" in coding)
    return httpx.Response(
        answer.status_code, headers=headers, stream=body, extensions=answer.extensions
    )


class _Body(httpx.AsyncByteStream):
    """A body that ends in time, and is refused where it grows too long, also while unpacking."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        request: httpx.Request,
        deadline: float,
        cap: int,
        *,
        packed: bool,
    ) -> None:
        self._stream, self._request, self._deadline, self._left = stream, request, deadline, cap
        self._unpack = zlib.decompressobj(wbits=_GZIP) if packed else None
        self._begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise httpx.ReadTimeout("no end in time", request=self._request) from None
            if piece is None:
                break
            for part in self._parts(piece):
                self._left -= len(part)
                if self._left < 0:
                    raise OutboundRefusedError("The answer is longer than what is read.")
                yield part
        if self._begun and self._unpack is not None and not self._unpack.eof:
            raise httpx.DecodingError("cut off", request=self._request)

    def _parts(self, piece: bytes) -> Iterator[bytes]:
        if self._unpack is None:
            yield piece
            return
        try:
            while piece:
                self._begun = True
                if self._unpack.eof:  # a further member
                    self._unpack = zlib.decompressobj(wbits=_GZIP)
                yield self._unpack.decompress(piece, _PIECE)
                piece = self._unpack.unconsumed_tail or self._unpack.unused_data
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=self._request) from error

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()
