"""Between adapters as engines use them and changes as rounds put them together."""

from __future__ import annotations

from services.bricks.adapters.adapter import Adapter, Pair
from services.bricks.adapters.tensors import Tensor
from services.learning.aggregate.delta import Delta, Factors
from services.learning.errors import AggregationError


def delta_of(adapter: Adapter) -> dict[str, Factors]:
    """An adapter's change by ``layers.<number>.<projection>``; its scale goes into ``up``."""
    scale = adapter.alpha / adapter.rank
    return {
        f"layers.{layer}.{projection}": Factors(scale * pair.up.floats(), pair.down.floats())
        for (layer, projection), pair in adapter.parts.items()
    }


def adapter_of(delta: Delta, base: str, kind: str = "F16") -> Adapter:
    """The adapter that makes a change, with alpha equal to the rank: its scale is one.

    Args:
        delta: of one rank.
        base: digest of the model.
        kind: of the numbers in the file.

    Raises:
        AggregationError: it has no modules, several ranks, or a name that is none.
    """
    ranks = {factors.up.shape[1] for factors in delta.values()}
    if len(ranks) != 1:
        raise AggregationError("A change has modules of one rank.")
    (rank,) = ranks
    parts = {}
    for name, factors in delta.items():
        layer, projection = _place(name)
        parts[layer, projection] = Pair(
            down=Tensor.of(factors.down, kind), up=Tensor.of(factors.up, kind)
        )
    return Adapter(base, rank, float(rank), parts)


def _place(name: str) -> tuple[int, str]:
    """Layer and projection of a module's name."""
    kind, _, rest = name.partition(".")
    layer, _, projection = rest.partition(".")
    if kind != "layers" or not layer.isdecimal() or not projection:
        raise AggregationError(f"{name} is no module of a model.")
    return int(layer), projection
