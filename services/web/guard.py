"""Outer guards of every application: host names, size of a request, security headers, errors.

Written as plain ASGI so that streams are not buffered and a broken off client is noticed.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.problems import Problem, unexpected

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "x-frame-options": "DENY",
}

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_LENGTH_DIGITS = 18
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?")
PAUSE_SECONDS = 30.0
"""How long the next part of a request's body may take to come."""
LEAST_BYTES_A_SECOND = 10_000
"""How fast a body comes at least, over the time of one pause."""
Dress = Callable[[str, Problem], ASGIApp]
"""Given a path and a problem: the response that says so."""


class Guard:
    """ASGI middleware; see the module.

    Args:
        app: the application inside.
        hosts: host names that a request may be for (a defence against DNS rebinding).
        limit: largest request body in bytes.
        large: the same by path, where more is taken.
        metrics: where requests are counted, by route template and status, never by address.
        dress: gives a refusal the form that the callers of a path understand.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str],
        limit: int,
        metrics: CollectorRegistry,
        large: Mapping[str, int] = MappingProxyType({}),
        dress: Dress = lambda _path, problem: problem,
    ) -> None:
        self._dress = dress
        self._app, self._hosts, self._limit, self._large = app, frozenset(hosts), limit, large
        labels = ["method", "route", "status"]
        self._count = Counter("caretier_requests", "Requests", labels, registry=metrics)
        self._time = Histogram(
            "caretier_request_seconds", "Seconds to the last byte", ["route"], registry=metrics
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k: v for k, v in scope["headers"] if k in (b"host", b"content-length")}
        limit = self._large.get(scope["path"], self._limit)
        refusal = self._refuse(scope, headers, limit)
        app = self._app if refusal is None else self._dress(scope["path"], refusal)
        call, began = _Call(scope, receive, send, limit), time.perf_counter()
        try:
            await app(scope, call.receive, call.send)
        except _TooLargeError:
            await call.end(self._dress(scope["path"], _too_large()))
        except _TooSlowError:
            await call.end(self._dress(scope["path"], _too_slow()))
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the server's own log
            await call.end(self._dress(scope["path"], unexpected(error, _route(scope))))
        finally:
            route = _route(scope)
            self._count.labels(_method(scope), route, str(call.status)).inc()
            self._time.labels(route).observe(time.perf_counter() - began)

    def _refuse(self, scope: Scope, headers: dict[bytes, bytes], limit: int) -> Problem | None:
        said = _HOST.fullmatch(headers.get(b"host", b"").decode("latin-1").lower())
        if self._hosts and (said is None or said[1].strip("[]") not in self._hosts):
            return Problem(400, "wrong-host", "This server does not answer to that host name.")
        length = headers.get(b"content-length", b"0")
        # NUL stands in no address of ours, and PostgreSQL takes it in no text
        if "\x00" in scope["path"]:
            return Problem(404, "not-found", "There is nothing at this address.")
        nul = b"%00" in scope.get("query_string", b"")
        if nul or _has_two_ends(scope) or not length.isdigit() or len(length) > MAX_LENGTH_DIGITS:
            return Problem(400, "bad-request", "The request cannot be read.")
        return _too_large() if int(length) > limit else None


class _TooLargeError(Exception):
    """The body went over the limit while it was read."""


class _TooSlowError(Exception):
    """The body did not come in time."""


class _Call:
    """One request: counts and times what comes in, adds the headers to what goes out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self._scope, self._receive, self._send, self._left = scope, receive, send, limit
        self._started = self._whole = self._slow = False
        self._came, self._took = 0, 0.0
        self.status = 500

    async def receive(self) -> Message:
        """Give the next part of the body; raise when it goes over the limit, or comes too slowly.

        Once it is whole, what comes is that the client left, which may take as long as it likes.
        """
        if self._whole:
            return await self._receive()
        began = time.perf_counter()
        try:
            message = await asyncio.wait_for(self._receive(), PAUSE_SECONDS)
        except TimeoutError:
            self._slow = True
            raise _TooSlowError from None
        self._took += time.perf_counter() - began
        self._came += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError
        self._slow = self._took > PAUSE_SECONDS + self._came / LEAST_BYTES_A_SECOND
        if self._slow and not self._whole:
            raise _TooSlowError
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; nothing that a route made of half a body."""
        if not self._started:
            if self._left < 0:
                raise _TooLargeError
            if self._slow and not self._whole:
                raise _TooSlowError
        await self._pass(message)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started, self.status = True, message["status"]
            _add_headers(self._scope, message)
        await self._send(message)

    async def end(self, answer: ASGIApp) -> None:
        """Answer so; where the answer has begun, the server breaks it off."""
        if not self._started:
            await answer(self._scope, self._receive, self._pass)


def _method(scope: Scope) -> str:
    """The method for the metrics: what a client makes up gets no series, and no text, there."""
    return scope["method"] if scope["method"] in METHODS else "other"


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _has_two_ends(scope: Scope) -> bool:
    """Whether a body ends in two ways: a proxy before us may have taken the other (RFC 9112, 6.1).

    What follows could then be a request that nobody but its sender meant.
    """
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


def _too_large() -> Problem:
    return Problem(
        413, "too-large", "The request is larger than this address takes.", remedy="Send less."
    )


def _too_slow() -> Problem:
    return Problem(408, "too-slow", "The request did not come in time.", remedy="Try it once more.")


def _add_headers(scope: Scope, message: Message) -> None:
    present = {k.lower() for k, _ in message["headers"]}
    extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in present]
    if b"cache-control" not in present and not scope["path"].startswith("/static/"):
        extra.append((b"cache-control", b"no-store"))
    if _has_two_ends(scope):
        extra.append((b"connection", b"close"))
    message["headers"] = [*message["headers"], *extra]
