"""Rates with their 95 % Wilson intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``total``; the value of nothing is nan."""

    hits: int
    total: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Rate:
        """Count the true ones."""
        seen = list(outcomes)
        return cls(sum(seen), len(seen))

    @property
    def value(self) -> float:
        """Share of hits, 0 to 1."""
        return self.hits / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval, 0 to 1.

        Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.
        """
        if not self.total:
            return (0.0, 1.0)
        n, p, z2 = self.total, self.value, Z95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return (max(0.0, middle - half), min(1.0, middle + half))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits}/{self.total} = {self.value:.3f} [{low:.3f}, {high:.3f}]"

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        low, high = self.interval
        return {
            "hits": self.hits,
            "total": self.total,
            "value": round(self.value, 4) if self.total else None,
            "interval": [round(low, 4), round(high, 4)],
        }
