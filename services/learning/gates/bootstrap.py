"""The paired bootstrap: how sure a difference between two models on the same items is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEED = 20261126


@dataclass(frozen=True)
class Gain:
    """Mean difference (after - before) with its confidence interval."""

    mean: float
    low: float
    high: float


def paired(
    before: Sequence[float], after: Sequence[float], *, confidence: float, samples: int
) -> Gain:
    """Resample items with their two scores together.

    The interval is the percentile one, widened to hold what a rule of three would allow where all
    differences are alike: so few items of one kind do not make a sure thing.

    Args:
        before: scores of the items, 0 to 1.
        after: scores of the same items.
        confidence: of the interval, for instance 0.95.
        samples: how often to draw.
    """
    apart = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    n = len(apart)
    random = np.random.default_rng(SEED)
    means = apart[random.integers(0, n, (samples, n))].mean(axis=1)
    edge = (1 - confidence) / 2
    low, high = np.quantile(means, [edge, 1 - edge])
    if apart.min() == apart.max():
        unseen = -np.log(1 - confidence) / n
        low, high = float(apart[0]) - unseen, float(apart[0]) + unseen
    return Gain(float(apart.mean()), max(-1.0, float(low)), min(1.0, float(high)))
