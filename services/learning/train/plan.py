"""What a training would be: enough for a person to say yes to it, or to see why it is not done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from services.bricks.adapters.base import Base
from services.learning.policy import DomainPolicy
from services.learning.privacy import PrivacyLedger
from services.learning.rounds.standing import Standing
from services.learning.train.local import cost_of
from services.learning.train.material import Material, protected
from services.learning.train.outbox import Held
from services.learning.train.request import Protection, Recipe
from services.learning.train.terms import Terms, protection_of, recipe_of, signal_to_noise


@dataclass(frozen=True)
class Plan:
    """A training before it is done.

    Attributes:
        standing: what it stands on; base: digest of the model.
        examples, people: what there is to learn from.
        recipe, protection: how.
        spent, after: the node's ε before and with it; budget: the most it may be, None for no
            bound.
        signal: see `signal_to_noise`.
        reasons: what is against it, apart from the machine; none lets it be done.
    """

    standing: Standing
    base: str
    examples: int
    people: int
    recipe: Recipe
    protection: Protection
    spent: float
    after: float
    budget: float | None
    signal: float
    reasons: tuple[str, ...]

    def against(self, there: Held | None) -> Plan:
        """The same plan, with what this node has sent in this epoch against it."""
        if there is None:
            return self
        said = f"this node has a contribution in epoch {self.standing.epoch} ({there.state})"
        return replace(self, reasons=(said, *self.reasons))

    def told(self) -> dict[str, Any]:
        """What is shown of it; None stands for no number."""
        held = {
            "domain": self.standing.domain,
            "epoch": self.standing.epoch,
            "parent": self.standing.parent,
            "examples": self.examples,
            "people": self.people,
            "steps": self.recipe.steps,
            "batch": self.recipe.batch,
            "rank": self.recipe.rank,
            "mechanism": self.protection.mechanism,
            "noise": round(self.protection.noise, 3),
            "epsilon_spent": round(self.spent, 3),
            "epsilon_after": round(self.after, 3),
            "budget": self.budget,
            "signal_to_noise": round(self.signal, 3),
            "reasons": list(self.reasons),
        }
        return {k: None if v == math.inf else v for k, v in held.items()}


def planned(
    standing: Standing,
    found: Material,
    base: Base,
    *,
    policy: DomainPolicy,
    terms: Terms,
    ledger: PrivacyLedger,
) -> Plan:
    """Work out a training.

    Args:
        standing: what it would stand on.
        found: what it has to learn from.
        base: the model.
        policy: of the domain.
        terms: of the node.
        ledger: what the node has spent.
    """
    count = len(found.examples)
    recipe = recipe_of(terms, policy, count)
    drawn = min(count, recipe.own(replays=bool(protected())))
    rate = drawn / count if count else 1.0
    protection = protection_of(terms, policy, recipe, rate, ledger.delta)
    after = ledger.epsilon(cost_of(protection, recipe.steps, rate))
    shapes = {
        f"layers.{layer}.{projection}": base.shape(projection)
        for layer in range(base.layers)
        for projection in recipe.modules
    }
    plan = Plan(
        standing,
        base.digest,
        count,
        found.people,
        recipe,
        protection,
        ledger.epsilon(),
        after,
        policy.take.epsilon,
        signal_to_noise(protection, recipe, drawn, shapes),
        (),
    )
    return replace(plan, reasons=_reasons(plan, terms))


def _reasons(plan: Plan, terms: Terms) -> tuple[str, ...]:
    """What is against a training."""
    reasons = []
    if plan.examples < terms.least:
        reasons.append(
            f"{plan.examples} examples of {plan.people} people are here, {terms.least} are needed"
        )
    if plan.budget is not None and plan.after > plan.budget:
        reasons.append(f"with it ε would be {plan.after:.2f}, and the budget is {plan.budget:g}")
    if plan.examples and plan.signal < terms.signal:
        reasons.append(
            f"at best the signal is {plan.signal:.2f} of the noise, {terms.signal:g} is needed:"
            " the budget asks for more examples"
        )
    return tuple(reasons)
