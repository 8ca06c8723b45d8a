"""Positions beyond what a model was first trained on, in the way of Llama 3.

Each pair of numbers of a head turns with a frequency of its own. Llama 3 leaves the quick ones as
they are, slows the slow ones down by one factor, and passes smoothly between the two. Transformers
keeps the four numbers that say so; llama.cpp keeps a divisor for each frequency.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.bricks.adapters.tensors import Floats
from services.bricks.errors import BrickError

WEIGHT = "rope_freqs.weight"
"""llama.cpp's name of the divisors."""
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Stretch:
    """The numbers, as ``config.json`` names them; the context in tokens."""

    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192

    def divisors(self, head: int, base: float) -> Floats:
        """By what each frequency of a head is divided.

        Args:
            head: numbers of a head.
            base: ``rope_theta``.
        """
        turns = base ** (-np.arange(0, head, 2, dtype=np.float64) / head)
        lengths = 2 * math.pi / turns
        seen = self.original_max_position_embeddings / lengths
        share = (seen - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        share = np.clip(share, 0.0, 1.0)
        return (1.0 / ((1.0 - share) / self.factor + share)).astype(np.float32)


def stretch_of(config: dict[str, Any], name: str) -> Stretch | None:
    """What ``config.json`` says of it; None where positions are as they are.

    Raises:
        BrickError: it stretches them in another way, or a number is missing or makes no sense.
    """
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return None
    told: dict[str, Any] = {key: rope.get(key) for key in asdict(Stretch(1.0))}
    whole = all(isinstance(v, int | float) and v > 0 for v in told.values())
    if kind != "llama3" or not whole or told["high_freq_factor"] <= told["low_freq_factor"]:
        raise BrickError(f"{name} stretches its positions by {kind} {told}: it is not converted.")
    return Stretch(**told)


def stretch_from(divisors: Floats, head: int, base: float) -> Stretch | None:
    """The numbers that give these divisors, if they are Llama 3's usual ones."""
    guess = Stretch(float(divisors.max()))
    made = guess.divisors(head, base)
    same = made.shape == divisors.shape and np.allclose(made, divisors, rtol=_TOLERANCE)
    return guess if same else None
