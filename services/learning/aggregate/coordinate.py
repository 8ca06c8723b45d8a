"""Rules that look at each coordinate of the products, in blocks of rows."""

from __future__ import annotations

import numpy as np

from services.learning.aggregate.delta import Floats
from services.learning.aggregate.rules import Rule

BLOCK_BYTES = 4 << 20
"""Products of all contributions that are held at once; more no longer fit a processor's cache."""


def coordinate_wise(ups: Floats, downs: Floats, rule: Rule, hostile: int) -> Floats:
    """One module's aggregate, dense float32 (outputs, inputs).

    Args:
        ups: (n, outputs, rank); for `Rule.BULYAN` only of the contributions it chose.
        downs: (n, rank, inputs).
        rule: trimmed mean, median or Bulyan.
        hostile: how many may be hostile.
    """
    n, outputs, _rank = ups.shape
    inputs = downs.shape[2]
    made = np.empty((outputs, inputs), np.float32)
    rows = max(1, BLOCK_BYTES // (4 * n * inputs))
    for start in range(0, outputs, rows):
        block = np.matmul(ups[:, start : start + rows], downs)
        made[start : start + rows] = _middle(block, rule, hostile)
    return made


def _middle(block: Floats, rule: Rule, hostile: int) -> Floats:
    """Reduce (n, rows, inputs) over the contributions."""
    if rule is Rule.MEDIAN:
        median: Floats = np.median(block, axis=0)
        return median
    if rule is Rule.TRIMMED_MEAN:
        return _trimmed(block, hostile)
    return _nearest_to_median(block, len(block) - 2 * hostile)


def _trimmed(block: Floats, cut: int) -> Floats:
    """Mean without the ``cut`` smallest and greatest values."""
    n = len(block)
    if cut == 0:
        mean: Floats = block.mean(axis=0)
        return mean
    block.partition((cut, n - cut - 1), axis=0)
    kept: Floats = block[cut : n - cut].mean(axis=0)
    return kept


def _nearest_to_median(block: Floats, keep: int) -> Floats:
    """Mean of the ``keep`` values nearest to the median."""
    block.sort(axis=0)
    n = len(block)
    keep = max(1, keep)
    middle = np.median(block, axis=0)
    # Sorted values nearest to the median lie together: the best window of that length is it.
    first = np.zeros(middle.shape, np.intp)
    least = np.full(middle.shape, np.inf, np.float32)
    for start in range(n - keep + 1):
        worst = np.maximum(middle - block[start], block[start + keep - 1] - middle)
        better = worst < least
        first[better] = start
        least[better] = worst[better]
    sums = np.concatenate([np.zeros_like(block[:1]), block.cumsum(axis=0, dtype=np.float64)])
    upper = np.take_along_axis(sums, (first + keep)[None], axis=0)[0]
    lower = np.take_along_axis(sums, first[None], axis=0)[0]
    made: Floats = ((upper - lower) / keep).astype(np.float32)
    return made
