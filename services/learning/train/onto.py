"""Put a round's change onto the parent's adapter: the release that nodes then use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.learning.aggregate.delta import Delta, Factors, Floats
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
        parts = [held[module] for held in (parent or {}, change) if module in held]
        if len({(part.up.shape[0], part.down.shape[1]) for part in parts}) != 1:
            raise AggregationError(f"{module} has other shapes in the parent.")
        made[module], values = _summed(parts, rank)
        lost += float(np.square(values[rank:]).sum())
        whole += float(np.square(values).sum())
    return made, (lost / whole) ** 0.5 if whole else 0.0


def _summed(parts: Sequence[Factors], rank: int) -> tuple[Factors, Floats]:
    """The best factors of a rank for a sum of products, and all its singular values.

    The sum is never written out: its rank is that of its parts together, which is small.
    """
    up = np.hstack([part.up for part in parts])
    down = np.vstack([part.down for part in parts])
    (outer, tall), (inner, wide) = np.linalg.qr(up), np.linalg.qr(down.T)
    left, values, right = np.linalg.svd(tall @ wide.T, full_matrices=False)
    kept = min(rank, len(values))
    half = np.sqrt(values[:kept])
    made = Factors(
        np.zeros((up.shape[0], rank), np.float32), np.zeros((rank, down.shape[1]), np.float32)
    )
    made.up[:, :kept] = (outer @ left[:, :kept]) * half
    made.down[:kept] = half[:, None] * (right[:kept] @ inner.T)
    return made, values
