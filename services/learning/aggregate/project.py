"""From a full matrix back to the one rank that all adapters share."""

from __future__ import annotations

import numpy as np

from services.learning.aggregate.delta import Factors, Floats

OVERSAMPLE = 8
PASSES = 3
SEED = 7


def to_rank(dense: Floats, rank: int) -> Factors:
    """The best factors of a rank, by a randomised singular value decomposition.

    Args:
        dense: (outputs, inputs).
        rank: of the result; the singular values are shared evenly by both factors.
    """
    random = np.random.default_rng(SEED)
    width = min(rank + OVERSAMPLE, *dense.shape)
    basis = dense @ random.standard_normal((dense.shape[1], width), dtype=np.float32)
    for _ in range(PASSES):
        basis = np.linalg.qr(basis)[0]
        basis = dense @ (dense.T @ basis)
    basis = np.linalg.qr(basis)[0]
    left, values, right = np.linalg.svd(basis.T @ dense, full_matrices=False)
    kept = min(rank, len(values))
    half = np.sqrt(values[:kept])
    up = np.zeros((dense.shape[0], rank), np.float32)
    down = np.zeros((rank, dense.shape[1]), np.float32)
    up[:, :kept] = (basis @ left[:, :kept]) * half
    down[:kept] = half[:, None] * right[:kept]
    return Factors(up, down)


def lost(dense: Floats, factors: Factors) -> float:
    """Share of a matrix's length that a projection left out."""
    whole = float(np.linalg.norm(dense))
    return float(np.linalg.norm(dense - factors.dense())) / whole if whole else 0.0
