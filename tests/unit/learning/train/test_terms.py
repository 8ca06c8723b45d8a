"""What a privacy budget asks for, said before it is spent."""

from __future__ import annotations

import math

import numpy as np
import pytest

from services.learning.aggregate import Factors
from services.learning.policy import Policy
from services.learning.privacy.accountant import Mechanism, epsilon_of
from services.learning.train.request import Protection, Recipe
from services.learning.train.terms import (
    Terms,
    protection_of,
    recipe_of,
    shortened,
    signal_to_noise,
)

EMBEDDED = {
    f"layers.{layer}.{name}": shape
    for layer in range(30)
    for name, shape in (("q_proj", (576, 576)), ("v_proj", (192, 576)))
}
"""Shapes of the embedded model's change under the shipped policy."""


def signal(count, terms=Terms()):  # noqa: B008 - frozen
    policy = Policy.load().of("general")
    recipe = recipe_of(terms, policy, count)
    own = min(count, recipe.own(replays=True))
    protection = protection_of(terms, policy, recipe, own / count, 1e-5)
    return signal_to_noise(protection, recipe, own, EMBEDDED)


def test_the_shipped_budget_asks_for_about_a_thousand_examples():
    assert signal(50) < 0.2
    assert signal(300) < 1
    assert signal(1000) > 1
    assert signal(3000) == pytest.approx(3 * signal(1000), rel=0.1)


def test_a_budget_for_fewer_trainings_leaves_less_noise():
    assert signal(300, Terms(trainings=1)) > signal(300, Terms(trainings=4))


def test_a_whole_change_of_one_site_is_drowned():
    assert signal(3000, Terms(mechanism="update")) < 0.01


def test_the_noise_keeps_to_the_budget_over_all_its_trainings():
    policy, terms = Policy.load().of("general"), Terms(trainings=3)
    recipe = recipe_of(terms, policy, 400)
    protection = protection_of(terms, policy, recipe, 0.2, 1e-5)
    spent = epsilon_of([Mechanism(recipe.steps, 0.2, protection.noise)] * 3, 1e-5)
    assert 0.97 * policy.take.epsilon < spent <= policy.take.epsilon


def test_without_protection_there_is_no_noise():
    assert signal_to_noise(Protection(), Recipe(), 6, EMBEDDED) == math.inf


def test_both_factors_are_trained_only_where_nothing_is_protected():
    policy = Policy.load().of("general")
    assert not recipe_of(Terms(), policy, 50).both
    take = policy.take.model_copy(update={"epsilon": None})
    assert recipe_of(Terms(), policy.model_copy(update={"take": take}), 50).both


@pytest.mark.parametrize(("scale", "most", "want"), [(1.0, 2.0, 1.998), (0.001, 2.0, None)])
def test_a_change_is_at_most_as_long_as_the_parent_takes(scale, most, want):
    random = np.random.default_rng(4)
    delta = {
        name: Factors(
            (scale * random.normal(size=(20, 3))).astype(np.float32),
            random.normal(size=(3, 15)).astype(np.float32),
        )
        for name in ("layers.0.q_proj", "layers.1.q_proj")
    }
    made = shortened(delta, most)
    before, after = (
        math.sqrt(sum(float((f.dense() ** 2).sum()) for f in held.values()))
        for held in (delta, made)
    )
    assert after == pytest.approx(want or before, rel=1e-3)


def test_nothing_stays_nothing():
    zero = {"layers.0.q_proj": Factors(np.zeros((4, 2), np.float32), np.ones((2, 3), np.float32))}
    assert np.array_equal(shortened(zero, 1.0)["layers.0.q_proj"].up, np.zeros((4, 2)))
