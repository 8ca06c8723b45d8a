"""What a gateway costs: milliseconds of a request, and its processor time for each.

The processor time is that of the whole program, all its processes. The targets take turns, so that
a busy moment of the machine meets all of them, and shares are taken turn by turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from statistics import median, quantiles
from typing import Any

import psutil

from services.engines.bench.load import Target, body_of, put
from services.engines.bench.processes import processor_seconds

QUESTION = "What is asthma?"
WARM = 20
TURNS, ASKED_A_STREAM = 4, 2
"""Turns of each target, or as many as leave every stream so many requests a turn."""
Gateways = Sequence[tuple[Target, psutil.Process]]


@dataclass(frozen=True)
class GatewayRow:
    """One target under one load; milliseconds of a request, and what it cost the gateway.

    ``cpu_ms``: processor time of the gateway for a request, and of what it does by itself
    meanwhile, which counts where the upstream is slow; None for the upstream alone.
    ``ours_to_this``: the first gateway's processor time divided by this one's, turn by turn, in the
    median; None for the first one and the upstream.
    """

    upstream: str
    target: str
    streamed: bool
    streams: int
    requests: int
    median_ms: float
    p95_ms: float
    per_second: float
    cpu_ms: float | None
    ours_to_this: float | None


@dataclass
class _Target:
    """One target and what was found: each request's milliseconds, and each turn's seconds."""

    target: Target
    process: psutil.Process | None
    bodies: Iterator[dict[str, Any]]
    last: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def warm_up(self, requests: int, streams: int) -> None:
        """Ask for one token each: it is the gateway that is to be warm."""
        short = [{**body, "max_tokens": 1} for body in islice(self.bodies, requests)]
        asyncio.run(put([(self.target, body) for body in short], streams))

    def take_turn(self, requests: int, streams: int) -> None:
        asked = [(self.target, body) for body in islice(self.bodies, requests)]
        before = processor_seconds(self.process) if self.process else 0.0
        timed = asyncio.run(put(asked, streams))
        if self.process:
            self.cpu.append(processor_seconds(self.process) - before)
        self.last.extend(timed.last)
        self.seconds.append(timed.seconds)


def measure(
    upstream: Target,
    gateways: Gateways,
    *,
    streams: int,
    requests: int,
    tokens: int,
    warm: int = WARM,
) -> list[GatewayRow]:
    """Rows of the upstream alone and of every gateway before it, whole and streamed.

    Args:
        upstream: that all of them ask.
        gateways: with their processes; the first is ours.
        streams: requests at once.
        requests: to each target, whole and streamed each.
        tokens: of an answer.
        warm: requests before that, which are not counted.

    Raises:
        EngineError: a request failed.
    """
    turns = max(1, min(TURNS, requests // (ASKED_A_STREAM * streams)))
    rows = []
    for streamed in (False, True):
        found = [
            _Target(target, process, _bodies(target.model, tokens, streamed=streamed))
            for target, process in [(upstream, None), *gateways]
        ]
        for one in found:
            one.warm_up(warm, streams)
        for turn in range(turns):
            for one in reversed(found) if turn % 2 else found:
                one.take_turn(requests // turns, streams)
        rows += [_row(upstream, one, found[1], streamed, streams) for one in found]
    return rows


def _bodies(model: str, tokens: int, *, streamed: bool) -> Iterator[dict[str, Any]]:
    """Requests, each another one, so that nothing was looked at or read before."""
    more: dict[str, Any] = {"stream": True} if streamed else {}
    return (body_of(model, f"{QUESTION} ({n})", tokens, **more) for n in count())


def _row(
    upstream: Target, one: _Target, first: _Target, streamed: bool, streams: int
) -> GatewayRow:
    requests, share = len(one.last), None
    if one.process and one is not first:
        pairs = zip(first.cpu, one.cpu, strict=True)
        share = round(median(ours / max(this, 0.01) for ours, this in pairs), 2)
    return GatewayRow(
        upstream=upstream.name,
        target=one.target.name,
        streamed=streamed,
        streams=streams,
        requests=requests,
        median_ms=round(median(one.last), 2),
        p95_ms=round(quantiles(one.last, n=20, method="inclusive")[-1], 2),
        per_second=round(requests / sum(one.seconds), 1),
        cpu_ms=round(sum(one.cpu) / requests * 1000, 2) if one.process else None,
        ours_to_this=share,
    )
