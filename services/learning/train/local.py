"""One training at a node, from the check of its budget to the change that may leave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from compliance.errors import BadInputError
from services.bricks.errors import BrickError
from services.engines.torch_side import Say, run_module
from services.learning.aggregate.delta import Factors
from services.learning.contribution import Privacy
from services.learning.privacy.accountant import Mechanism
from services.learning.privacy.ledger import BudgetSpentError, PrivacyLedger
from services.learning.train.request import Protection, Trained, TrainRequest
from services.learning.train.update import clip_and_noise
from services.learning.train.worker import as_json

SLACK = 120.0
"""Seconds beyond a training's own bound after which its process is ended."""


@dataclass(frozen=True)
class Account:
    """Where a training's cost in privacy is written down.

    Attributes:
        ledger: of the node; budget: its ε, None for no bound.
        domain, epoch: of the round that the training is for.
    """

    ledger: PrivacyLedger
    budget: float | None
    domain: str
    epoch: int

    def check(self, mechanism: Mechanism) -> None:
        """Refuse a training that the budget does not allow, before it costs time.

        Raises:
            BudgetSpentError: with it, ε would be beyond the budget.
        """
        total = self.ledger.epsilon(mechanism)
        if self.budget is not None and total > self.budget:
            raise BudgetSpentError(f"With this training ε would be {total:.2f} of {self.budget:g}.")

    def spend(self, mechanism: Mechanism) -> float:
        """Write a training down; see `PrivacyLedger.spend`."""
        return self.ledger.spend(self.domain, self.epoch, mechanism, self.budget)


def train_local(
    request: TrainRequest, account: Account | None = None, say: Say | None = None
) -> Trained:
    """Train on the node's own examples.

    Args:
        request: what to train on and how.
        account: where its cost in privacy is written; a protected training needs one.
        say: is told of each step; what it raises ends the training at once, and nothing is spent.

    Raises:
        BadInputError: the request does not hold together.
        BudgetSpentError: the node's budget does not allow it; nothing was trained.
        BrickError: the parent's adapter does not fit, training takes too much memory, or it comes
            to numbers that are none.
        EngineError, EngineUnavailableError: the process broke off, or there is no torch.
    """
    _check(request, account)
    if account is not None:
        account.check(_planned(request))
    with TemporaryDirectory() as folder:
        out = Path(folder) / "change.safetensors"
        told = run_module(
            "services.learning.train.worker",
            as_json(request, out),
            say=say,
            seconds=request.seconds + SLACK,
            refused=BrickError,
        )
        delta = _read(out)
    _require_numbers(delta, told)
    protection = request.protection
    if protection.mechanism == "update":
        delta = clip_and_noise(delta, protection.clip, protection.noise)
    spent = (
        account.spend(cost_of(protection, told["steps"], told["rate"]))
        if account is not None
        else math.inf
    )
    return Trained(
        delta=delta,
        metrics=_metrics(told, protection),
        privacy=_privacy(protection, account, spent, told.get("clip")),
        local={f"loss-{when}": told[when]["own"] for when in ("before", "after")},
        steps=told["steps"],
    )


def _check(request: TrainRequest, account: Account | None) -> None:
    recipe, protection = request.recipe, request.protection
    if not request.examples:
        raise BadInputError("There are no examples to learn from.")
    if recipe.steps < 1 or recipe.own(replays=bool(request.protected)) < 1:
        raise BadInputError("A training has steps, and own examples in each beside the replay.")
    if protection.mechanism == "none":
        return
    if account is None:
        raise BadInputError("A protected training needs an account of what it costs.")
    if recipe.both:
        raise BadInputError("A protected training leaves the public factor as it is (both=False).")
    if protection.clip <= 0 or protection.noise <= 0:
        raise BadInputError("A protected training needs a bound and noise.")


def _planned(request: TrainRequest) -> Mechanism:
    """What the training costs if all its steps are done."""
    recipe, count = request.recipe, len(request.examples)
    own = recipe.own(replays=bool(request.protected))
    return cost_of(request.protection, recipe.steps, min(1.0, own / count))


def cost_of(protection: Protection, steps: int, rate: float) -> Mechanism:
    """What a training costs.

    Args:
        protection: of the training.
        steps: that are done.
        rate: share of the own examples in a step.
    """
    if protection.mechanism == "example":
        return Mechanism(steps, rate, protection.noise)
    return Mechanism(1, 1.0, protection.noise if protection.mechanism == "update" else 0.0)


def _read(path: Path) -> dict[str, Factors]:
    tensors = load_file(path)
    modules = sorted({name.rpartition(".")[0] for name in tensors})
    return {m: Factors(tensors[f"{m}.up"], tensors[f"{m}.down"]) for m in modules}


def _require_numbers(delta: dict[str, Factors], told: dict[str, Any]) -> None:
    """Refuse what came to nothing before it costs privacy; the parent would refuse it after.

    Raises:
        BrickError: the change, or a loss, is no number.
    """
    losses = [value for when in ("before", "after") for value in told[when].values()]
    factors = [side for one in delta.values() for side in (one.up, one.down)]
    if not (np.isfinite(losses).all() and all(np.isfinite(side).all() for side in factors)):
        raise BrickError(
            "The training came to numbers that are none; nothing was spent.",
            remedy="Try again with a lower rate, or look at the examples.",
        )


def _metrics(told: dict[str, Any], protection: Protection) -> dict[str, float]:
    """What may leave; a loss must not tell of protected people past the noise.

    One on their own examples would, and so would any of a whole change that gets its noise later.
    """
    kinds = ["protected", *(["own"] if protection.mechanism == "none" else [])]
    moments = ["before", *(["after"] if protection.mechanism != "update" else [])]
    return {
        f"loss-{kind}-{when}": told[when][kind]
        for kind in kinds
        for when in moments
        if kind in told[when]
    }


def _privacy(
    protection: Protection, account: Account | None, spent: float, clip: float | None
) -> Privacy:
    if protection.mechanism == "none" or account is None:
        return Privacy(mechanism="none")
    return Privacy(
        mechanism=protection.mechanism,
        epsilon=spent,
        delta=account.ledger.delta,
        clip=protection.clip if clip is None else clip,
        noise=protection.noise,
    )
