"""Looks into a training of a tiny model; runs in the environment that has torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.engines.torch_side import Say, answer
from services.learning.train.fit import Bounds, Fit
from services.learning.train.open import open_model
from services.learning.train.private import ExampleGradients
from services.learning.train.request import Example, Protection, Recipe

EXAMPLES = [
    Example("aaa", "one"),
    Example("bb", "two three"),
    Example("the fourth", "f"),
    Example("c", "a much longer answer than the others"),
]
RECIPE = Recipe(rank=4, steps=6, batch=4, rate=0.05, replay=0.5, anchor=1.0)


def ask(request: dict[str, Any], _say: Say) -> dict[str, Any]:
    """What the tests want to know, by name."""
    import torch

    torch.set_num_threads(1)
    base, parent = Path(request["model"]), Path(request["adapter"])
    return {
        "gradients": _gradients(base),
        "parent": _parent(base, parent),
        "kept": _kept(base),
        "stopped": _stopped(base),
        "empty": _empty(base),
        "pairs": _pairs(base),
    }


def _gradients(base: Path) -> dict[str, list[float]]:
    """The private gradient without noise, and the same from one backward pass an example."""
    import torch

    clip = 0.05
    model = open_model(base, None, RECIPE, "s")
    ups = [up for _, up in model.factors.values()]
    rows = model.rows(EXAMPLES, 64)
    for up in ups:
        torch.nn.init.normal_(up.weight, std=0.1)
    total = [torch.zeros_like(up.weight) for up in ups]
    lengths = []
    for row in rows:
        grads = torch.autograd.grad(model.losses([row]).sum(), [up.weight for up in ups])
        length = float(torch.sqrt(sum(g.pow(2).sum() for g in grads)))
        lengths.append(length)
        for place, grad in enumerate(grads):
            total[place] += grad * min(1.0, clip / length)
    listening = ExampleGradients(ups, clip, 0.0, torch.Generator())
    for part in (rows[:3], rows[3:]):
        model.losses(part).sum().backward()
        listening.add()
    listening.finish(2.0)
    listening.close()
    made = torch.cat([up.weight.grad.flatten() for up in ups])
    want = torch.cat([held.flatten() for held in total]) / 2.0
    return {"made": made.tolist(), "want": want.tolist(), "lengths": lengths}


def _pairs(base: Path) -> dict[str, Any]:
    """How far a worse answer falls behind, and the private gradient of a pair as one example."""
    import torch

    told: dict[str, Any] = {}
    for name, prefer in {"plain": 0.0, "paired": 2.0}.items():
        recipe = Recipe(rank=4, steps=25, batch=4, rate=0.05, replay=0.5, prefer=prefer)
        model = open_model(base, None, recipe, "s")
        own, bad = model.rows(EXAMPLES[:2], 64), model.rows([Example("aaa", "not one")], 64)
        worse = [bad[0], None]
        kept = model.rows(EXAMPLES[2:], 64)
        fit = Fit(model, recipe, Protection(), own=own, protected=kept, order="o", worse=worse)
        fit.run(Bounds(100, 100_000), lambda _: None)
        with torch.no_grad():
            told[name] = float(model.losses(bad)[0] - model.losses(own[:1])[0])
    clip = Protection("example", clip=0.5)
    model = open_model(base, None, recipe, "s")
    ups = [up.weight for _, up in model.factors.values()]
    for up in ups:
        torch.nn.init.normal_(up, std=0.1)
    fit = Fit(model, recipe, clip, own=own, protected=kept, order="o", worse=worse)
    total = [torch.zeros_like(up) for up in ups]
    for at in range(2):
        grads = torch.autograd.grad(fit._losses([at]).sum(), ups)
        length = float(torch.sqrt(sum(g.pow(2).sum() for g in grads)))
        for place, grad in enumerate(grads):
            total[place] += grad * min(1.0, fit.clip / length)
    fit._private.forget()
    fit._learn([0, 1])
    told["made"] = torch.cat([up.grad.flatten() for up in ups]).tolist()
    told["want"] = (torch.cat([t.flatten() for t in total]) / (fit.rate * 2)).tolist()
    fit.close()
    return told


def _parent(base: Path, adapter: Path) -> dict[str, Any]:
    """Scores with the parent's adapter here and by PEFT, before and after a change of it."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = open_model(base, adapter, RECIPE, "s")
    rows = model.rows(EXAMPLES, 64)
    with torch.no_grad():
        first = model.answers(rows)[0]
        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        both = PeftModel.from_pretrained(plain, adapter)
        model_wrapped, model.wrapped = model.wrapped, both
        want = model.answers(rows)[0]
        model.wrapped = model_wrapped
        for _, up in model.factors.values():
            torch.nn.init.normal_(up.weight, std=0.3)
        changed = model.answers(rows)[0]
        with model.before():
            before = model.answers(rows)[0]
    return {
        "apart": float((first - want).abs().max()),
        "large": float(want.abs().max()),
        "changed": float((changed - first).abs().max()),
        "before": float((before - first).abs().max()),
        "trained": len(model.trained()),
        "factors": len(model.factors),
    }


def _kept(base: Path) -> dict[str, Any]:
    """Distance of protected answers after the same training without and with an anchor."""
    told: dict[str, Any] = {}
    for name, recipe in {
        "free": Recipe(rank=4, steps=25, batch=4, rate=0.05, replay=0.5, anchor=0.0),
        "held": Recipe(rank=4, steps=25, batch=4, rate=0.05, replay=0.5, anchor=20.0),
        "short": Recipe(rank=4, steps=25, batch=4, rate=0.05, replay=0.5, anchor=0.0, shrink=1.0),
    }.items():
        model = open_model(base, None, recipe, "s")
        own, kept = model.rows(EXAMPLES[:2], 64), model.rows(EXAMPLES[2:], 64)
        fit = Fit(model, recipe, Protection(), own=own, protected=kept, order="o")
        first = fit.measured(own)
        fit.run(Bounds(100, 100_000), lambda _: None)
        told[name] = {
            "first": first,
            "own": fit.measured(own),
            "far": _far(model, kept),
            "length": float(model.length().detach()) ** 0.5,
        }
    return told


def _far(model: Any, rows: Any) -> float:
    import torch

    with torch.no_grad():
        now = torch.log_softmax(model.answers(rows)[0], -1)
        with model.before():
            before = torch.log_softmax(model.answers(rows)[0], -1)
    return float((now.exp() * (now - before)).sum(-1).mean())


def _stopped(base: Path) -> dict[str, Any]:
    """A training whose time is over at once, and one that takes too much memory."""
    model = open_model(base, None, RECIPE, "s")
    rows, lines = model.rows(EXAMPLES, 64), list[str]()
    fit = Fit(model, RECIPE, Protection(), own=rows, protected=[], order="o")
    steps = fit.run(Bounds(-1.0, 100_000), lines.append)
    try:
        fit.run(Bounds(100.0, 1), lines.append)
    except MemoryError as error:
        lines.append(str(error))
    return {"steps": steps, "lines": lines}


def _empty(base: Path) -> dict[str, Any]:
    """A private step for which no example was drawn: there is noise all the same."""
    import torch

    model = open_model(base, None, RECIPE, "s")
    ups = [up for _, up in model.factors.values()]
    listening = ExampleGradients(ups, 0.5, 2.0, torch.Generator().manual_seed(3))
    listening.finish(4.0)
    listening.close()
    drawn = torch.cat([up.weight.grad.flatten() for up in ups])
    return {"std": float(drawn.std()), "count": drawn.numel()}


if __name__ == "__main__":
    answer(ask)
