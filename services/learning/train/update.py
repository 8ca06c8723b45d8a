"""Noise on a whole change: what the node has, as one, is protected."""

from __future__ import annotations

import secrets

import numpy as np

from services.learning.aggregate.delta import Delta, Factors


def clip_and_noise(delta: Delta, clip: float, noise: float) -> dict[str, Factors]:
    """Shorten the ``up`` factors together to a bound and add Gaussian noise to them.

    ``down`` must be public. Where its rows are at right angles and of length one, the change is as
    long as its ``up`` factors.

    Args:
        delta: the change.
        clip: greatest length of all ``up`` factors together.
        noise: standard deviation of the noise over ``clip``.
    """
    random = np.random.default_rng(secrets.randbits(128))
    length = float(
        np.sqrt(sum(float((f.up.astype(np.float64) ** 2).sum()) for f in delta.values()))
    )
    share = min(1.0, clip / length) if length else 1.0
    return {
        module: Factors(
            (share * factors.up + noise * clip * random.standard_normal(factors.up.shape)).astype(
                np.float32
            ),
            factors.down,
        )
        for module, factors in sorted(delta.items())
    }
