"""Figures of the gateway for ``/metrics``; models by the names that the registry has."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class GatewayMetrics:
    """Counts requests, tokens and what waits."""

    def __init__(self) -> None:
        self._requests = Counter(
            "caretier_gateway_requests",
            "Requests to raw models",
            ["model", "status"],
            registry=None,
        )
        self._tokens = Counter(
            "caretier_gateway_tokens", "Tokens of prompts and answers", ["model"], registry=None
        )
        self._red_flags = Counter(
            "caretier_gateway_red_flags",
            "Requests to raw models in which triage found something",
            ["level"],
            registry=None,
        )
        self._seconds = Histogram(
            "caretier_gateway_wait_seconds", "Seconds until a slot was free", registry=None
        )
        self._running = Gauge("caretier_gateway_running", "Requests that run", registry=None)
        self._waiting = Gauge("caretier_gateway_waiting", "Requests that wait", registry=None)

    def publish(
        self, registry: CollectorRegistry, running: Callable[[], int], waiting: Callable[[], int]
    ) -> None:
        """Show the figures among those of an application."""
        self._running.set_function(running)
        self._waiting.set_function(waiting)
        for one in (self._requests, self._tokens, self._red_flags, self._seconds):
            registry.register(one)
        registry.register(self._running)
        registry.register(self._waiting)

    def ended(self, model: str, status: int) -> None:
        """A request ended with a status."""
        self._requests.labels(model, str(status)).inc()

    def used(self, model: str, tokens: int) -> None:
        """So many tokens were used."""
        self._tokens.labels(model).inc(tokens)

    def red_flag(self, level: str) -> None:
        """Triage found something in the last words of the user."""
        self._red_flags.labels(level).inc()

    def waited(self, seconds: float) -> None:
        """A request waited so long."""
        self._seconds.observe(seconds)
