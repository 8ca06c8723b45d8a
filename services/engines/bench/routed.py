"""What a mix of adapters costs on vLLM against one, and what it gains by prompts read before."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from secrets import randbelow
from statistics import median
from typing import Literal
from uuid import uuid4

import psutil

from services.engines.bench.load import Target, body_of, put
from services.engines.bench.peft import write_peft_adapter
from services.engines.bench.processes import processor_seconds
from services.engines.vllm import VllmEngine, VllmSettings

ADAPTERS = ("first", "second", "third")
PAIRS, FEWEST_PAIRS, PAIRS_SECONDS = 7, 3, 40.0
"""Pairs of one adapter and a mix; no further one is begun after so long, but for the fewest."""
TOKENS = 16
SENTENCE = "Copy each sentence exactly and name its source. "
PREFIX_SENTENCES = 55
"""Of nine tokens each: about five hundred tokens."""
TRIES = 2
Say = Callable[[str], None]


@dataclass(frozen=True)
class RoutedRow:
    """A mix of adapters against one, by so many streams.

    The two are measured in turn, and ``share`` is the mix's tokens a second divided by the one
    adapter's, pair by pair, in the median: what disturbs the machine for longer than a pair
    disturbs both. ``cpu_share`` is the same of tokens for a second of the server's processor time.
    """

    streams: int
    pairs: int
    one_per_second: float
    mix_per_second: float
    share: float
    lowest: float
    highest: float
    cpu_share: float


@dataclass(frozen=True)
class _Speed:
    """Tokens for a second of the clock, and for one of the server's processor time."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class ServedPrefixRow:
    """Milliseconds to the first word on vLLM, in the median: at first, and asked once more."""

    workload: Literal["one system part", "another each time"]
    cold: float
    again: float


@contextlib.asynccontextmanager
async def vllm_with_adapters(folder: Path) -> AsyncIterator[VllmEngine]:
    """A vLLM of our own that holds ADAPTERS.

    Raises:
        EngineUnavailableError: it does not start.
    """
    known = VllmSettings()
    base = known.base_digest() or "sha256:" + "0" * 64
    more = {"folder": folder, "base": base, "slots": len(ADAPTERS) + 1, "url": None}
    settings = known.model_copy(update=more)
    engine = VllmEngine(settings)
    try:
        await engine.start()
        for seed, name in enumerate(ADAPTERS):
            place = folder / "made" / name
            await engine.hold(
                write_peft_adapter(settings.model, place, name=name, base=base, seed=seed)
            )
        yield engine
    finally:
        await engine.close()


async def target_of(engine: VllmEngine, adapter: str | None, name: str) -> Target:
    """Where an adapter is asked directly; it must not be let go meanwhile."""
    async with engine.lease(adapter) as served:
        return Target(name, served.url, served.model, served.headers)


async def measure_routed(engine: VllmEngine, streams: int, say: Say) -> RoutedRow:
    """One adapter alone against all of them in turn, request by request."""
    mix = [await target_of(engine, name, name) for name in ADAPTERS]
    one, until = mix[:1], time.monotonic() + PAIRS_SECONDS
    say(f"vLLM at {streams} streams: warming up")
    await _speed(mix, streams)
    pairs: list[tuple[_Speed, _Speed]] = []
    while len(pairs) < PAIRS and (len(pairs) < FEWEST_PAIRS or time.monotonic() < until):
        if len(pairs) % 2:  # whoever goes second meets a warmer machine
            second = await _speed(mix, streams)
            pairs.append((await _speed(one, streams), second))
        else:
            pairs.append((await _speed(one, streams), await _speed(mix, streams)))
        say(f"vLLM at {streams} streams: pair {len(pairs)}, {pairs[-1][1].wall:.0f} tokens/s")
    return _row(streams, pairs)


def _row(streams: int, pairs: Sequence[tuple[_Speed, _Speed]]) -> RoutedRow:
    shares = [mix.wall / one.wall for one, mix in pairs]
    return RoutedRow(
        streams=streams,
        pairs=len(pairs),
        one_per_second=round(median(one.wall for one, _ in pairs), 1),
        mix_per_second=round(median(mix.wall for _, mix in pairs), 1),
        share=round(median(shares), 3),
        lowest=round(min(shares), 3),
        highest=round(max(shares), 3),
        cpu_share=round(median(mix.cpu / one.cpu for one, mix in pairs), 3),
    )


async def _speed(targets: Sequence[Target], streams: int) -> _Speed:
    """Every stream asks once, and every request is another, so nothing was read before."""
    asked = [
        (target, body_of(target.model, f"Asthma, {randbelow(10**6)}?", TOKENS, ignore_eos=True))
        for target in islice(cycle(targets), streams)
    ]
    before = _servers_seconds()
    timed = await put(asked, streams)
    used = max(_servers_seconds() - before, 0.01)  # the kernel counts in hundredths
    return _Speed(streams * TOKENS / timed.seconds, streams * TOKENS / used)


def _servers_seconds() -> float:
    """Processor time of what this process started: the server, and nothing besides it."""
    return sum(processor_seconds(child) for child in psutil.Process().children())


async def measure_served_prefix(engine: VllmEngine) -> list[ServedPrefixRow]:
    """Questions to one long system part, and to one that begins otherwise each time."""
    base = await target_of(engine, None, "base")
    alike = [f"Rules {uuid4()}. " for _ in range(TRIES)]
    unlike = [f"Case {uuid4()}. " for _ in range(TRIES)]
    return [
        ServedPrefixRow(
            "one system part", await _first_words(base, alike), await _first_words(base, alike)
        ),
        ServedPrefixRow(
            "another each time",
            await _first_words(base, unlike),
            await _first_words(base, [f"Case {uuid4()}. " for _ in range(TRIES)]),
        ),
    ]


async def _first_words(target: Target, heads: Sequence[str]) -> float:
    bodies = []
    for head in heads:
        body = body_of(target.model, f"What is asthma? ({uuid4()})", 1, stream=True)
        system = {"role": "system", "content": head + SENTENCE * PREFIX_SENTENCES}
        bodies.append((target, {**body, "messages": [system, *body["messages"]]}))
    timed = await put(bodies, 1)
    return round(median(timed.last), 1)
