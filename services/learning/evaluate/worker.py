"""The process that asks: it runs beside the hospital's own, at low priority, and may be killed."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer, run_module
from services.learning.evaluate.held import overlap, right
from services.learning.evaluate.scorer import Asked, Scorer
from services.learning.evaluate.suite import Suite

SECONDS = 1800.0
"""After which it is stopped."""
SLACK = 0.3
"""Nats a token by which a worse text may be likelier: so much is manner or rounding alone."""


def ask(
    model: Path, adapter: Path | None, suite: Suite, *, threads: int = 1, say: Say | None = None
) -> tuple[float, ...]:
    """Scores of a suite's items, in a process of its own.

    Args:
        model: a GGUF file.
        adapter: a GGUF file; None for the bare model.
        suite: what is asked.
        threads: of the CPU.
        say: is told of progress.

    Raises:
        BrickError: the adapter does not fit the model, or an item is too long.
        EngineError: the model cannot be used, or the process broke off.
    """
    work = {"suite": suite.model_dump(mode="json"), "threads": threads}
    return tuple(_told(model, adapter, work, say)["scores"])


def reply(
    model: Path,
    adapter: Path | None,
    questions: Sequence[str],
    *,
    tokens: int = 24,
    threads: int = 1,
    say: Say | None = None,
) -> list[str]:
    """Greedy answers of a model to questions, in a process of its own; arguments as `ask`.

    Raises:
        BrickError: the adapter does not fit the model, or a question is too long.
        EngineError: the model cannot be used, or the process broke off.
    """
    work = {"questions": list(questions), "tokens": tokens, "threads": threads}
    return list(_told(model, adapter, work, say)["answers"])


def scores(scorer: Scorer, suite: Suite, say: Say) -> list[float]:
    """Scores of a suite's items, each 0 to 1."""
    items = suite.items

    def told(done: int) -> None:
        say(f"{suite.name}: {done} of {len(items)}")

    if suite.kind in {"answer", "overlap"}:
        judge = right if suite.kind == "answer" else overlap
        said = scorer.answers([item.ask for item in items], suite.tokens, told)
        return [judge(text, item) for text, item in zip(said, items, strict=True)]
    asked = [Asked(item.ask, (item.text or "", *item.worse)) for item in items]
    found = scorer.likelihoods(asked, told)
    if suite.kind == "text":
        return [math.exp(text) for text, *_ in found]
    return [float(text > max(worse) - SLACK) for text, *worse in found]


def _told(
    model: Path, adapter: Path | None, work: Mapping[str, Any], say: Say | None
) -> dict[str, Any]:
    request = {
        "model": str(model.resolve()),
        "adapter": str(adapter.resolve()) if adapter else None,
        **work,
    }
    python = Path(sys.executable)
    return run_module(
        __name__, request, python=python, say=say, seconds=SECONDS, refused=BrickError
    )


def _work(request: dict[str, Any], say: Say) -> dict[str, Any]:
    os.nice(10)
    adapter = request["adapter"]
    scorer = Scorer(Path(request["model"]), Path(adapter) if adapter else None, request["threads"])
    try:
        if "suite" in request:
            return {"scores": scores(scorer, Suite.model_validate(request["suite"]), say)}
        asked = request["questions"]
        told = scorer.answers(
            asked, request["tokens"], lambda done: say(f"{done} of {len(asked)} answers")
        )
        return {"answers": told}
    finally:
        scorer.close()


if __name__ == "__main__":
    answer(_work)
