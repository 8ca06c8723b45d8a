"""Calibration: whether a confidence of .8 is right eight times in ten.

Over all questions that were answered: reliability by bins of confidence, and the expected
calibration error (the mean distance of confidence and share of right, weighted by the bins' sizes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from services.consult.evaluate.answers import Result
from services.consult.evaluate.scores import Rate
from services.consult.evaluate.suites import Adversarial
from services.consult.messages import Status

BINS = 10
BAR = 30
"""Characters of a full bar."""


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies in one tenth: their mean confidence and share of right."""

    confidence: float
    right: Rate


@dataclass(frozen=True)
class Reliability:
    """The filled bins, lowest first."""

    bins: tuple[Bin, ...]

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1."""
        total = sum(b.right.total for b in self.bins)
        gaps = (abs(b.confidence - b.right.value) * b.right.total for b in self.bins)
        return sum(gaps) / total if total else 0.0

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        bins = [{"confidence": round(b.confidence, 3), **b.right.dump()} for b in self.bins]
        return {"error": round(self.error, 4), "bins": bins}

    def table(self) -> Table:
        """The reliability diagram as text."""
        title = f"reliability of answers (expected calibration error {self.error:.3f})"
        table = Table("confidence", "right", "", title=title, title_justify="left")
        for b in self.bins:
            bar = "█" * round(b.right.value * BAR)
            table.add_row(f"{b.confidence:.2f}", str(b.right), bar)
        return table


def reliability(results: Iterable[Result]) -> Reliability:
    """Sort answered questions into bins; an answer that lacks a fact is not right."""
    filled: dict[int, list[tuple[float, bool]]] = {}
    for r in results:
        if isinstance(r.item, Adversarial) or r.answer.status is not Status.ANSWERED:
            continue
        confidence = r.answer.confidence
        place = min(BINS - 1, int(confidence * BINS))
        filled.setdefault(place, []).append((confidence, r.verdict == "right"))
    return Reliability(
        tuple(
            Bin(sum(c for c, _ in pairs) / len(pairs), Rate.of(ok for _, ok in pairs))
            for _, pairs in sorted(filled.items())
        )
    )
