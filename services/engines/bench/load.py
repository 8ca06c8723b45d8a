"""Puts load on a chat API: so many requests, so many at once, each timed."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.engines.errors import EngineError
from services.engines.http import typed_errors

REQUEST_SECONDS = 300.0
MILLISECONDS = 1000.0


@dataclass(frozen=True)
class Target:
    """A chat API: its address with ``/v1``, the model to ask there, and headers."""

    name: str
    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Timed:
    """Times of one run in milliseconds, and how long it took in seconds.

    ``first`` is to the first byte of the answer, ``last`` to its end.
    """

    first: Sequence[float]
    last: Sequence[float]
    seconds: float

    @property
    def median(self) -> float:
        """Of the whole requests."""
        return statistics.median(self.last)

    @property
    def p95(self) -> float:
        """95 of 100 requests are quicker."""
        return statistics.quantiles(self.last, n=20, method="inclusive")[-1]


def body_of(model: str, user: str, tokens: int, **more: Any) -> dict[str, Any]:
    """A request for exactly so many tokens where the server can be told to."""
    said = [{"role": "user", "content": user}]
    return {"model": model, "messages": said, "max_tokens": tokens, "temperature": 0, **more}


async def put(targets: Sequence[tuple[Target, dict[str, Any]]], streams: int) -> Timed:
    """Send every request, ``streams`` at once, in order.

    Raises:
        EngineError: one failed; a figure with failures in it would say nothing.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=streams)
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS, limits=limits, trust_env=False) as client:
        began = time.perf_counter()
        times = await _run(client, targets, streams)
        seconds = time.perf_counter() - began
    return Timed([first for first, _ in times], [last for _, last in times], seconds)


async def _run(
    client: httpx.AsyncClient, targets: Sequence[tuple[Target, dict[str, Any]]], streams: int
) -> list[tuple[float, float]]:
    left = iter(targets)
    times: list[tuple[float, float]] = []

    async def worker() -> None:
        for target, body in left:  # shared: each takes the next one
            times.append(await _one(client, target, body))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return times


async def _one(
    client: httpx.AsyncClient, target: Target, body: dict[str, Any]
) -> tuple[float, float]:
    began = time.perf_counter()
    first = 0.0
    call = f"{target.url}/chat/completions"
    with typed_errors():
        async with client.stream("POST", call, json=body, headers=target.headers) as reply:
            if not reply.is_success:
                said = (await reply.aread())[:300].decode(errors="replace")
                raise EngineError(f"{target.name} answered {reply.status_code}: {said}")
            async for _ in reply.aiter_raw():
                first = first or time.perf_counter() - began
    return first * MILLISECONDS, (time.perf_counter() - began) * MILLISECONDS
