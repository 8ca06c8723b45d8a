"""The change that a contribution makes to each module of the model, as two thin matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Factors:
    """A module's change ``up @ down``: ``up`` float32 (outputs, rank), ``down`` (rank, inputs).

    The scale of the adapter (alpha / rank) is inside ``up``.
    """

    up: Floats
    down: Floats

    def dense(self) -> Floats:
        """The change itself, float32 (outputs, inputs)."""
        made: Floats = self.up @ self.down
        return made


Delta = Mapping[str, Factors]
"""Factors by the name of the module."""


class Round(Protocol):
    """The contributions of a round, read module by module so that not all are held at once."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of the modules; every contribution has all of them in one shape."""
        ...

    def __len__(self) -> int:
        """How many contributions."""
        ...

    def stacked(self, module: str) -> tuple[Floats, Floats]:
        """``ups`` (n, outputs, rank) and ``downs`` (n, rank, inputs) of one module."""
        ...


class InMemory:
    """A round that is held whole."""

    def __init__(self, deltas: Sequence[Delta]) -> None:
        self._deltas = deltas
        self.modules = tuple(sorted(deltas[0])) if deltas else ()

    def __len__(self) -> int:
        """How many contributions."""
        return len(self._deltas)

    def stacked(self, module: str) -> tuple[Floats, Floats]:
        """See `Round.stacked`."""
        ups = np.stack([delta[module].up for delta in self._deltas])
        downs = np.stack([delta[module].down for delta in self._deltas])
        return ups, downs
