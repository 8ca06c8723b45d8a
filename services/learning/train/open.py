"""Open the base model with the parent's adapter and a fresh one beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.adapters.adapter import Adapter
from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import read_peft
from services.learning.aggregate.delta import Floats
from services.learning.train.model import CHANGE, Model
from services.learning.train.request import Recipe

PARENT = "parent"
"""Name of the parent's adapter."""


def shared_down(seed: str, module: str, rank: int, inputs: int) -> Floats:
    """The ``down`` that every site starts from: rows at right angles, each of length one.

    With such rows a change ``up @ down`` is as long as its ``up``.
    """
    drawn = hashlib.sha256(f"{seed}\n{module}\n{rank}".encode()).digest()
    random = np.random.default_rng(np.frombuffer(drawn, np.uint64))
    rows, _ = np.linalg.qr(random.standard_normal((inputs, rank)))
    made: Floats = np.ascontiguousarray(rows.T, np.float32)
    return made


def open_model(base: Path, parent: Path | None, recipe: Recipe, seed: str) -> Model:
    """Load the base and the parent's adapter, both frozen, and put a change of nothing beside.

    Args:
        base: folder in Transformers' form.
        parent: folder of an adapter in PEFT's form.
        recipe: rank, modules and layers of the change.
        seed: of the ``down`` factors.

    Raises:
        AdapterMismatchError, BrickError: the parent's adapter does not belong to this model.
    """
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=_kind())
    config = _config(recipe.rank, recipe.rank, recipe.modules, recipe.layers)
    wrapped = get_peft_model(plain, config, adapter_name=CHANGE)
    if parent is not None:
        adapter = read_peft(parent)
        adapter.check(Base.of(base))
        _put(wrapped, adapter)
    factors = {}
    for (layer, projection), held in _places(wrapped, CHANGE).items():
        name = f"layers.{layer}.{projection}"
        down, up = held.lora_A[CHANGE], held.lora_B[CHANGE]
        _set(down, shared_down(seed, name, recipe.rank, down.weight.shape[1]))
        down.weight.requires_grad = recipe.both
        factors[name] = (down, up)
    return Model(wrapped, AutoTokenizer.from_pretrained(base), factors)


def _kind() -> Any:
    """bfloat16 where the processor multiplies it (the base is stored so), else float32."""
    import torch

    able = torch.cpu.get_capabilities()
    fast = able.get("avx512_bf16") or able.get("amx_bf16")
    return torch.bfloat16 if fast else torch.float32


def _config(rank: int, alpha: float, modules: Sequence[str], layers: Sequence[int]) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=list(modules),
        layers_to_transform=list(layers) or None,
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )


def _put(wrapped: Any, adapter: Adapter) -> None:
    """Put the parent's adapter in, frozen, beside the one that is trained."""
    layers = sorted({layer for layer, _ in adapter.parts})
    modules = sorted({projection for _, projection in adapter.parts})
    wrapped.add_adapter(PARENT, _config(adapter.rank, adapter.alpha, modules, layers))
    wrapped.base_model.set_adapter([CHANGE, PARENT])
    for place, held in _places(wrapped, PARENT).items():
        pair = adapter.parts.get(place)
        for side, factor in (("lora_A", pair and pair.down), ("lora_B", pair and pair.up)):
            linear = getattr(held, side)[PARENT]
            shape = tuple(linear.weight.shape)
            _set(linear, factor.floats() if factor else np.zeros(shape, np.float32))
            linear.weight.requires_grad = False


def _places(wrapped: Any, name: str) -> dict[tuple[int, str], Any]:
    """The layers that hold an adapter of this name, by number and projection."""
    found = {}
    for place, held in wrapped.named_modules():
        if hasattr(held, "lora_A") and name in held.lora_A:
            _, _, rest = place.partition(".layers.")
            found[int(rest.split(".")[0]), rest.rpartition(".")[2]] = held
    return found


def _set(linear: Any, values: Floats) -> None:
    import torch

    linear.weight.data = torch.from_numpy(np.array(values, np.float32))
