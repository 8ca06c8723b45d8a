"""Choose the next token: the most probable one, or one at random, within a grammar or without."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Self

import numpy as np

from services.engines.errors import EngineError
from services.engines.llama.weights import Weights
from services.engines.protocol import Prompt
from services.engines.session import Floats

TOP_K, TOP_P, MIN_P = 40, 0.95, 0.05
"""Where the temperature is not zero, a token is drawn from no more than these."""


class Sampler:
    """Chooses tokens for one request; use it as a context manager.

    Raises:
        EngineError: the schema cannot be turned into a grammar.
    """

    def __init__(self, weights: Weights, prompt: Prompt) -> None:
        parts: Any = import_module("llama_cpp._internals")
        self._library = weights.library
        self._chain = parts.LlamaSampler()
        self._candidates = parts.LlamaTokenDataArray(n_vocab=weights.words)
        if prompt.schema is not None:
            self._library.llama_sampler_chain_add(
                self._chain.sampler, _grammar(weights, prompt.schema)
            )
        if prompt.temperature <= 0:
            self._chain.add_greedy()
            return
        self._chain.add_top_k(TOP_K)
        self._chain.add_top_p(TOP_P, 1)
        self._chain.add_min_p(MIN_P, 1)
        self._chain.add_temp(prompt.temperature)
        self._chain.add_dist(self._library.LLAMA_DEFAULT_SEED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._chain.close()

    def choose(self, logits: Floats) -> int:
        """Choose the next token.

        Raises:
            EngineError: the grammar allows none, or the model's scores are no numbers.
        """
        self._candidates.copy_logits(logits)
        candidates = self._candidates.candidates
        self._library.llama_sampler_apply(self._chain.sampler, ctypes.byref(candidates))
        place = candidates.selected
        chosen = candidates.data[max(0, place)]
        if place < 0 or not np.isfinite(chosen.logit):
            # to accept what the grammar forbids would end the whole process
            raise EngineError("The model has no word that may come next.")
        token = int(chosen.id)
        self._library.llama_sampler_accept(self._chain.sampler, token)
        return token


def logprob(logits: Floats, token: int) -> float:
    """Natural logarithm of a token's probability, before temperature and grammar."""
    top = float(logits.max())
    total = float(np.exp(logits.astype(np.float64) - top).sum())
    return float(logits[token]) - top - float(np.log(total))


def _grammar(weights: Weights, schema: Mapping[str, Any]) -> Any:
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        rules = json_schema_to_gbnf(json.dumps(dict(schema)))
    except Exception as error:
        raise EngineError("The schema cannot be kept to.", remedy="Use a simpler one.") from error
    sampler = weights.library.llama_sampler_init_grammar(
        weights.model.vocab, rules.encode(), b"root"
    )
    if not sampler:
        raise EngineError("The schema cannot be kept to.", remedy="Use a simpler one.")
    return sampler
