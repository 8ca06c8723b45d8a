"""How contributions lie to one another, without ever forming a product."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from services.learning.aggregate.delta import Floats, Round
from services.learning.errors import AggregationError

Doubles = npt.NDArray[np.float64]

EXACT = 250
"""More contributions than this are compared by sketches: the exact way grows with their square."""
SKETCH = 32
"""Rows and columns of a sketch."""


def gram(contributions: Round) -> Doubles:
    """Inner products of all changes with one another: float64 (n, n).

    Up to `EXACT` contributions they are exact; of more, those of different contributions are
    estimated and the lengths on the diagonal stay exact.

    Raises:
        AggregationError: a contribution holds numbers that are none.
    """
    n = len(contributions)
    total = np.zeros((n, n), np.float64)
    lengths = np.zeros(n, np.float64)
    for module in contributions.modules:
        ups, downs = contributions.stacked(module)
        lengths += _squares(ups, downs)
        if n <= EXACT:
            total += _products(ups, downs)
        else:
            sketches = _sketched(ups, downs)
            total += sketches @ sketches.T
    np.fill_diagonal(total, lengths)
    return total


def squares(contributions: Round) -> Doubles:
    """Squared length of each change: float64 (n,), in time that grows with n.

    Raises:
        AggregationError: a contribution holds numbers that are none.
    """
    lengths = np.zeros(len(contributions), np.float64)
    for module in contributions.modules:
        lengths += _squares(*contributions.stacked(module))
    return lengths


def distances(inner: Doubles) -> Doubles:
    """Squared distances between the changes whose Gram matrix is given: float64 (n, n)."""
    own = np.diag(inner)
    made: Doubles = np.maximum(own[:, None] + own[None, :] - 2 * inner, 0.0)
    return made


def norms(inner: Doubles) -> Doubles:
    """Length of each change: float64 (n,)."""
    made: Doubles = np.sqrt(np.maximum(np.diag(inner), 0.0))
    return made


def _squares(ups: Floats, downs: Floats) -> Doubles:
    """Squared lengths of one module's products.

    Raises:
        AggregationError: one is no finite number.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        left = np.matmul(ups.transpose(0, 2, 1), ups)
        right = np.matmul(downs, downs.transpose(0, 2, 1))
        made: Doubles = (left * right).sum(axis=(1, 2), dtype=np.float64)
    spoiled = np.flatnonzero(~np.isfinite(made))
    if len(spoiled):
        raise AggregationError(f"Contribution {spoiled[0] + 1} of the round is not finite.")
    return np.maximum(made, 0.0)


def _products(ups: Floats, downs: Floats) -> Doubles:
    """One module's inner products, from those of the factors' single columns and rows.

    ``<B1 A1, B2 A2> = sum((B1ᵀ B2) ∘ (A1 A2ᵀ))``; the sum runs over pairs of rank, each a product
    of two (n, n) matrices, and a pair the other way round is the transpose.
    """
    n, _outputs, rank = ups.shape
    left = np.ascontiguousarray(ups.transpose(2, 0, 1))
    right = np.ascontiguousarray(downs.transpose(1, 0, 2))
    same, crossed = np.zeros((n, n)), np.zeros((n, n))
    for one in range(rank):
        for other in range(one, rank):
            product = (left[one] @ left[other].T) * (right[one] @ right[other].T)
            if one == other:
                same += product
            else:
                crossed += product
    made: Doubles = same + crossed + crossed.T
    return made


def _sketched(ups: Floats, downs: Floats) -> Floats:
    """Each product pressed between two random matrices: float32 (n, SKETCH²).

    Inner products of sketches are those of the products on average. The random matrices follow
    from the digest of all contributions: the same round gives the same result, and nobody can
    shape a contribution to them without knowing every other one.
    """
    n, outputs, _rank = ups.shape
    digest = hashlib.blake2b(np.ascontiguousarray(ups).data, digest_size=32)
    digest.update(np.ascontiguousarray(downs).data)
    random = np.random.default_rng(int.from_bytes(digest.digest()))
    above = random.standard_normal((outputs, SKETCH), np.float32) / np.float32(np.sqrt(SKETCH))
    below = random.standard_normal((downs.shape[2], SKETCH), np.float32)
    left = np.matmul(above.T, ups)
    right = np.matmul(downs, below / np.float32(np.sqrt(SKETCH)))
    made: Floats = np.matmul(left, right).reshape(n, -1)
    return made
