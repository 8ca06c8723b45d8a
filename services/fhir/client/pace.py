"""How fast a server is called, when a call is made again, and when it is left alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.fhir.client.errors import FhirAwayError
from services.fhir.client.settings import ClientSettings

PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which a call that may be repeated is made again."""
NOT_BEGUN = frozenset({429, 503})
"""Statuses that say that nothing was done, so that any call may be made again."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    moment = date_of(given)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def date_of(text: str | None) -> datetime | None:
    """The moment of a date as HTTP writes it; None where there is none."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def pause(attempt: int, settings: ClientSettings, asked: float | None) -> float:
    """Seconds before the next attempt: drawn from nothing to the bound, after what was asked."""
    bound = min(settings.pause * 2**attempt, settings.longest_pause)
    drawn = random.uniform(0.0, bound)  # noqa: S311 - spreads calls, protects nothing
    return drawn if asked is None else asked + min(drawn, 1.0)


class Pace:
    """Keeps to a rate and a number of calls at a time, and leaves a silent server alone.

    Args:
        settings: rate, burst, concurrency, failures and rest.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._left = float(settings.burst)
        self._filled = self._closed_until = 0.0
        self._failed = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it.

        Raises:
            FhirAwayError: the server gave no answer for several calls in a row.
        """
        async with self._slots:
            now = asyncio.get_running_loop().time()
            if now < self._closed_until:
                raise FhirAwayError("The FHIR server is left alone.", self._closed_until - now)
            await self._take(now)
            yield

    async def _take(self, now: float) -> None:
        rate, burst = self._settings.rate, self._settings.burst
        self._left = min(burst, self._left + (now - self._filled) * rate)
        self._filled = now
        self._left -= 1.0
        if self._left < 0.0:
            await asyncio.sleep(-self._left / rate)

    def told(self, *, answered: bool) -> None:
        """Note whether a call had any answer."""
        self._failed = 0 if answered else self._failed + 1
        if self._failed >= self._settings.failures:
            self._failed = 0
            self._closed_until = asyncio.get_running_loop().time() + self._settings.rest
