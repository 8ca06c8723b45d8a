"""Outer guards of every application: host names, size of a request, security headers, errors.

Written as plain ASGI so that streams are not buffered and a broken off client is noticed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.problems import Problem

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
_LOG = logging.getLogger("caretier.web")


class Guard:
    """ASGI middleware; see the module.

    Args:
        app: the application inside.
        hosts: host names that a request may be for (a defence against DNS rebinding).
        limit: largest request body in bytes.
        metrics: where requests are counted, by route template and status, never by address.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], limit: int, metrics: CollectorRegistry
    ) -> None:
        self._app, self._hosts, self._limit = app, frozenset(hosts), limit
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
        refusal = self._refuse(headers)
        status, began, left = 500, time.perf_counter(), self._limit

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message)
            await send(message)

        async def receive_limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _TooLargeError
            return message

        try:
            if refusal is not None:
                await refusal(scope, receive, send_guarded)
            else:
                await self._app(scope, receive_limited, send_guarded)
        except _TooLargeError:
            problem = _too_large()
            await problem(scope, receive, send_guarded)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._count.labels(scope["method"], route, str(status)).inc()
            self._time.labels(route).observe(time.perf_counter() - began)

    def _refuse(self, headers: dict[bytes, bytes]) -> Problem | None:
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].strip("[]").lower()
        if self._hosts and host not in self._hosts:
            return Problem(400, "wrong-host", "This server does not answer to that host name.")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            return Problem(400, "bad-request", "The request cannot be read.")
        return _too_large() if int(length) > self._limit else None


class _TooLargeError(Exception):
    """The body went over the limit while it was read."""


def _too_large() -> Problem:
    return Problem(
        413, "too-large", "The request is larger than this address takes.", remedy="Send less."
    )


def _add_headers(scope: Scope, message: Message) -> None:
    present = {k.lower() for k, _ in message["headers"]}
    extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in present]
    if b"cache-control" not in present and not scope["path"].startswith("/static/"):
        extra.append((b"cache-control", b"no-store"))
    message["headers"] = [*message["headers"], *extra]
