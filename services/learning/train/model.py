"""The model that is trained: the base, the parent's adapter put into it, a fresh one beside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.adapters.adapter import Adapter
from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import read_peft
from services.bricks.adapters.train import IGNORED, batch_of, row_of
from services.learning.aggregate.delta import Factors, Floats
from services.learning.train.request import Example, Recipe

Row = tuple[list[int], list[int]]
"""Tokens of an example, and the labels."""
CHANGE, PARENT = "change", "parent"
"""Names of the two adapters."""


def shared_down(seed: str, module: str, rank: int, inputs: int) -> Floats:
    """The ``down`` that every site starts from: rows at right angles, each of length one.

    With such rows a change ``up @ down`` is as long as its ``up``.
    """
    drawn = hashlib.sha256(f"{seed}\n{module}\n{rank}".encode()).digest()
    random = np.random.default_rng(np.frombuffer(drawn, np.uint64))
    rows, _ = np.linalg.qr(random.standard_normal((inputs, rank)))
    made: Floats = np.ascontiguousarray(rows.T, np.float32)
    return made


@dataclass
class Model:
    """A model of Transformers with a fresh adapter of PEFT.

    Attributes:
        wrapped: PEFT's model; factors: its pairs of layers (``down``, ``up``) by module.
    """

    wrapped: Any
    tokenizer: Any
    factors: dict[str, tuple[Any, Any]]

    def trained(self) -> list[Any]:
        """The weights that are trained."""
        return [w for w in self.wrapped.parameters() if w.requires_grad]

    def rows(self, examples: Sequence[Example], limit: int) -> list[Row]:
        """Tokens of each example; one that has no answer left within the limit is left out."""
        rows = [
            row_of(
                self.tokenizer,
                {"system": e.system, "user": e.question, "answer": e.answer},
                limit,
            )
            for e in examples
        ]
        return [row for row in rows if any(label != IGNORED for label in row[1])]

    def answers(self, rows: Sequence[Row]) -> tuple[Any, Any, Any]:
        """Scores of every word at each place of an answer, the word there, and whose place it is.

        The last layer, which is wide, is computed at those places alone.
        """
        import torch

        batch = batch_of(torch, list(rows), self.tokenizer.pad_token_id or 0)
        labels = batch.pop("labels")[:, 1:]
        whole = self.wrapped.base_model.model
        hidden = whole.model(**batch).last_hidden_state[:, :-1]
        places = labels != IGNORED
        owner = places.nonzero()[:, 0]
        return whole.lm_head(hidden[places]).float(), labels[places], owner

    def losses(self, rows: Sequence[Row]) -> Any:
        """Each example's mean loss over its answer."""
        import torch

        scores, words, owner = self.answers(rows)
        each = torch.nn.functional.cross_entropy(scores, words, reduction="none")
        counts = torch.bincount(owner, minlength=len(rows))
        return torch.zeros(len(rows)).index_add(0, owner, each) / counts

    @contextmanager
    def before(self) -> Iterator[None]:
        """The parent, as it was: without the change, and without learning."""
        import torch

        layers = [
            layer for layer in self.wrapped.modules() if CHANGE in getattr(layer, "lora_A", ())
        ]
        for layer in layers:
            layer.set_scale(CHANGE, 0.0)
        try:
            with torch.no_grad():
                yield
        finally:
            for layer in layers:
                layer.set_scale(CHANGE, 1.0)

    def length(self) -> Any:
        """Squared length of the change, from its factors."""
        return sum(
            ((up.weight.T @ up.weight) * (down.weight @ down.weight.T)).sum()
            for down, up in self.factors.values()
        )

    def delta(self) -> dict[str, Factors]:
        """The change so far."""
        return {
            name: Factors(up.weight.detach().numpy(), down.weight.detach().numpy())
            for name, (down, up) in self.factors.items()
        }


def open_model(
    base: Path, parent: Path | None, recipe: Recipe, seed: str, *, keep_down: bool
) -> Model:
    """Load the base and the parent's adapter, both frozen, and put a change of nothing beside.

    Args:
        base: folder in Transformers' form.
        parent: folder of an adapter in PEFT's form.
        recipe: rank, modules and layers of the change.
        seed: of the ``down`` factors.
        keep_down: ``down`` is not trained.

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
        down.weight.requires_grad = not keep_down
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
