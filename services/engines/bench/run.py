"""Runs the parts of the bench one after the other; what cannot be measured here says why."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.engines.bench import Part
from services.engines.bench.adapter import write_adapter
from services.engines.bench.cost import measure
from services.engines.bench.gateways import caretier, litellm
from services.engines.bench.load import Target
from services.engines.bench.prefix import measure_prefix
from services.engines.bench.processes import free_port, running
from services.engines.bench.report import machine, versions
from services.engines.bench.routed import (
    measure_routed,
    measure_served_prefix,
    target_of,
    vllm_with_adapters,
)
from services.engines.bench.swap import measure_swap
from services.engines.errors import EngineError
from services.engines.settings import embedded_model
from services.engines.vllm import VllmEngine

STREAMS = (8, 32)
GATEWAY_STREAMS = (1, 8, 32)
VLLM_STREAMS = 8
"""At once through a gateway before the real model."""
PREFIX_TOKENS = 512
"""Of the beginning that is kept on llama.cpp."""
TOKENS = 16
"""Of an answer by the real model behind a gateway: short, so that the gateway shows."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    parts: frozenset[Part]
    requests: int
    litellm: bool
    vllm: bool


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Measure; returns rows by part, what was left out and why, machine and versions."""
    result: dict[str, Any] = {"machine": machine(), "versions": versions(), "left_out": {}}
    with tempfile.TemporaryDirectory(prefix="caretier-bench-") as made:
        bench = _Bench(plan, Path(made), say, result)
        if Part.LLAMA in plan.parts:
            bench.part("llama", bench.llama)
        if Part.GATEWAY in plan.parts:
            bench.part("gateway before the stub", bench.stub)
        if Part.VLLM in plan.parts or (Part.GATEWAY in plan.parts and plan.vllm):
            bench.part("vLLM", lambda: asyncio.run(bench.vllm()))
    return result


class _Bench:
    def __init__(self, plan: Plan, folder: Path, say: Say, result: dict[str, Any]) -> None:
        self._plan, self._folder, self._say, self._result = plan, folder, say, result

    def part(self, name: str, work: Callable[[], object]) -> None:
        """Do a part; one that cannot be done leaves the others."""
        self._say(f"{name}: starting")
        try:
            work()
        except EngineError as error:
            self._result["left_out"][name] = f"{error.message} {error.advice}"

    def llama(self) -> None:
        model, folder = embedded_model(), self._folder / "llama"
        folder.mkdir()
        pair = tuple(
            write_adapter(model, folder / f"{n}.gguf", name=n, seed=s) for s, n in enumerate("ab")
        )
        self._say("llama.cpp: swaps of adapters")
        # One thread: two wait for one another at every layer, without end on a busy machine.
        self._add("swap", [measure_swap(model, pair, threads=1)])
        self._add("swap", [measure_swap(model, pair, threads=1, clock=time.thread_time)])
        prefixes = folder / "prefixes"
        prefixes.mkdir()
        self._say("llama.cpp: what was read before, kept or not")
        self._add("prefix", measure_prefix(model, prefixes, tokens=PREFIX_TOKENS, threads=1))

    def stub(self) -> None:
        port = free_port()
        command = [sys.executable, "-m", "services.engines.bench.stub", str(port)]
        ready = f"http://127.0.0.1:{port}/health"
        with running("stub", command, ready, self._folder):
            upstream = Target("stub", f"http://127.0.0.1:{port}/v1", "stub")
            self._gateways(upstream, GATEWAY_STREAMS, self._plan.requests)

    async def vllm(self) -> None:
        async with vllm_with_adapters(self._folder / "vllm") as engine:
            if Part.VLLM in self._plan.parts:
                for streams in STREAMS:
                    self._add("routed", [await measure_routed(engine, streams, self._say)])
                self._say("vLLM: what was read before")
                self._add("served_prefix", await measure_served_prefix(engine))
            if self._plan.vllm:
                await self._before_vllm(engine)

    async def _before_vllm(self, engine: VllmEngine) -> None:
        upstream = await target_of(engine, None, "vLLM")
        requests = max(2 * VLLM_STREAMS, self._plan.requests // 8)  # it takes its time
        await asyncio.to_thread(self._gateways, upstream, (VLLM_STREAMS,), requests)

    def _gateways(self, upstream: Target, streams: Iterable[int], requests: int) -> None:
        folder = self._folder / upstream.name
        folder.mkdir()
        with contextlib.ExitStack() as stack:
            self._say(f"gateways before {upstream.name}: starting")
            gateways = [stack.enter_context(caretier(upstream, folder))]
            if self._plan.litellm:
                try:
                    gateways.append(stack.enter_context(litellm(upstream, folder)))
                except EngineError as error:
                    self._result["left_out"]["LiteLLM"] = f"{error.message} {error.advice}"
            for number in streams:
                self._say(f"gateways before {upstream.name}: {number} streams")
                rows = measure(upstream, gateways, streams=number, requests=requests, tokens=TOKENS)
                self._add("gateway", rows)

    def _add(self, name: str, rows: Iterable[Any]) -> None:
        self._result.setdefault(name, []).extend(asdict(row) for row in rows)
