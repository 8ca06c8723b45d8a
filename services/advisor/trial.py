"""Try a GGUF model in a process of its own: how much memory it takes, how quickly it writes.

    seen = try_model(path, context=2048, threads=2)
    seen.resident, seen.written_per_second

The process ends afterwards, so that nothing of the model stays in the caller's memory, and a file
that brings llama.cpp down brings down nothing else. Run by itself, the module prints the figures:

    python -m services.advisor.trial MODEL.gguf --context 2048 --threads 2 --fill
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from services.advisor.errors import TrialError
from services.engines.llama.adapters import Shelf
from services.engines.llama.lane import Lane
from services.engines.llama.weights import Told, Weights

Clock = Callable[[], float]
"""Gives seconds."""
READ, WRITTEN = 256, 16
"""Tokens that are read, and written, in one round."""
ENOUGH = 4.0
"""Seconds after which no further round is begun."""
PATIENCE = 600.0
"""Seconds a trial may take."""


@dataclass(frozen=True)
class Trial:
    """What was seen of a model.

    Attributes:
        resident: bytes of memory of the process that held it, at the most.
        read_per_second: tokens of a prompt that it read in a second, in its best round.
        written_per_second: tokens that it wrote in a second, in its best round.

    Others on the machine slow a round down and never speed one up. With one thread, seconds of the
    processor are counted, so that waiting for it does not count at all.
    """

    resident: int
    read_per_second: float
    written_per_second: float


def try_model(
    model: Path,
    *,
    context: int,
    threads: int,
    fill: bool = False,
    rounds: int = 3,
    patience: float = PATIENCE,
) -> Trial:
    """Load a model, let it read and write, and return what was seen.

    Args:
        model: GGUF file.
        context: tokens to make room for.
        threads: CPU threads.
        fill: read until the context is full, to see the memory that it takes then.
        rounds: how often it reads and writes, at most.
        patience: seconds that it may take.

    Raises:
        TrialError: it cannot be loaded here, or took too long.
    """
    command = [sys.executable, "-m", __name__, str(model), f"--context={context}"]
    command += [f"--threads={threads}", f"--rounds={rounds}", *(["--fill"] if fill else [])]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise TrialError(f"{model.name} took longer than {patience:g} s.") from None
    if done.returncode:
        raise TrialError(f"{model.name} cannot be run here (status {done.returncode}).")
    return Trial(**json.loads(done.stdout.splitlines()[-1]))


def _run(model: Path, context: int, threads: int, rounds: int, *, fill: bool) -> Trial:
    weights = Weights(model)
    lane = Lane(weights, Shelf(weights), "", context=context, threads=threads, prefixes=None)
    clock = time.process_time if threads == 1 else time.perf_counter
    read = written = 0.0
    enough = time.monotonic() + ENOUGH
    for done in range(rounds):
        if done and time.monotonic() > enough:
            break
        read = max(read, _read(lane, min(READ, context - WRITTEN), clock))
        written = max(written, _write(lane, clock))
    if fill:
        _read(lane, context - WRITTEN, clock)
        _write(lane, clock)
    return Trial(_resident(), read, written)


def _read(lane: Lane, tokens: int, clock: Clock) -> float:
    """Read so many tokens; returns tokens a second."""
    told = Told((), tuple((i * 37) % 200 + 2 for i in range(tokens)))
    began = clock()
    lane.begin(told, None, shared=False, stop=threading.Event())
    return tokens / (clock() - began)


def _write(lane: Lane, clock: Clock) -> float:
    began = clock()
    for token in range(WRITTEN):
        lane.add(token + 2)
    return WRITTEN / (clock() - began)


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def main() -> None:
    """Try the model that the arguments name and print what was seen, as JSON."""
    parser = argparse.ArgumentParser(description="Try a GGUF model.")
    parser.add_argument("model", type=Path)
    for name, default in (("context", 2048), ("threads", 1), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--fill", action="store_true")
    given = parser.parse_args()
    seen = _run(given.model, given.context, given.threads, given.rounds, fill=given.fill)
    sys.stdout.write(json.dumps(asdict(seen)) + "\n")


if __name__ == "__main__":
    main()
