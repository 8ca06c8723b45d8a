"""A small adapter over topics: what one person is likely to ask about next.

The embedding of topics is shared; the adapter is a low-rank map that moves it for one person:
``score(topic) = base(topic) + v · A b`` with ``v`` the topic's unit vector (384), ``A`` (384, r)
and ``b`` (r,). It is learned from the topics that the person's answers came from, against others,
and kept near zero. It is trained in a fraction of a second with numpy, on the device, from rows of
the vault, and kept there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
RANK = 4
STEPS = 200
RATE = 0.5
DECAY = 0.02
NEGATIVES = 8
MIN_EXAMPLES = 8
"""Consults with a source before a person's adapter is trained at all."""
FORESEEN = 10
"""A held-out topic counts as foreseen when it is among so many of the first."""


@dataclass(frozen=True)
class PersonalAdapter:
    """``down`` float32 (384, r) and ``up`` float32 (r,)."""

    down: Floats
    up: Floats

    def scores(self, vectors: Floats) -> Floats:
        """What it adds to the score of each topic: float32 of shape (n,)."""
        made: Floats = (vectors @ self.down @ self.up).astype(np.float32)
        return made

    def dump(self) -> dict[str, list[float] | list[list[float]]]:
        """As JSON."""
        return {"down": self.down.tolist(), "up": self.up.tolist()}

    @classmethod
    def load(cls, held: dict[str, list[float]]) -> PersonalAdapter:
        """From JSON."""
        return cls(np.array(held["down"], np.float32), np.array(held["up"], np.float32))


def train(vectors: Floats, asked: Sequence[int], seed: int = 0) -> PersonalAdapter:
    """Fit an adapter by logistic regression through its low rank.

    Args:
        vectors: of all topics, unit length, shape (n, 384).
        asked: rows of the topics that the person asked about, repeated as often as asked.
        seed: of the start and of the topics set against them.
    """
    random = np.random.default_rng(seed)
    down = random.normal(0, 0.05, (vectors.shape[1], RANK)).astype(np.float32)
    up = random.normal(0, 0.05, RANK).astype(np.float32)
    liked = np.asarray(asked)
    others = np.setdiff1d(np.arange(len(vectors)), liked)
    for _ in range(STEPS):
        against = random.choice(others, len(liked) * NEGATIVES)
        rows = np.concatenate([liked, against])
        target = np.concatenate([np.ones(len(liked)), np.zeros(len(against))])
        weight = np.where(target > 0, 0.5 / len(liked), 0.5 / len(against))
        inner = vectors[rows] @ down
        miss = (1 / (1 + np.exp(-(inner @ up))) - target) * weight
        step_down = np.outer(vectors[rows].T @ miss, up) + DECAY * down / len(rows)
        step_up = inner.T @ miss + DECAY * up / len(rows)
        down = (down - RATE * len(liked) * step_down).astype(np.float32)
        up = (up - RATE * len(liked) * step_up).astype(np.float32)
        down, up = _bounded(down), _bounded(up)
    return PersonalAdapter(down, up)


def _bounded(values: Floats) -> Floats:
    """The same values, their norm at most 4: an adapter moves scores, it does not replace them."""
    norm = float(np.linalg.norm(values))
    return values if norm <= 4 else (values * (4 / norm)).astype(np.float32)  # noqa: PLR2004


def foreseen(scores: Floats, held_out: Sequence[int]) -> float:
    """Share of held-out topics that are among the first `FORESEEN`; none where all score alike."""
    if scores.min() == scores.max():
        return 0.0
    first = set(np.argsort(-scores, kind="stable")[:FORESEEN].tolist())
    return sum(row in first for row in held_out) / len(held_out)
