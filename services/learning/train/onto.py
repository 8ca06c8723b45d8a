"""Put a round's change onto the parent's adapter: the release that nodes then use."""

from __future__ import annotations

import numpy as np

from services.learning.aggregate.delta import Delta, Factors
from services.learning.aggregate.project import to_rank
from services.learning.errors import AggregationError


def onto(parent: Delta | None, change: Delta, rank: int) -> tuple[dict[str, Factors], float]:
    """Add a change to what the parent's adapter does, and bring the sum to a rank.

    What a node trains, sends and a round puts together is relative to the parent; an adapter in
    use is relative to the base.

    Args:
        parent: of `services.learning.convert.delta_of`; None for the bare model.
        change: what a round made.
        rank: of the result.

    Returns:
        The sum, and the share of its length that the rank has no room for.

    Raises:
        AggregationError: a module has other shapes in the two.
    """
    made, lost, whole = {}, 0.0, 0.0
    for module in sorted({*change, *(parent or {})}):
        parts = [held[module].dense() for held in (parent or {}, change) if module in held]
        if len({part.shape for part in parts}) != 1:
            raise AggregationError(f"{module} has other shapes in the parent.")
        dense = np.sum(parts, axis=0)
        made[module] = to_rank(dense, rank)
        lost += float(np.linalg.norm(dense - made[module].dense())) ** 2
        whole += float(np.linalg.norm(dense)) ** 2
    return made, (lost / whole) ** 0.5 if whole else 0.0
