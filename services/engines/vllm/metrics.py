"""What vLLM measures of itself, read from its ``/metrics`` and shown among our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


@dataclass(frozen=True)
class Figures:
    """The server's figures, summed over its engines; all 0 where it does not tell.

    Attributes:
        running: requests that are worked on; waiting: those that queue.
        cache_used: share of the memory for what was read that is in use, 0 to 1.
        prompt_tokens: read since its start; answer_tokens: written since.
        prefix_asked: tokens of prompts looked up among what was read before; prefix_found: those
            that were there.
        slots: adapters that one step works with, the server's ``--max-loras``; 0 until the first
            request names one.
    """

    running: float = 0
    waiting: float = 0
    cache_used: float = 0
    prompt_tokens: float = 0
    answer_tokens: float = 0
    prefix_asked: float = 0
    prefix_found: float = 0
    slots: int = 0


_NAMES = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:kv_cache_usage_perc": "cache_used",
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "answer_tokens",
    "vllm:prefix_cache_queries_total": "prefix_asked",
    "vllm:prefix_cache_hits_total": "prefix_found",
}
_TOLD = {
    "running": "Requests that the model server works on.",
    "waiting": "Requests that wait at the model server.",
    "cache_used": "Share of the model server's memory for read text that is in use.",
    "prompt_tokens": "Tokens read by the model server.",
    "answer_tokens": "Tokens written by the model server.",
    "prefix_asked": "Prompt tokens looked up among those read before.",
    "prefix_found": "Prompt tokens that had been read before.",
    "slots": "Adapters that one step of the model server works with.",
}
_COUNTED = {"prompt_tokens", "answer_tokens", "prefix_asked", "prefix_found"}


def read_figures(text: str) -> Figures:
    """Read them from the text of ``/metrics``; what cannot be read is 0."""
    sums: dict[str, float] = {}
    slots = 0
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if name := _NAMES.get(sample.name):
                    sums[name] = sums.get(name, 0) + sample.value
                elif sample.name == "vllm:lora_requests_info":
                    slots = int(sample.labels.get("max_lora", 0))
    except ValueError:
        return Figures()
    return Figures(slots=slots, **sums)


@runtime_checkable
class Measured(Protocol):
    """An engine that knows what its server measures."""

    kept: int

    @property
    def figures(self) -> Figures | None:
        """What was read last; None while there is no server."""
        ...


class EngineCollector(Collector):
    """Shows a server's figures as metrics ``caretier_engine_…``; nothing of another engine.

    Args:
        engine: gives the engine that is in use.
    """

    def __init__(self, engine: Callable[[], object]) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Every figure, and whether the server is up."""
        engine = self._engine()
        if not isinstance(engine, Measured):
            return
        figures = engine.figures
        up = float(figures is not None)
        yield GaugeMetricFamily("caretier_engine_up", "Whether the model server answers.", up)
        kept = "Adapters that the model server did not unload when it was asked to."
        yield CounterMetricFamily("caretier_engine_kept_adapters", kept, engine.kept)
        for field in fields(figures or Figures()):
            name, value = field.name, getattr(figures or Figures(), field.name)
            family = CounterMetricFamily if name in _COUNTED else GaugeMetricFamily
            yield family(f"caretier_engine_{name}", _TOLD[name], value)
