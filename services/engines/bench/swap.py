"""How long it takes to put another adapter on a context of llama.cpp.

The command itself only notes the adapter; the library lays out its computation anew at the next
token. A swap is both: the command, and what the first token takes longer than the one after it.
Median and best are taken of each before they are subtracted, so that one disturbed token does not
pass for a quick swap.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

from services.engines.llama import file_digest
from services.engines.llama.adapters import Held
from services.engines.llama.loaded import Loaded
from services.engines.protocol import AdapterFile, Authoring, EngineCard

Clock = Callable[[], float]

CONTEXT = 512
TOKEN = 5
"""Any token; what it says does not matter for the time."""
WARM_TOKENS = 16


@dataclass(frozen=True)
class SwapRow:
    """Milliseconds: a swap in the median and at best, the command in it, a token, loading once.

    ``timed``: whether these are of the wall's clock or of the processor's.
    """

    timed: Literal["wall", "processor"]
    threads: int
    rounds: int
    median_ms: float
    best_ms: float
    command_ms: float
    token_ms: float
    load_ms: float


def measure_swap(
    model: Path,
    adapters: tuple[AdapterFile, ...],
    *,
    rounds: int = 40,
    threads: int = 2,
    clock: Clock = time.perf_counter,
) -> SwapRow:
    """Swap between two or more adapters and time it.

    Args:
        model: the GGUF file.
        adapters: for it.
        rounds: swaps.
        threads: CPU threads.
        clock: gives seconds; with one thread, ``time.thread_time`` is fair on a busy machine.

    Raises:
        EngineError: the model or an adapter cannot be loaded.
    """
    card = EngineCard(model.stem, file_digest(model), CONTEXT, Authoring.NONE)
    loaded = Loaded(model, card, contexts=1, threads=threads, prefixes=None)
    try:
        loads = [_milliseconds(clock, partial(loaded.shelf.put, file)) for file in adapters]
        held = [loaded.shelf.use(file.name) for file in adapters]
        commands, firsts, tokens = _swaps(loaded, held, rounds, clock)
        for one in held:
            loaded.shelf.release(one)
    finally:
        loaded.close()
    return SwapRow(
        timed="processor" if clock is time.thread_time else "wall",
        threads=threads,
        rounds=rounds,
        median_ms=statistics.median(firsts) - statistics.median(tokens),
        best_ms=min(firsts) - min(tokens),
        command_ms=statistics.median(commands),
        token_ms=statistics.median(tokens),
        load_ms=statistics.median(loads),
    )


def _swaps(
    loaded: Loaded, held: list[Held], rounds: int, clock: Clock
) -> tuple[list[float], list[float], list[float]]:
    """Times of the command, of command and first token, and of the token after it."""
    commands, firsts, tokens = list[float](), list[float](), list[float]()
    with loaded.lanes.lend(None, ()) as lane:
        for _ in range(WARM_TOKENS):
            lane.add(TOKEN)
        for adapter in islice(cycle(held), rounds):
            commands.append(_milliseconds(clock, partial(lane.apply, adapter)))
            firsts.append(commands[-1] + _milliseconds(clock, partial(lane.add, TOKEN)))
            tokens.append(_milliseconds(clock, partial(lane.add, TOKEN)))
    return commands, firsts, tokens


def _milliseconds(clock: Clock, work: Callable[[], object]) -> float:
    began = clock()
    work()
    return (clock() - began) * 1e3
