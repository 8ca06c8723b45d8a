"""How much memory a context takes, and how many fit.

sizes = Sizes.of(read_header(path), path.stat().st_size)
sizes.context(2048)                        # bytes: keys and values, and room to compute
sizes.contexts(2048, asked=4, budget=600_000_000)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.engines.errors import EngineUnavailableError
from services.engines.llama.header import BrokenHeaderError, Header, read_header

BATCH = 128
"""Tokens of a prompt that are read at once: cancelled between two; larger ones are no faster here
and take more memory."""
HALF, SINGLE = 2, 4
"""Bytes of a number: keys and values are kept in half precision, computed in single."""


@dataclass(frozen=True)
class Sizes:
    """What decides the memory of a model: ``weights`` in bytes, the rest in numbers of values."""

    weights: int
    layers: int
    heads: int
    kv_width: int
    """Keys and values of one token in one layer."""
    embedding: int
    forward: int
    vocabulary: int

    @classmethod
    def of(cls, header: Header, weights: int) -> Sizes:
        """Take the sizes from a model's header.

        Raises:
            EngineUnavailableError: the header does not give them.
        """
        try:
            family = str(header.fields["general.architecture"])

            def field(name: str, default: int | None = None) -> int:
                value = header.fields.get(f"{family}.{name}", default)
                return int(value if value is not None else header.fields[f"{family}.{name}"])

            heads, width = field("attention.head_count"), field("embedding_length")
            per_head = field("attention.key_length", width // heads) + field(
                "attention.value_length", width // heads
            )
            return cls(
                weights=weights,
                layers=field("block_count"),
                heads=heads,
                kv_width=field("attention.head_count_kv", heads) * per_head,
                embedding=width,
                forward=field("feed_forward_length"),
                vocabulary=header.tensors["token_embd.weight"][1],
            )
        except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
            raise EngineUnavailableError("The model's file does not tell its sizes.") from error

    def cache(self, tokens: int) -> int:
        """Bytes of the keys and values of so many tokens."""
        return tokens * self.layers * self.kv_width * HALF

    def context(self, tokens: int) -> int:
        """Bytes of a context: its keys and values, and the room that reading a batch takes."""
        scores = self.heads * tokens
        room = BATCH * (scores + 2 * self.forward + 4 * self.embedding) + self.vocabulary
        return self.cache(tokens) + room * SINGLE

    def contexts(self, tokens: int, asked: int, budget: int) -> int:
        """How many contexts a budget in bytes holds beside the weights, no more than asked.

        Raises:
            EngineUnavailableError: not even one fits.
        """
        fit = (budget - self.weights) // self.context(tokens)
        if fit < 1:
            need = (self.weights + self.context(tokens)) / 1e6
            raise EngineUnavailableError(
                f"The model needs {need:.0f} MB with one context of {tokens} tokens;"
                f" {budget / 1e6:.0f} MB are allowed.",
                remedy="Raise CARETIER_ENGINE_MEMORY, lower CARETIER_ENGINE_CONTEXT, or"
                " take a smaller model (`caretier advise`).",
            )
        return min(asked, fit)


def contexts_that_fit(model: Path, tokens: int, asked: int, budget: int | None) -> int:
    """How many contexts to open over a model; its file is looked into only for a budget.

    Args:
        model: the GGUF file.
        tokens: of each context.
        asked: how many are wanted.
        budget: bytes for weights and contexts together; None for no limit.

    Raises:
        EngineUnavailableError: not even one fits, or the file is no model.
    """
    if budget is None:
        return asked
    try:
        sizes = Sizes.of(read_header(model), model.stat().st_size)
    except BrokenHeaderError as error:
        raise EngineUnavailableError(f"{model.name} is not a usable model.") from error
    return sizes.contexts(tokens, asked, budget)
