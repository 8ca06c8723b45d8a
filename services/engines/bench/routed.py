"""What a mix of adapters costs on vLLM against one, and what it gains by prompts read before."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Literal
from uuid import uuid4

from services.engines.bench.load import Target, body_of, put
from services.engines.bench.peft import write_peft_adapter
from services.engines.vllm import VllmEngine, VllmSettings

ADAPTERS = ("first", "second", "third")
PASSES = 3
"""Times that the loads take turns, so that a disturbance meets all of them; one more warms up."""
TOKENS = 32
SENTENCE = "Copy each sentence exactly and name its source. "
PREFIX_SENTENCES = 110
"""Of nine tokens each: about a thousand tokens."""
TRIES = 4


@dataclass(frozen=True)
class RoutedRow:
    """Tokens written a second by so many streams, in the median; ``share`` of one adapter's."""

    streams: int
    who: str
    tokens_per_second: float
    share: float


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


async def measure_routed(engine: VllmEngine, streams: int) -> list[RoutedRow]:
    """One adapter alone, all of them mixed, them with the base model, and the base model alone."""
    held = [await target_of(engine, name, name) for name in ADAPTERS]
    base = await target_of(engine, None, "base")
    loads = {
        "one adapter": held[:1],
        f"{len(held)} adapters": held,
        f"{len(held)} adapters and base": [*held, base],
        "base": [base],
    }
    speeds: dict[str, list[float]] = {who: [] for who in loads}
    for _ in range(PASSES + 1):
        for who, targets in loads.items():
            speeds[who].append(await _speed(targets, streams))
    medians = {who: statistics.median(found[1:]) for who, found in speeds.items()}
    one = next(iter(medians.values()))
    return [RoutedRow(streams, w, round(m, 1), round(m / one, 2)) for w, m in medians.items()]


async def _speed(targets: Sequence[Target], streams: int) -> float:
    """Tokens a second; every request is another, so nothing was read before."""
    asked = [
        (target, body_of(target.model, f"{uuid4()}: what is asthma?", TOKENS, ignore_eos=True))
        for target in islice(cycle(targets), streams)
    ]
    return streams * TOKENS / (await put(asked, streams)).seconds


async def measure_served_prefix(engine: VllmEngine) -> list[ServedPrefixRow]:
    """Questions to one long system part, and to one that begins otherwise each time."""
    base = await target_of(engine, None, "base")
    alike = [f"Rules {uuid4()}. " for _ in range(TRIES)]
    unlike = [f"Case {uuid4()}. " for _ in range(TRIES)]
    await _first_words(base, ["Warm up. "])
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
    return round(statistics.median(timed.last), 1)
