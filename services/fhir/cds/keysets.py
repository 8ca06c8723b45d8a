"""Public keys of EHRs, fetched from the addresses that an operator registered, and kept a while.

A call never waits long for a key: what is being fetched goes on in the background, so that a slow
server delays the first call only, and one that hangs delays none beyond `PATIENCE`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

FRESH_SECONDS = 600.0
"""A set is fetched again after so long, while the one held is still used."""
USED_SECONDS = 3600.0
"""A set that cannot be fetched again is trusted for so long."""
AGAIN_SECONDS = 10.0
"""A set is asked again for a key that it does not have, or after a failure, no sooner than this."""
PATIENCE = 0.15
"""How long a call waits for a set, in seconds."""
MAX_KEYS = 50


@dataclass
class _Held:
    keys: list[Mapping[str, Any]] | None = None
    fetched: float = 0.0
    tried: float = -AGAIN_SECONDS
    fetching: asyncio.Task[None] | None = None


class KeySets:
    """JSON Web Key Sets by address.

    Args:
        get_json: gets a document; raises for an address that may not be called.
        clock: seconds; tests move it.
    """

    def __init__(
        self,
        get_json: Callable[[str], Awaitable[Any]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._get_json, self._clock = get_json, clock
        self._held: dict[str, _Held] = {}

    async def find(self, url: str, kid: str) -> Mapping[str, Any] | None:
        """The one key of a set with this id; None where there is none, or more than one."""
        held = self._held.setdefault(url, _Held())
        now = self._clock()
        known = self._usable(held, now)
        missing = known is None or not any(key.get("kid") == kid for key in known)
        if missing or now - held.fetched > FRESH_SECONDS:
            self._begin(url, held, now)
        if missing and held.fetching is not None:
            await asyncio.wait({held.fetching}, timeout=PATIENCE)
        found = [k for k in self._usable(held, self._clock()) or () if k.get("kid") == kid]
        return found[0] if len(found) == 1 else None

    async def load(self, url: str) -> None:
        """Fetch a set before it is needed; a failure is for a later call to see."""
        held = self._held.setdefault(url, _Held())
        self._begin(url, held, self._clock())
        if held.fetching is not None:
            await asyncio.wait({held.fetching}, timeout=PATIENCE)

    def _usable(self, held: _Held, now: float) -> list[Mapping[str, Any]] | None:
        return held.keys if now - held.fetched <= USED_SECONDS else None

    def _begin(self, url: str, held: _Held, now: float) -> None:
        waiting = held.fetching is not None and not held.fetching.done()
        if not waiting and now - held.tried >= AGAIN_SECONDS:
            held.tried = now
            held.fetching = asyncio.create_task(self._fetch(url, held))

    async def _fetch(self, url: str, held: _Held) -> None:
        with contextlib.suppress(Exception):  # whatever it is: the key is not there
            document = await self._get_json(url)
            keys = document.get("keys") if isinstance(document, Mapping) else None
            if isinstance(keys, list) and len(keys) <= MAX_KEYS:
                held.keys = [key for key in keys if isinstance(key, Mapping)]
                held.fetched = self._clock()

    async def close(self) -> None:
        """Stop what is being fetched."""
        tasks = [held.fetching for held in self._held.values() if held.fetching is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
