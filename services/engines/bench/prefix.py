"""What keeping a shared beginning saves on llama.cpp, and what it costs where nothing is shared.

Two workloads: questions to one long system part, where the time to the first word is taken cold,
with the beginning still in the context, and with it read from a file; and questions that each have
another system part, where keeping can only cost the writing of files that nobody reads.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from services.engines.llama import file_digest
from services.engines.llama.lane import Lane
from services.engines.llama.loaded import Loaded
from services.engines.llama.prefix import PrefixFolder
from services.engines.protocol import Authoring, EngineCard, Prompt

SENTENCE = "Copy each sentence exactly and name its source. "
SENTENCE_TOKENS = 9
QUESTIONS = ("What is asthma?", "Who gets gout?", "When to see a doctor?", "How is it treated?")
ROOM = 64
"""Tokens for the question and the marks of turns."""


@dataclass(frozen=True)
class PrefixRow:
    """Milliseconds to the first word, in the median.

    ``cold``: nothing was kept. ``kept``: the engine was told to share the system part; its first
    use is not counted where it is the same each time. ``file``: the same in another context, which
    finds the file; None where no file is ever found. ``megabytes``: of one file.
    """

    workload: Literal["one system part", "another each time"]
    prefix_tokens: int
    cold: float
    kept: float
    file: float | None
    megabytes: float


def measure_prefix(
    model: Path, folder: Path, *, tokens: int = 1024, threads: int = 2
) -> list[PrefixRow]:
    """Time both workloads.

    Args:
        model: the GGUF file.
        folder: for the prefix files; an empty one.
        tokens: of the system part, about.
        threads: CPU threads.

    Raises:
        EngineError: the model cannot be loaded.
    """
    card = EngineCard(model.stem, file_digest(model), tokens * 9 // 8 + ROOM, Authoring.NONE)
    loaded = Loaded(model, card, contexts=2, threads=threads, prefixes=PrefixFolder(folder))
    system = SENTENCE * (tokens // SENTENCE_TOKENS)
    alike = [Prompt(system, question) for question in QUESTIONS]
    unlike = [Prompt(f"Case {n}. {system}", q) for n, q in enumerate(QUESTIONS)]
    try:
        with loaded.lanes.lend(None, ()) as first, loaded.lanes.lend(None, ()) as second:
            cold = [_time(loaded, first, prompt, shared=False) for prompt in alike]
            kept = [_time(loaded, first, prompt, shared=True) for prompt in alike][1:]
            read = _time(loaded, second, alike[0], shared=True)
            length = len(loaded.weights.tell(alike[0]).head)
            size = max(file.stat().st_size for file in folder.iterdir()) / 1e6
            rows = [PrefixRow("one system part", length, median(cold), median(kept), read, size)]
            pairs = [  # in turn, so that a busy moment of the machine is in both
                [_time(loaded, lane, prompt, shared=lane is second) for lane in (first, second)]
                for prompt in unlike
            ]
            cold, kept = map(list, zip(*pairs, strict=True))
            rows.append(
                PrefixRow("another each time", length, median(cold), median(kept), None, size)
            )
            return rows
    finally:
        loaded.close()


def _time(loaded: Loaded, lane: Lane, prompt: Prompt, *, shared: bool) -> float:
    """Milliseconds until a lane has read a prompt."""
    told = loaded.weights.tell(prompt)
    began = time.perf_counter()
    lane.begin(told, None, shared=shared, stop=threading.Event())
    taken = time.perf_counter() - began
    lane.end()
    return taken * 1e3
