"""The model that is trained, and what it says of examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from services.bricks.adapters.train import IGNORED, batch_of, row_of
from services.learning.aggregate.delta import Factors
from services.learning.train.request import Example

Row = tuple[list[int], list[int]]
"""Tokens of an example, and the labels."""
CHANGE = "change"
"""Name of the adapter that is trained."""


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
