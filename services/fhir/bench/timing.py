"""Figures: how many a second, and how long the slowest of twenty took."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from statistics import quantiles
from typing import Any


@dataclass(frozen=True)
class Timing:
    """One after another, by the wall clock.

    Attributes:
        count: how many there were.
        rate: a second.
        p50: milliseconds; None where only the whole was timed.
        p95: milliseconds; None where only the whole was timed.
    """

    count: int
    rate: float
    p50: float | None = None
    p95: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it rounded."""
        found = {"count": self.count, "per_second": self.rate, "p50_ms": self.p50}
        found["p95_ms"] = self.p95
        return {name: v if v is None else round(v, 2) for name, v in found.items()}


@dataclass(frozen=True)
class Figure:
    """What the server needs, and what plain SQL needs for the same; None where there is none."""

    name: str
    ours: Timing
    raw: Timing | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        raw = self.raw.to_json() if self.raw else None
        return {"name": self.name, **self.ours.to_json(), "raw": raw}


def of(seconds: list[float]) -> Timing:
    """Return the figures of calls that took so long."""
    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
    return Timing(len(seconds), len(seconds) / sum(seconds), cuts[9] * 1e3, cuts[18] * 1e3)


def each(calls: Iterable[Callable[[], object]]) -> Timing:
    """Make each call once and time it."""
    seconds = []
    for call in calls:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return of(seconds)


async def each_awaited(calls: Iterable[Callable[[], Awaitable[object]]]) -> Timing:
    """Make each call once, await it and time it."""
    seconds = []
    for call in calls:
        began = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - began)
    return of(seconds)


def whole(call: Callable[[], int], clock: Callable[[], float] = time.perf_counter) -> Timing:
    """Time one call that says how many things it did."""
    began = clock()
    count = call()
    return Timing(count, count / (clock() - began))
