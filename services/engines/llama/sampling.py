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
        self._candidates = parts.LlamaTokenDataArray(n_vocab=weights.words)
        self._chain, self._grammar = parts.LlamaSampler(), parts.LlamaSampler()
        self._bound = prompt.schema is not None
        if prompt.schema is not None:
            rules = _grammar(weights, prompt.schema)
            self._library.llama_sampler_chain_add(self._grammar.sampler, rules)
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
        self._grammar.close()

    def choose(self, logits: Floats) -> int:
        """Choose the next token.

        To hold the whole vocabulary against a grammar takes as long as the model itself, so it is
        done only where the token that would be taken without one is against it.

        Raises:
            EngineError: the grammar allows none, or the model's scores are no numbers.
        """
        token = self._pick(logits, bound=False)
        if self._bound and not (token is not None and self._allows(token)):
            token = self._pick(logits, bound=True)
        if token is None:  # to accept what the grammar forbids would end the whole process
            raise EngineError("The model has no word that may come next.")
        self._chain.accept(token)
        self._grammar.accept(token)
        return token

    def _pick(self, logits: Floats, *, bound: bool) -> int | None:
        """The token that is taken, or None where none has a score that is a number."""
        self._candidates.copy_logits(logits)
        candidates = self._candidates.candidates
        if bound:
            self._library.llama_sampler_apply(self._grammar.sampler, ctypes.byref(candidates))
        self._library.llama_sampler_apply(self._chain.sampler, ctypes.byref(candidates))
        place = candidates.selected
        chosen = candidates.data[max(0, place)]
        return int(chosen.id) if place >= 0 and np.isfinite(chosen.logit) else None

    def _allows(self, token: int) -> bool:
        """Whether the grammar lets this one token follow."""
        one = self._library.llama_token_data(id=token, logit=1.0, p=0.0)
        array = self._library.llama_token_data_array(data=ctypes.pointer(one), size=1)
        self._library.llama_sampler_apply(self._grammar.sampler, ctypes.byref(array))
        return bool(np.isfinite(one.logit))


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
