"""Cross-origin calls of browser apps: discovery for all, data and tokens for registered pages.

Credentials are never asked for nor taken: the portal's cookie is for the portal's own pages.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PUBLIC = re.compile(r"/fhir/metadata|(?:/fhir)?/\.well-known/[a-z-]+|/oauth/(?:jwks|style\.json)")
"""What says how the server is used, and nothing of anybody."""
REGISTERED = re.compile(r"/fhir(?:/.*)?|/oauth/(?:token|revoke)")
_SENT = (
    *("Accept", "Authorization", "Content-Type", "Prefer", "X-Requested-With", "Cache-Control"),
    *("If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since"),
    *("X-Request-Id", "X-Correlation-Id"),
)
_SHOWN = (
    *("Content-Location", "ETag", "Last-Modified", "Location", "Retry-After", "WWW-Authenticate"),
    "X-Progress",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_KNOWN_SECONDS = 5.0


class SmartCors:
    """Lets pages of registered origins call FHIR and the token endpoint.

    Args:
        app: the application inside.
        origins: of the pages of registered apps.
        clock: seconds that only go forward; tests move it.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: Callable[[], frozenset[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._public = CORSMiddleware(app, allow_origins=["*"], allow_methods=("GET", "HEAD"))
        self._registered = _Registered(app, origins, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if PUBLIC.fullmatch(path):
            await self._public(scope, receive, send)
        elif REGISTERED.fullmatch(path):
            await self._registered(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Registered(CORSMiddleware):
    """The part for pages of registered apps; whose they are is looked up every few seconds."""

    def __init__(
        self,
        app: ASGIApp,
        origins: Callable[[], frozenset[str]],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(
            app,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=600,
        )
        self._origins, self._clock = origins, clock
        self._known: frozenset[str] = frozenset()
        self._until = float("-inf")

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether a page of this origin may call."""
        if self._clock() >= self._until:
            self._known, self._until = self._origins(), self._clock() + _KNOWN_SECONDS
        return origin in self._known
