"""Where the browser says that a request comes from."""

from __future__ import annotations

from starlette.requests import Request


def is_foreign(request: Request) -> bool:
    """Whether another site asked for it (Fetch Metadata, else ``Origin``)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        # Decided by the browser alone: under `no-referrer` it writes "Origin: null" for own forms.
        return site not in ("same-origin", "none")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return request.headers.get("origin", own) != own
