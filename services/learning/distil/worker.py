"""The student's training, in the environment with torch (`services.engines.torch_side`).

At each place of an answer the student's probabilities of all words are drawn to the teacher's: the
loss is the Kullback-Leibler divergence from the teacher to the student, in nats a token.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer
from services.learning.train.model import CHANGE, Model, Row
from services.learning.train.open import PARENT, open_model
from services.learning.train.request import Example, Recipe

GREATEST = 1.0
"""Length that a gradient is cut to."""


def _work(request: dict[str, Any], say: Say) -> dict[str, Any]:
    import torch

    os.nice(10)
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    say("loading the model")
    recipe = Recipe(rank=request["rank"], modules=tuple(request["modules"]))
    model = open_model(Path(request["base"]), Path(request["teacher"]), recipe, "distil")
    _start_from(model, request["start"])
    rows = model.rows([Example(**one) for one in request["examples"]], recipe.tokens)
    if not rows:
        raise BrickError("There is nothing to distil from.")
    before = _apart(model, rows)
    steps = _train(model, rows, request, say)
    after = _apart(model, rows)
    if not after < before:  # the approximation was as good as it gets
        say("the training brought nothing: the student stays as it began")
        _start_from(model, request["start"])
        after = before
    tensors = {}
    for module, factors in model.delta().items():
        tensors[f"{module}.up"], tensors[f"{module}.down"] = factors.up, factors.down
    save_file(tensors, request["out"])
    return {"steps": steps, "before": before, "after": after}


def _train(model: Model, rows: list[Row], request: dict[str, Any], say: Say) -> int:
    """Train until the steps are done or the time is over; returns how many were done."""
    import torch

    weights, end = model.trained(), time.monotonic() + request["seconds"]
    optimizer = torch.optim.AdamW(weights, lr=request["rate"], weight_decay=0.0)
    order, size = np.random.default_rng(0), min(request["batch"], len(rows))
    for step in range(request["steps"]):
        if time.monotonic() > end:
            say(f"the time is over after {step} steps")
            return step
        for group in optimizer.param_groups:
            group["lr"] = request["rate"] * min(1.0, (step + 1) / max(1, request["steps"] // 10))
        batch = [rows[int(at)] for at in order.choice(len(rows), size, replace=False)]
        loss = _divergence(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, GREATEST)
        optimizer.step()
        optimizer.zero_grad()
        say(f"step {step + 1} of {request['steps']}: {float(loss):.4f} nats a token")
    return int(request["steps"])


def _divergence(model: Model, rows: list[Row]) -> Any:
    import torch

    with torch.no_grad(), _worn(model, PARENT):
        wanted = torch.log_softmax(model.answers(rows)[0], dim=-1)
    with _worn(model, CHANGE):
        found = torch.log_softmax(model.answers(rows)[0], dim=-1)
    return torch.nn.functional.kl_div(found, wanted, reduction="batchmean", log_target=True)


def _apart(model: Model, rows: list[Row], at_once: int = 8) -> float:
    import torch

    with torch.no_grad():
        parts = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
        return float(np.mean([float(_divergence(model, part)) for part in parts]))


@contextmanager
def _worn(model: Model, name: str) -> Iterator[None]:
    """One of the two adapters alone: the teacher's, or the student's."""
    layers = [layer for layer in model.wrapped.modules() if CHANGE in getattr(layer, "lora_A", ())]
    for layer in layers:
        for one in (PARENT, CHANGE):
            if one in layer.lora_A:
                layer.set_scale(one, float(one == name))
    try:
        yield
    finally:
        for layer in layers:
            for one in (PARENT, CHANGE):
                if one in layer.lora_A:
                    layer.set_scale(one, 1.0)


def _start_from(model: Model, path: str) -> None:
    """Let the student begin as the approximation of the teacher that lies in a file."""
    import torch

    held = load_file(path)
    for module, (down, up) in model.factors.items():
        down.weight.data = torch.from_numpy(np.array(held[f"{module}.down"], np.float32))
        up.weight.data = torch.from_numpy(np.array(held[f"{module}.up"], np.float32))
        down.weight.requires_grad = up.weight.requires_grad = True


if __name__ == "__main__":
    answer(_work)
