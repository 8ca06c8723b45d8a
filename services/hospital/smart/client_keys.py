"""The public keys of clients: as registered, or fetched from where the client keeps them.

What was fetched is kept as long as its answer says, within bounds; a key id that is not among it is
looked for once more, at most once a minute, so that a client may change its keys when it likes.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from compliance.errors import BadInputError
from services.hospital.smart.clients import Client
from services.hospital.smart.errors import OAuthError
from services.hospital.smart.jwks import PublicKey, parse_keys, read_keys
from services.web.outbound import Outbound, OutboundFailedError, OutboundRefusedError

SHORTEST_SECONDS, LONGEST_SECONDS = 300.0, 86_400.0
"""For how long a fetched set is kept, at least and at most."""
AGAIN_SECONDS = 60.0
"""A set is fetched at most this often, whatever key ids are asked for."""
LARGEST_SET = 256 << 10
"""Bytes."""
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")


@dataclass
class _Fetched:
    """The keys at one address; times are those of the clock."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    until: float = 0.0
    asked: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ClientKeys:
    """The keys of all clients of one hospital.

    Args:
        outbound: the only way to addresses that clients name.
        clock: seconds that only go forward; tests move it.
    """

    def __init__(self, outbound: Outbound, clock: Callable[[], float] = time.monotonic) -> None:
        self._outbound, self._clock = outbound, clock
        self._kept: dict[str, _Fetched] = {}

    async def find(self, client: Client, key_id: str) -> PublicKey:
        """The key of a client that has this id.

        Raises:
            OAuthError: it has none, or its keys cannot be fetched or used.
        """
        if client.jwks is not None:
            found = parse_keys(client.jwks).get(key_id)
        else:
            found = await self._fetched(client.jwks_uri or "", key_id)
        if found is None:
            raise OAuthError("invalid_client", "The client has no usable key of this kid.")
        return found

    async def _fetched(self, url: str, key_id: str) -> PublicKey | None:
        kept = self._kept.setdefault(url, _Fetched())
        async with kept.lock:  # of many calls at once, one fetches
            now = self._clock()
            fresh = now < kept.until
            if not (fresh and key_id in kept.keys) and now - kept.asked >= AGAIN_SECONDS:
                kept.asked = now
                await self._fetch(url, kept)
            return kept.keys.get(key_id) if self._clock() < kept.until else None

    async def _fetch(self, url: str, kept: _Fetched) -> None:
        """Fetch a set; where that fails, what is kept stays until it is over.

        Raises:
            OAuthError: the set must not be used; nothing of it is kept.
        """
        try:
            self._outbound.check(url)
            async with self._outbound.client(cap=LARGEST_SET) as client:
                answer = await client.get(url, headers={"accept": "application/json"})
            if answer.status_code != httpx.codes.OK:
                return
            document = json.loads(answer.content)
        except OutboundRefusedError:
            raise OAuthError("invalid_client", "The client's jwks_uri may not be called.") from None
        except (httpx.HTTPError, OutboundFailedError, ValueError, RecursionError):
            return
        try:
            kept.keys = read_keys(document)
        except BadInputError as error:
            kept.keys, kept.until = {}, 0.0
            raise OAuthError("invalid_client", error.message) from None
        kept.until = self._clock() + _age(answer.headers.get("cache-control", ""))


def _age(directives: str) -> float:
    found = _MAX_AGE.search(directives.lower())
    return min(max(float(found[1]) if found else 0.0, SHORTEST_SECONDS), LONGEST_SECONDS)
