"""Rules that weigh whole contributions: weights over them, from the Gram matrix alone."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from services.learning.aggregate.gram import Doubles, distances, norms
from services.learning.errors import AggregationError

WEISZFELD_STEPS = 100
WEISZFELD_ENOUGH = 1e-9


class Rule(StrEnum):
    """How a round is put together.

    ``NORM_CLIP`` shortens changes that are longer than the median one; ``MULTI_KRUM`` averages the
    n - f that lie nearest to one another; ``BULYAN`` takes the trimmed middle of those that Krum
    chooses one after the other.
    """

    MEAN = "mean"
    NORM_CLIP = "norm-clip"
    TRIMMED_MEAN = "trimmed-mean"
    MEDIAN = "median"
    KRUM = "krum"
    MULTI_KRUM = "multi-krum"
    BULYAN = "bulyan"
    GEOMETRIC_MEDIAN = "geometric-median"


def least(rule: Rule, hostile: int) -> int:
    """How many contributions a rule needs at least to bear so many hostile ones."""
    if rule in {Rule.MEAN, Rule.NORM_CLIP}:
        return 1
    if rule in {Rule.KRUM, Rule.MULTI_KRUM}:
        return 2 * hostile + 3
    if rule is Rule.BULYAN:
        return 4 * hostile + 3
    return 2 * hostile + 1


def require_enough(rule: Rule, n: int, hostile: int) -> None:
    """Refuse a round that is too small for its rule.

    Raises:
        AggregationError: saying how many there are and are needed.
    """
    needed = least(rule, hostile)
    if n < needed:
        raise AggregationError(
            f"{rule} bears {hostile} hostile contributions among {needed} or more; there are {n}."
        )


def mean(inner: Doubles, given: Doubles, _hostile: int) -> Doubles:
    """The weights that were given, their sum one."""
    del inner
    made: Doubles = given / given.sum()
    return made


def norm_clip(inner: Doubles, given: Doubles, _hostile: int) -> Doubles:
    """The given weights, each change no longer than the median one."""
    lengths = norms(inner)
    bound = float(np.median(lengths))
    shrink = np.minimum(1.0, bound / np.maximum(lengths, 1e-30))
    made: Doubles = given / given.sum() * shrink
    return made


def krum_scores(inner: Doubles, hostile: int) -> Doubles:
    """Sum of the squared distances of each change to its n - f - 2 nearest others."""
    apart = distances(inner)
    np.fill_diagonal(apart, np.inf)
    return _nearest(apart, hostile)


def krum(inner: Doubles, _given: Doubles, hostile: int) -> Doubles:
    """All weight on the change that lies nearest to the others."""
    made = np.zeros(len(inner))
    made[int(np.argmin(krum_scores(inner, hostile)))] = 1.0
    return made


def multi_krum(inner: Doubles, given: Doubles, hostile: int) -> Doubles:
    """The given weights of the n - f changes with the best Krum scores."""
    chosen = np.argsort(krum_scores(inner, hostile), kind="stable")[: len(inner) - hostile]
    made = np.zeros(len(inner))
    made[chosen] = given[chosen]
    made /= made.sum()
    return made


def geometric_median(inner: Doubles, given: Doubles, _hostile: int) -> Doubles:
    """Weights of the point whose summed distance to all changes is least (Weiszfeld)."""
    weights: Doubles = given / given.sum()
    share = weights.copy()
    squares = np.diag(inner)
    for _ in range(WEISZFELD_STEPS):
        to_all = squares - 2 * inner @ weights + weights @ inner @ weights
        pull = share / np.sqrt(np.maximum(to_all, 1e-12 * max(float(squares.max()), 1e-30)))
        moved = pull / pull.sum()
        step = float(np.abs(moved - weights).max())
        weights = moved
        if step < WEISZFELD_ENOUGH:
            break
    return weights


def bulyan_choice(inner: Doubles, hostile: int) -> list[int]:
    """Which n - 2f changes Bulyan looks at: Krum's best, taken away, again and again."""
    left = np.arange(len(inner))
    apart = distances(inner)
    np.fill_diagonal(apart, np.inf)
    chosen: list[int] = []
    for _ in range(len(inner) - 2 * hostile):
        best = int(np.argmin(_nearest(apart, hostile))) if len(left) > 1 else 0
        chosen.append(int(left[best]))
        left = np.delete(left, best)
        apart = np.delete(np.delete(apart, best, axis=0), best, axis=1)
    return sorted(chosen)


def _nearest(apart: Doubles, hostile: int) -> Doubles:
    """Krum's scores from squared distances whose diagonal is infinite."""
    near = max(1, len(apart) - hostile - 2)
    made: Doubles = np.partition(apart, near - 1, axis=1)[:, :near].sum(axis=1)
    return made


WEIGHING: dict[Rule, Callable[[Doubles, Doubles, int], Doubles]] = {
    Rule.MEAN: mean,
    Rule.NORM_CLIP: norm_clip,
    Rule.KRUM: krum,
    Rule.MULTI_KRUM: multi_krum,
    Rule.GEOMETRIC_MEDIAN: geometric_median,
}
"""Rules whose result is a weighted sum of whole contributions."""

PAIRWISE = frozenset({Rule.KRUM, Rule.MULTI_KRUM, Rule.BULYAN, Rule.GEOMETRIC_MEDIAN})
"""Rules that ask how contributions lie to one another; the others need their lengths alone."""
