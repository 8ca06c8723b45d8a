"""The model that is trained: the base, the parent's adapter put into it, a fresh one beside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import read_peft
from services.bricks.adapters.train import IGNORED, batch_of, row_of
from services.learning.aggregate.delta import Factors, Floats
from services.learning.train.request import Example, Recipe

Row = tuple[list[int], list[int]]
"""Tokens of an example, and the labels."""


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
        return whole.lm_head(hidden[places]), labels[places], owner

    def losses(self, rows: Sequence[Row]) -> Any:
        """Each example's mean loss over its answer."""
        import torch

        scores, words, owner = self.answers(rows)
        each = torch.nn.functional.cross_entropy(scores, words, reduction="none")
        counts = torch.bincount(owner, minlength=len(rows))
        return torch.zeros(len(rows)).index_add(0, owner, each) / counts

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
    """Load the base, add the parent's change, and put a change of nothing beside it.

    Args:
        base: folder in Transformers' form.
        parent: folder of an adapter in PEFT's form.
        recipe: rank, modules and layers of the change.
        seed: of the ``down`` factors.
        keep_down: ``down`` is not trained.

    Raises:
        AdapterMismatchError, BrickError: the parent's adapter does not belong to this model.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if parent is not None:
        _add(plain, Base.of(base), parent)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.rank,
        target_modules=list(recipe.modules),
        layers_to_transform=list(recipe.layers) or None,
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    wrapped = get_peft_model(plain, config)
    factors = {}
    for place, layer in wrapped.named_modules():
        if not hasattr(layer, "lora_A"):
            continue
        _, _, rest = place.partition(".layers.")
        name = f"layers.{rest.split('.')[0]}.{rest.rpartition('.')[2]}"
        down, up = layer.lora_A["default"], layer.lora_B["default"]
        down.weight.data = torch.from_numpy(
            shared_down(seed, name, recipe.rank, down.weight.shape[1])
        )
        down.weight.requires_grad = not keep_down
        factors[name] = (down, up)
    return Model(wrapped, AutoTokenizer.from_pretrained(base), factors)


def _add(plain: Any, base: Base, parent: Path) -> None:
    """Add an adapter's change to a model's weights."""
    import torch

    adapter = read_peft(parent)
    adapter.check(base)
    for layer, projection in adapter.parts:
        block = plain.model.layers[layer]
        owner = block.self_attn if hasattr(block.self_attn, projection) else block.mlp
        change = adapter.delta(layer, projection)
        getattr(owner, projection).weight.data += torch.from_numpy(np.asarray(change, np.float32))
