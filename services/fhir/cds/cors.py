"""Cross-origin calls of ``/cds-services``: browsers of registered EHRs only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.fhir.cds.routes import PREFIX


class CdsCors(CORSMiddleware):
    """Lets scripts of some origins call decision support, and nothing else here.

    Args:
        app: the application inside.
        allowed: whether an origin is one of a registered EHR.
        refresh: called before each request that is for decision support.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed: Callable[[str], bool],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            app,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
            max_age=600,
        )
        self._allowed, self._refresh = allowed, refresh

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether an origin may call."""
        return self._allowed(origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        ours = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")
        if ours:
            await self._refresh()
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)
