"""How much a key may send: requests and tokens a minute, each a bucket that refills evenly.

Tokens are reserved before a model is asked (the prompt by its length, the answer by its limit) and
settled afterwards by what was used. Counts are kept in this process and begin anew when it starts.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from services.hospital.gateway.errors import RateLimitError

MINUTE = 60.0
MOST_KEYS = 10_000
"""Keys that are remembered; those heard of longest ago are forgotten, and so begin anew."""


@dataclass(frozen=True)
class Allowance:
    """Requests and tokens a minute; None where there is no limit."""

    requests: int | None = None
    tokens: int | None = None


@dataclass
class _Bucket:
    """What is left of a limit; ``since`` is when that was so."""

    limit: int
    left: float
    since: float

    def refill(self, now: float) -> None:
        self.left = min(self.limit, self.left + (now - self.since) * self.limit / MINUTE)
        self.since = now

    def wait(self, wanted: float) -> float:
        """Seconds until so much is there; more than fits is there when the bucket is full."""
        lacking = min(wanted, self.limit) - self.left
        return max(0.0, lacking * MINUTE / self.limit)

    def full(self) -> float:
        """Seconds until the bucket is full."""
        return (self.limit - self.left) * MINUTE / self.limit


@dataclass
class _Key:
    buckets: dict[str, _Bucket] = field(default_factory=dict)


class Limits:
    """The limits of all keys.

    Args:
        clock: seconds that only go forward; tests move it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys: OrderedDict[str, _Key] = OrderedDict()

    def admit(self, key: str, allowance: Allowance, tokens: int = 0) -> dict[str, str]:
        """Take one request and so many tokens from a key's buckets.

        Returns:
            The ``x-ratelimit-*`` headers of the answer.

        Raises:
            RateLimitError: there is not enough left; nothing was taken.
        """
        wanted = {"requests": 1, "tokens": tokens}
        buckets = self._buckets(key, allowance)
        for name, bucket in buckets.items():
            if wait := bucket.wait(wanted[name]):
                raise RateLimitError(
                    f"This key may send {bucket.limit} {name} a minute.", max(1, math.ceil(wait))
                )
        for name, bucket in buckets.items():
            bucket.left -= wanted[name]
        return _headers(buckets)

    def settle(self, key: str, allowance: Allowance, reserved: int, used: int) -> None:
        """Put back what was reserved and not used, or take what was used beyond it."""
        bucket = self._buckets(key, allowance).get("tokens")
        if bucket is not None:
            bucket.left = min(bucket.limit, bucket.left + reserved - used)

    def _buckets(self, key: str, allowance: Allowance) -> dict[str, _Bucket]:
        """A key's buckets as they are now."""
        now = self._clock()
        found = self._keys.setdefault(key, _Key())
        self._keys.move_to_end(key)
        while len(self._keys) > MOST_KEYS:
            self._keys.popitem(last=False)
        limits = {"requests": allowance.requests, "tokens": allowance.tokens}
        for name, limit in limits.items():
            held = found.buckets.get(name)
            if limit is None:
                found.buckets.pop(name, None)
            elif held is None or held.limit != limit:
                found.buckets[name] = _Bucket(limit, limit, now)
            else:
                held.refill(now)
        return found.buckets


def _headers(buckets: dict[str, _Bucket]) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, bucket in buckets.items():
        out[f"x-ratelimit-limit-{name}"] = str(bucket.limit)
        out[f"x-ratelimit-remaining-{name}"] = str(max(0, int(bucket.left)))
        out[f"x-ratelimit-reset-{name}"] = f"{bucket.full():.3f}s"
    return out
