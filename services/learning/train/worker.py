"""The training process, in the environment with torch (`services.engines.torch_side`)."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer
from services.learning.train.fit import Bounds, Fit
from services.learning.train.model import Model, Row
from services.learning.train.open import open_model
from services.learning.train.request import Example, Protection, Recipe, TrainRequest


def as_json(request: TrainRequest, out: Path) -> dict[str, Any]:
    """A request as this process reads it; the factors go to the file ``out``."""
    held = asdict(request)
    for name in ("base", "parent"):
        held[name] = None if held[name] is None else str(held[name])
    return held | {"out": str(out)}


def _request(held: dict[str, Any]) -> TrainRequest:
    recipe: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in held["recipe"].items()
    }
    return TrainRequest(
        base=Path(held["base"]),
        examples=[Example(**e) for e in held["examples"]],
        seed=held["seed"],
        protected=[Example(**e) for e in held["protected"]],
        parent=Path(held["parent"]) if held["parent"] else None,
        recipe=Recipe(**recipe),
        protection=Protection(**held["protection"]),
        seconds=held["seconds"],
        memory=held["memory"],
        threads=held["threads"],
    )


def pairs_of(model: Model, request: TrainRequest) -> tuple[list[Row], list[Row | None]]:
    """Rows of the own examples, and beside each that of the worse answer, where there is one."""
    own, worse = list[Row](), list[Row | None]()
    for example in request.examples:
        limit = request.recipe.tokens
        rows = model.rows([example], limit)
        beside = model.rows([replace(example, answer=example.worse)], limit)
        own += rows
        worse += [beside[0] if example.worse and beside else None for _ in rows]
    return own, worse


def train(held: dict[str, Any], say: Say) -> dict[str, Any]:
    """Train a change and save its factors; the result is what was measured and done.

    Raises:
        BrickError: there is nothing to learn from, or it takes too much memory.
    """
    import torch

    os.nice(10)
    request = _request(held)
    torch.set_num_threads(request.threads)
    torch.manual_seed(0)
    say("loading the model")
    model = open_model(request.base, request.parent, request.recipe, request.seed)
    own, worse = pairs_of(model, request)
    protected = model.rows(request.protected, request.recipe.tokens)
    if not own:
        raise BrickError("There are no examples to learn from.")
    fit = Fit(
        model,
        request.recipe,
        request.protection,
        own=own,
        protected=protected,
        order=request.seed,
        worse=worse,
    )
    before = {"own": fit.measured(own)}
    if protected:
        before["protected"] = fit.measured(protected)
    try:
        steps = fit.run(Bounds(request.seconds, request.memory), say)
    except MemoryError as error:
        raise BrickError(str(error)) from None
    finally:
        fit.close()
    after = {name: fit.measured(own if name == "own" else protected) for name in before}
    tensors = {}
    for module, factors in model.delta().items():
        tensors[f"{module}.up"], tensors[f"{module}.down"] = factors.up, factors.down
    save_file(tensors, held["out"])
    return {
        "steps": steps,
        "rate": fit.rate,
        "clip": fit.clip,
        "before": before,
        "after": after,
    }


if __name__ == "__main__":
    answer(train)
