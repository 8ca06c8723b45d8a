"""Every limit of a client, with its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import httpx


class Connects(Protocol):
    """Makes HTTP clients: `services.web.outbound.Outbound` does."""

    def client(self, *, timeout: float | None = None, cap: int | None = None) -> httpx.AsyncClient:
        """A client whose exchanges take ``timeout`` seconds and ``cap`` bytes at most."""
        ...


@dataclass(frozen=True)
class ClientSettings:
    """How a client treats a server.

    Attributes:
        timeout: longest exchange, in seconds; deadline: the same with all attempts and pauses.
        attempts: of one call; pause: before the second one, in seconds, doubled each time and
            drawn from nothing to that; longest_pause: in seconds, unless the server asks for more.
        rate: calls a second; burst: calls that may come at once; concurrency: calls at a time.
        failures: calls in a row without any answer after which the server is left alone;
            rest: for so long, in seconds.
        cap: largest answer in bytes; file_cap: largest bulk file; line_cap: largest line of one.
        page: resources asked for in one page; pages: most pages of one search.
        bulk_seconds: longest wait for an export; poll: pause between questions after it, where the
            server names none; file_seconds: longest download of one file.
    """

    timeout: float = 30.0
    deadline: float = 120.0
    attempts: int = 5
    pause: float = 0.5
    longest_pause: float = 30.0
    rate: float = 20.0
    burst: int = 20
    concurrency: int = 4
    failures: int = 8
    rest: float = 30.0
    cap: int = 32 << 20
    file_cap: int = 16 << 30
    line_cap: int = 8 << 20
    page: int = 200
    pages: int = 10_000
    bulk_seconds: float = 4 * 3600.0
    poll: float = 10.0
    file_seconds: float = 3600.0
