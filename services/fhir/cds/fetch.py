"""Asks the client's FHIR server for what was not prefetched, until the time is up.

The token of a call goes to the one FHIR server that is registered for the EHR that made the call,
and nowhere else: not to an address of the request, not to where a page or a redirect points.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from compliance.errors import CaretierError
from services.fhir.cds.prefetch import is_newest_only
from services.fhir.jsontext import loads

MAX_PAGES = 5
"""Most pages of one search that are read."""
MAX_BYTES = 4 << 20
"""Largest page that is read, in bytes."""
_FAILED = (httpx.HTTPError, httpx.InvalidURL, CaretierError, ValueError, RecursionError)


class _FetchError(Exception):
    """The FHIR server does not give what was asked for."""


ClientFor = Callable[[str], httpx.AsyncClient]
"""Makes a client that may call this base address and waits no longer than a call may."""


async def fetch(
    client_for: ClientFor,
    server: str,
    token: str,
    wanted: Mapping[str, str],
    until: float,
) -> dict[str, Any]:
    """Ask for several things at once; what does not come in time is not in the result.

    Args:
        client_for: makes the HTTP client.
        server: registered base of the FHIR server.
        token: of the call.
        wanted: requests below the base, by key.
        until: time of the loop at which to give up.
    """
    client = client_for(server)
    tasks = {
        key: asyncio.create_task(_pages(client, server.rstrip("/"), token, request))
        for key, request in wanted.items()
    }
    timeout = max(0.0, until - asyncio.get_running_loop().time())
    if tasks:
        await asyncio.wait(tasks.values(), timeout=timeout)
    found = {}
    for key, task in tasks.items():
        if task.done() and not task.cancelled() and task.exception() is None:
            found[key] = task.result()
    _leave(client, list(tasks.values()))
    return found


def _leave(client: httpx.AsyncClient, tasks: list[asyncio.Task[Any]]) -> None:
    """Break off what still runs, without waiting for a server that does not answer."""

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.aclose()

    ending = asyncio.create_task(end())
    _ENDING.add(ending)
    ending.add_done_callback(_ENDING.discard)


_ENDING: set[asyncio.Task[None]] = set()
"""Held until they are done: the loop itself holds tasks weakly."""


async def _pages(client: httpx.AsyncClient, base: str, token: str, request: str) -> Any:
    """The pages of a search as one Bundle, or the one resource.

    The links are those of the last page: where that one names another, the Bundle is not whole.

    Raises:
        _FetchError: the server does not give it.
    """
    pages: list[Any] = []
    address: str | None = f"{base}/{request}"
    while address is not None and len(pages) < MAX_PAGES:
        page = await _page(client, address, token)
        pages.append(page)
        address = None if is_newest_only(request) else _next(page, base)
    if len(pages) == 1:
        return pages[0]
    entries = [entry for page in pages for entry in _entries(page)]
    return {**pages[-1], "entry": entries}


def _entries(page: Any) -> list[Any]:
    found = page.get("entry") if isinstance(page, Mapping) else None
    return found if isinstance(found, list) else [None]


async def _page(client: httpx.AsyncClient, address: str, token: str) -> Any:
    headers = {"authorization": f"Bearer {token}", "accept": "application/fhir+json"}
    try:
        answer = await client.get(address, headers=headers)
        if answer.status_code != httpx.codes.OK or len(answer.content) > MAX_BYTES:
            raise _FetchError("The FHIR server does not give this.")
        return loads(answer.content)
    except _FAILED:
        raise _FetchError("The FHIR server does not give this.") from None


def _next(page: Any, base: str) -> str | None:
    """The address of the next page, where it is on the same server and below the same base."""
    links = page.get("link") if isinstance(page, Mapping) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("relation") == "next":
            address = link.get("url")
            below = isinstance(address, str) and address.startswith((f"{base}/", f"{base}?"))
            return address if below and "/../" not in str(address) else None
    return None
