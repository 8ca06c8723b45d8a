"""One round's aggregate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.learning.aggregate.coordinate import coordinate_wise
from services.learning.aggregate.delta import Delta, Factors, Floats, Round
from services.learning.aggregate.gram import Doubles, gram, norms, squares
from services.learning.aggregate.project import lost, to_rank
from services.learning.aggregate.rules import (
    PAIRWISE,
    WEIGHING,
    Rule,
    bulyan_choice,
    require_enough,
)
from services.learning.errors import AggregationError

Progress = Callable[[int, int], None]
"""Told of modules done and of all."""


@dataclass(frozen=True)
class Aggregate:
    """What came of a round.

    Attributes:
        delta: the change, of the rank that was asked for.
        weights: share of each contribution where the rule weighs them whole, else None.
        kept: the contributions that the rule looked at (Bulyan leaves some out).
        norms: length of each contribution's change.
        lost: greatest share of a module's change that the projection to the rank left out.
    """

    delta: Delta
    weights: tuple[float, ...] | None
    kept: tuple[int, ...]
    norms: tuple[float, ...]
    lost: float


def aggregate(
    contributions: Round,
    rule: Rule,
    *,
    rank: int,
    hostile: int = 0,
    weights: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> Aggregate:
    """Put contributions together.

    Args:
        contributions: of one round; checked before (`services.learning.contribution`).
        rule: of the update policy.
        rank: of the result.
        hostile: how many contributions may be hostile.
        weights: of the contributions, all alike when None; rules that look at coordinates treat
            all alike, for a weight is a claim that a hostile node would make.
        progress: told of each module.

    Raises:
        AggregationError: too few contributions for the rule, one that holds no finite numbers, or
            weights that are none.
    """
    n = len(contributions)
    require_enough(rule, n, hostile)
    inner = gram(contributions) if rule in PAIRWISE else np.diag(squares(contributions))
    shares = _shares(weights, n)
    if rule in WEIGHING:
        kept = tuple(range(n))
        chosen = WEIGHING[rule](inner, shares, hostile)
    else:
        kept = tuple(bulyan_choice(inner, hostile)) if rule is Rule.BULYAN else tuple(range(n))
        chosen = None
    delta: dict[str, Factors] = {}
    worst = 0.0
    for done, module in enumerate(contributions.modules, 1):
        ups, downs = contributions.stacked(module)
        if chosen is None:
            rows = list(kept)
            dense = coordinate_wise(ups[rows], downs[rows], rule, hostile)
        else:
            dense = _weighted(ups, downs, chosen)
        delta[module] = to_rank(dense, rank)
        worst = max(worst, lost(dense, delta[module]))
        if progress is not None:
            progress(done, len(contributions.modules))
    told = None if chosen is None else tuple(float(w) for w in chosen)
    return Aggregate(delta, told, kept, tuple(float(x) for x in norms(inner)), worst)


def _shares(weights: Sequence[float] | None, n: int) -> Doubles:
    shares = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    if shares.shape != (n,) or not np.isfinite(shares).all() or (shares <= 0).any():
        raise AggregationError("Weights are one positive number a contribution.")
    return shares


def _weighted(ups: Floats, downs: Floats, weights: Doubles) -> Floats:
    """The weighted sum of the products, as one product of the factors side by side."""
    n, outputs, rank = ups.shape
    scaled = ups * weights[:, None, None].astype(np.float32)
    wide = scaled.transpose(1, 0, 2).reshape(outputs, n * rank)
    made: Floats = wide @ downs.reshape(n * rank, -1)
    return made
