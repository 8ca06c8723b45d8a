"""Ask a model a few questions and score answers, in a process of its own.

probe(merged, questions)                       # its own answers, as tokens with their scores
probe(quantised, questions, answers=…)         # how likely it finds these answers
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.engines.llama.weights import model_params
from services.engines.torch_side import Say, answer, run_module

CONTEXT = 1024
"""Tokens of a question and its answer together."""


@dataclass(frozen=True)
class Scored:
    """An answer in tokens.

    Attributes:
        text: of the answer.
        tokens: of the vocabulary that all models of one family share.
        logprobs: natural logarithm of each token's probability, given what stands before it.
        first: for each token, whether the model would have written it itself.
    """

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    first: tuple[bool, ...]


def probe(
    model: Path,
    questions: Sequence[str],
    *,
    answers: Sequence[Scored] = (),
    tokens: int = 24,
    threads: int = 1,
) -> list[Scored]:
    """Score answers by a model; its own greedy ones where none are given.

    Args:
        model: a GGUF file.
        questions: asked one by one, without a system prompt.
        answers: to score, in the order of the questions.
        tokens: of an answer at most.
        threads: of the CPU; more than there are free cores makes it slower.

    Raises:
        BrickError: the model has no chat template.
        EngineError: llama.cpp could not load or run the model.
    """
    request = {
        "model": str(model.resolve()),
        "questions": list(questions),
        "answers": [list(a.tokens) for a in answers],
        "tokens": tokens,
        "threads": threads,
    }
    told = run_module(__name__, request, python=Path(sys.executable), refused=BrickError)
    return [
        Scored(a["text"], tuple(a["tokens"]), tuple(a["logprobs"]), tuple(a["first"]))
        for a in told["answers"]
    ]


def _work(request: dict[str, Any], _say: Say) -> dict[str, Any]:
    from llama_cpp import Llama, llama_cpp

    safe = model_params()
    llama_cpp.llama_model_default_params = lambda: safe  # `Llama` has no argument for it
    model = Llama(
        request["model"],
        n_ctx=CONTEXT,
        n_threads=request["threads"],
        n_threads_batch=request["threads"],
        logits_all=True,
        verbose=False,
    )
    given = request["answers"] or [None] * len(request["questions"])
    pairs = zip(request["questions"], given, strict=True)
    told = [_scored(model, asked, tokens, request["tokens"]) for asked, tokens in pairs]
    model.close()
    return {"answers": told}


def _scored(model: Any, question: str, tokens: list[int] | None, limit: int) -> dict[str, Any]:
    start = _start(model, question)
    if tokens is None:
        tokens = []
        model.reset()
        model.eval(start)
        while len(tokens) < limit:
            best = int(model.scores[model.n_tokens - 1].argmax())
            if best == model.token_eos():
                break
            tokens.append(best)
            model.eval([best])
    model.reset()
    model.eval(start + tokens)
    rows = model.scores[len(start) - 1 : len(start) - 1 + len(tokens)].astype("float64")
    rows -= rows.max(axis=1, keepdims=True)
    chosen = [row[token] for row, token in zip(rows, tokens, strict=True)]
    sums = [float(x) for x in _log_sums(rows)]
    return {
        "text": model.detokenize(tokens).decode(errors="replace"),
        "tokens": tokens,
        "logprobs": [float(c) - s for c, s in zip(chosen, sums, strict=True)],
        "first": [bool(row.argmax() == t) for row, t in zip(rows, tokens, strict=True)],
    }


def _log_sums(rows: Any) -> Any:
    import numpy as np

    return np.log(np.exp(rows).sum(axis=1))


def _start(model: Any, question: str) -> list[int]:
    """Tokens up to where the answer begins, by the model's own template."""
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    template = model.metadata.get("tokenizer.chat_template")
    if template is None:
        raise BrickError("The model has no chat template, so it cannot be asked.")
    word = model._model.token_get_text  # noqa: SLF001 - the library gives special words nowhere else
    formed = Jinja2ChatFormatter(
        template, eos_token=word(model.token_eos()), bos_token=word(model.token_bos())
    )(messages=[{"role": "user", "content": question}])
    tokens: list[int] = model.tokenize(
        formed.prompt.encode(), add_bos=not formed.added_special, special=True
    )
    return tokens


if __name__ == "__main__":
    answer(_work)
