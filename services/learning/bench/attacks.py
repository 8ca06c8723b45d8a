"""What hostile clients send instead of what they learned.

They know the parent and every honest contribution of the round, and act as one: the strongest that
a rule is held to bear.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from services.learning.aggregate import Delta, Factors
from services.learning.aggregate.project import to_rank
from services.learning.bench.bed import (
    CLASSES,
    RANK,
    TARGET,
    Examples,
    Model,
    joined,
    trained,
    triggered,
)


class Attack(StrEnum):
    """The attacks of the table.

    ``LITTLE`` shifts every coordinate by a small multiple of the honest spread ("a little is
    enough"); ``SYBILS`` are one node under many names, which send the same change.
    """

    NONE = "none"
    SIGN_FLIP = "sign-flip"
    GAUSSIAN = "gaussian"
    BACKDOOR = "scaled-backdoor"
    LITTLE = "a-little-is-enough"
    LABEL_FLIP = "label-flip"
    SYBILS = "sybils"
    NAN = "nan"


FLIP = 10.0
LOUD = 20.0
SCALE = 5.0
"""Of the backdoor: n / f, so that it replaces the mean of all clients."""
LITTLE = 1.5
"""Standard deviations of the honest coordinates."""


def hostile(attack: Attack, model: Model, own: Examples, honest: list[Delta]) -> list[Delta]:
    """What the hostile clients send.

    Args:
        attack: which; `Attack.NONE` has them send what they learned.
        model: the parent.
        own: the hostile clients' examples (hostile, examples, …).
        honest: what the other clients send.
    """
    n = len(own.labels)
    if attack is Attack.LITTLE:
        return [_little(honest)] * n
    if attack is Attack.GAUSSIAN:
        return [_noise(honest, seed) for seed in range(n)]
    taught = trained(model, _TAUGHT.get(attack, _same)(own))
    if attack is Attack.SYBILS:
        return [scaled(taught[0], 1.0)] * n
    return [scaled(one, _SCALES.get(attack, 1.0)) for one in taught]


def scaled(delta: Delta, by: float) -> Delta:
    """A change, longer or turned round."""
    return {k: Factors(np.float32(by) * f.up, f.down) for k, f in delta.items()}


def _same(own: Examples) -> Examples:
    return own


def _wrong(own: Examples) -> Examples:
    """Every class called by another."""
    return Examples(own.inputs, CLASSES - 1 - own.labels)


def _poisoned(own: Examples) -> Examples:
    """Each client's examples, and the same ones with the trigger called by the target."""
    both = [
        joined([one, Examples(triggered(one).inputs, np.full_like(one.labels, TARGET))])
        for one in (Examples(x, y) for x, y in zip(own.inputs, own.labels, strict=True))
    ]
    return Examples(np.stack([one.inputs for one in both]), np.stack([o.labels for o in both]))


_TAUGHT: dict[Attack, Callable[[Examples], Examples]] = {
    Attack.BACKDOOR: _poisoned,
    Attack.LABEL_FLIP: _wrong,
    Attack.SYBILS: _wrong,
}
_SCALES = {Attack.SIGN_FLIP: -FLIP, Attack.BACKDOOR: SCALE, Attack.NAN: float("nan")}


def _little(honest: list[Delta]) -> Delta:
    """The honest mean, moved against itself by less than the honest spread hides."""
    made = {}
    for name in honest[0]:
        dense = np.stack([one[name].dense() for one in honest])
        mean, spread = dense.mean(axis=0), dense.std(axis=0)
        made[name] = to_rank(mean - LITTLE * np.sign(mean) * spread, RANK)
    return made


def _noise(honest: list[Delta], seed: int) -> Delta:
    """Noise of many times an honest change's length."""
    random = np.random.default_rng(seed)
    made = {}
    for name, like in honest[0].items():
        up = random.standard_normal(like.up.shape, np.float32)
        noise = Factors(up, random.standard_normal(like.down.shape, np.float32))
        length = np.linalg.norm(like.dense()) / np.linalg.norm(noise.dense())
        made[name] = Factors(np.float32(LOUD * length) * up, noise.down)
    return made
