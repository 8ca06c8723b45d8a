"""A site's robots.txt (RFC 9309): whether a program called `caretier` may fetch an address."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import httpx

from services.learning.sources.errors import SourceAwayError, SourceRefusedError

AGENT = "caretier"
LONGEST = 512 * 1024
"""Bytes of a robots.txt that count."""
LONGEST_PAUSE = 120.0


class Robots:
    """The rules of one origin, fetched once for one run."""

    def __init__(self, rules: RobotFileParser | None) -> None:
        self._rules = rules

    @classmethod
    async def of(cls, client: httpx.AsyncClient, url: str) -> Robots:
        """Fetch the rules for an address.

        Raises:
            SourceAwayError: they cannot be had now, which forbids everything for now.
        """
        parts = urlsplit(url)
        answer = await client.get(f"{parts.scheme}://{parts.netloc}/robots.txt")
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code == 429:  # noqa: PLR2004
            raise SourceAwayError("Its robots.txt cannot be had now.")
        if answer.status_code != httpx.codes.OK:
            return cls(None)  # no rules at all
        rules = RobotFileParser()
        rules.parse(answer.content[:LONGEST].decode("utf-8", "replace").splitlines())
        return cls(rules)

    def require(self, url: str) -> None:
        """Refuse an address that the rules forbid.

        Raises:
            SourceRefusedError: they do.
        """
        if self._rules is not None and not self._rules.can_fetch(AGENT, url):
            raise SourceRefusedError("Its robots.txt forbids this address.", reason="robots")

    @property
    def pause(self) -> float:
        """Seconds between requests that the rules ask for."""
        asked = self._rules.crawl_delay(AGENT) if self._rules is not None else None
        return min(float(asked or 0.0), LONGEST_PAUSE)
