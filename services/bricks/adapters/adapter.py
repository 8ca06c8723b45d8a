"""A low-rank adapter, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.bricks.adapters.base import Base
from services.bricks.adapters.llama_names import PROJECTIONS
from services.bricks.adapters.tensors import Floats, Tensor
from services.bricks.errors import BrickError

MAX_RANK = 512
"""Of an adapter; a manifest takes no higher one."""


@dataclass(frozen=True)
class Pair:
    """The two factors: ``down`` (rank by in; lora_A) and ``up`` (out by rank; lora_B)."""

    down: Tensor
    up: Tensor


@dataclass(frozen=True)
class Adapter:
    """What is added to a base model's projections: ``alpha / rank`` times ``up`` times ``down``.

    Attributes:
        base: digest of the model it was trained on, or None where its file does not say.
        parts: by layer and projection, rows in Transformers' order.
    """

    base: str | None
    rank: int
    alpha: float
    parts: Mapping[tuple[int, str], Pair]

    def delta(self, layer: int, projection: str) -> Floats | None:
        """What is added to the weights of a projection, or None."""
        pair = self.parts.get((layer, projection))
        if pair is None:
            return None
        added: Floats = (self.alpha / self.rank) * (pair.up.floats() @ pair.down.floats())
        return added

    def check(self, base: Base, *, right: bool = False) -> None:
        """Refuse to be used with a model that it does not belong to.

        Args:
            base: the model.
            right: a person says that it is the right one; shapes are checked all the same.

        Raises:
            AdapterMismatchError: it was trained on another model, or does not say on which.
            BrickError: a factor does not fit the projection it is for.
        """
        if not (right and self.base is None):
            base.expect(self.base, "The adapter")
        for (layer, projection), pair in self.parts.items():
            rows, columns = base.shape(projection)
            fits = pair.down.shape == (self.rank, columns) and pair.up.shape == (rows, self.rank)
            if layer >= base.layers or not fits:
                raise BrickError(f"The adapter's {projection} of layer {layer} does not fit.")


def assemble(
    base: str | None, alpha: float, factors: Mapping[tuple[int, str, str], Tensor]
) -> Adapter:
    """Pair the factors (``a`` and ``b`` by layer and projection) and find the one rank.

    Raises:
        BrickError: a factor has no partner, ranks differ, or there is nothing.
    """
    places = sorted({(layer, projection) for layer, projection, _ in factors})
    parts = {}
    for layer, projection in places:
        down, up = (factors.get((layer, projection, side)) for side in "ab")
        if projection not in PROJECTIONS or down is None or up is None:
            raise BrickError(f"The adapter's {projection} of layer {layer} is not whole.")
        parts[layer, projection] = Pair(down, up)
    if any(len(factor.shape) != 2 for factor in factors.values()):  # noqa: PLR2004 - a matrix
        raise BrickError("A part of the adapter is no matrix.")
    ranks = {size for pair in parts.values() for size in (pair.down.shape[0], pair.up.shape[1])}
    if len(ranks) != 1 or not 1 <= min(ranks) <= MAX_RANK:
        raise BrickError(f"The adapter's parts have the ranks {sorted(ranks)}; one is needed.")
    if not 0 < alpha < 1e6:  # noqa: PLR2004 - NaN fails too
        raise BrickError(f"The adapter's alpha is {alpha!r}.")
    return Adapter(base, ranks.pop(), alpha, parts)
