"""How contributions lie to one another, without ever forming a product."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.learning.aggregate.delta import Round

Doubles = npt.NDArray[np.float64]


def gram(contributions: Round) -> Doubles:
    """Inner products of all changes with one another: float64 (n, n).

    ``<B1 A1, B2 A2> = sum((B1ᵀ B2) ∘ (A1 A2ᵀ))``, so the cost is that of the thin matrices.
    """
    n = len(contributions)
    total = np.zeros((n, n), np.float64)
    for module in contributions.modules:
        ups, downs = contributions.stacked(module)
        rank = ups.shape[2]
        left = ups.transpose(0, 2, 1).reshape(n * rank, -1)
        right = downs.reshape(n * rank, -1)
        for start in range(n):
            rows = slice(start * rank, (start + 1) * rank)
            product = (left[rows] @ left.T) * (right[rows] @ right.T)
            total[start] += product.reshape(rank, n, rank).sum(axis=(0, 2), dtype=np.float64)
    return (total + total.T) / 2


def distances(inner: Doubles) -> Doubles:
    """Squared distances between the changes whose Gram matrix is given: float64 (n, n)."""
    squares = np.diag(inner)
    made: Doubles = np.maximum(squares[:, None] + squares[None, :] - 2 * inner, 0.0)
    return made


def norms(inner: Doubles) -> Doubles:
    """Length of each change: float64 (n,)."""
    made: Doubles = np.sqrt(np.maximum(np.diag(inner), 0.0))
    return made
