"""How a node trains: its own terms within the parent's policy, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.learning.aggregate.delta import Delta, Factors
from services.learning.policy import DomainPolicy
from services.learning.privacy.accountant import noise_for
from services.learning.train.request import Protection, Recipe


@dataclass(frozen=True)
class Terms:
    """What a node decides for itself.

    Attributes:
        mechanism: how people are protected where the policy asks for it; see `Protection`.
        clip: see `Protection`.
        trainings: for how many trainings the privacy budget is to last.
        per_person: examples of one person in a training. With one, what protects an example
            protects a person.
        least: examples that a training needs.
        signal: least signal over noise, at best, for which the budget is spent at all; see
            `signal_to_noise`.
        steps, batch, rate: see `Recipe`.
    """

    mechanism: Literal["example", "update"] = "example"
    clip: float = 1.0
    trainings: int = 4
    per_person: int = 1
    least: int = 8
    signal: float = 1.0
    steps: int = 40
    batch: int = 8
    rate: float = 2e-3


def recipe_of(terms: Terms, policy: DomainPolicy, examples: int) -> Recipe:
    """The recipe for a domain; where it is protected, large batches stand against the noise."""
    take = policy.take
    batch = terms.batch if take.epsilon is None else max(terms.batch, examples // 4)
    return Recipe(
        rank=take.rank,
        modules=take.modules,
        steps=terms.steps,
        batch=batch,
        rate=terms.rate,
        both=take.epsilon is None,
    )


def protection_of(
    terms: Terms, policy: DomainPolicy, recipe: Recipe, rate: float, delta: float
) -> Protection:
    """As little noise as lets the budget last for the trainings that it is to last for.

    Args:
        terms: of the node.
        policy: of the domain.
        recipe: of the training.
        rate: share of the own examples in a step.
        delta: of the node's ledger.
    """
    budget = policy.take.epsilon
    if budget is None:
        return Protection()
    steps, share = (recipe.steps, rate) if terms.mechanism == "example" else (1, 1.0)
    noise = noise_for(budget, delta, steps=steps * terms.trainings, rate=share)
    return Protection(terms.mechanism, terms.clip, noise)


def signal_to_noise(
    protection: Protection, recipe: Recipe, drawn: float, shapes: Mapping[str, tuple[int, int]]
) -> float:
    """How long the change could be at best over how long the noise in it is.

    At best all examples point the same way and are as long as the bound. Noise of every step
    points somewhere else, and has as many directions as ``up`` has numbers.

    Args:
        protection: of the training.
        recipe: of the training.
        drawn: own examples in a step, on average.
        shapes: (outputs, inputs) of every module of the change.
    """
    if protection.mechanism == "none":
        return math.inf
    numbers = sum(outputs * recipe.rank for outputs, _ in shapes.values())
    alone = 1.0 / (protection.noise * math.sqrt(numbers))
    return alone * drawn * math.sqrt(recipe.steps) if protection.mechanism == "example" else alone


def shortened(delta: Delta, most: float) -> dict[str, Factors]:
    """A change that is at most so long; a longer one would be refused by the parent."""
    length = math.sqrt(
        sum(max(float(((f.up.T @ f.up) * (f.down @ f.down.T)).sum()), 0.0) for f in delta.values())
    )
    share = min(1.0, 0.999 * most / length) if length else 1.0
    return {name: Factors((share * f.up).astype(f.up.dtype), f.down) for name, f in delta.items()}
