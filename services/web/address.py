"""The address under which the outside knows this server."""

from __future__ import annotations

from fastapi import Request


def public_base(request: Request) -> str:
    """Absolute URL of the application's root, without a final slash.

    It is the one that `services.web.app.create_app` was given. Where none was, it is made of the
    Host header, which `services.web.guard.Guard` has held against the names that are served.
    """
    given: str | None = getattr(request.app.state, "base_url", None)
    return given or str(request.base_url).rstrip("/")
