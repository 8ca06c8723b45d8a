"""What is done to a change before it leaves, and where it goes at the parent."""

from __future__ import annotations

import numpy as np
import pytest

from services.learning.aggregate import Factors
from services.learning.errors import AggregationError
from services.learning.train.onto import onto
from services.learning.train.open import shared_down
from services.learning.train.update import clip_and_noise

MODULES = ("layers.0.q_proj", "layers.1.v_proj")


def a_delta(seed, rank=2, outputs=12, inputs=10):
    random = np.random.default_rng(seed)
    return {
        name: Factors(
            random.normal(size=(outputs, rank)).astype(np.float32),
            random.normal(size=(rank, inputs)).astype(np.float32),
        )
        for name in MODULES
    }


def length(delta):
    return float(np.sqrt(sum((f.up**2).sum() for f in delta.values())))


def test_a_long_change_is_shortened_as_a_whole():
    given = a_delta(0)
    made = clip_and_noise(given, clip=1.0, noise=0.0)
    assert length(made) == pytest.approx(1.0, rel=1e-5)
    share = 1.0 / length(given)
    for name in MODULES:
        assert np.allclose(made[name].up, share * given[name].up, atol=1e-6)


def test_a_short_change_is_left_as_long_as_it_is():
    given = a_delta(0)
    made = clip_and_noise(given, clip=1000.0, noise=0.0)
    assert np.allclose(made[MODULES[0]].up, given[MODULES[0]].up)


def test_the_noise_is_as_strong_as_its_cost_says():
    nothing = {"layers.0.q_proj": Factors(np.zeros((400, 50), np.float32), np.eye(50, 60))}
    made = clip_and_noise(nothing, clip=0.5, noise=3.0)["layers.0.q_proj"].up
    assert made.std() == pytest.approx(1.5, rel=0.03)
    assert abs(made.mean()) < 0.05


def test_noise_is_never_the_same_twice():
    given = a_delta(0)
    first, second = (clip_and_noise(given, 1.0, 1.0)[MODULES[0]].up for _ in range(2))
    assert not np.allclose(first, second)


def test_every_site_draws_the_same_down():
    first, second = (shared_down("general/0", MODULES[0], 4, 30) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.allclose(first, shared_down("general/1", MODULES[0], 4, 30))
    assert not np.allclose(first, shared_down("general/0", MODULES[1], 4, 30))


def test_a_change_is_as_long_as_its_up():
    down = shared_down("general/0", MODULES[0], 4, 30)
    up = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
    assert np.allclose(down @ down.T, np.eye(4), atol=1e-6)
    assert np.linalg.norm(up @ down) == pytest.approx(np.linalg.norm(up), rel=1e-5)


def test_sites_with_the_same_down_add_up_without_loss():
    random, deltas = np.random.default_rng(2), []
    for _ in range(3):
        ups = random.normal(size=(12, 2)).astype(np.float32)
        deltas.append({"layers.0.q_proj": Factors(ups, shared_down("s", "layers.0.q_proj", 2, 10))})
    both, lost = onto(deltas[0], deltas[1], 2)
    assert lost < 1e-5
    want = sum(d["layers.0.q_proj"].dense() for d in deltas[:2])
    assert np.allclose(both["layers.0.q_proj"].dense(), want, atol=1e-5)


def test_a_change_is_put_onto_the_parents():
    parent, change = a_delta(1), a_delta(2)
    made, lost = onto(parent, change, 4)
    assert lost < 1e-5
    for name in MODULES:
        want = parent[name].dense() + change[name].dense()
        assert np.allclose(made[name].dense(), want, atol=1e-4)


def test_what_a_rank_has_no_room_for_is_said():
    made, lost = onto(a_delta(1), a_delta(2), 2)
    assert made[MODULES[0]].up.shape == (12, 2)
    assert 0.1 < lost < 1


def test_onto_nothing_a_change_stays():
    change = a_delta(2)
    made, _ = onto(None, change, 2)
    assert np.allclose(made[MODULES[1]].dense(), change[MODULES[1]].dense(), atol=1e-4)


def test_other_shapes_are_refused():
    with pytest.raises(AggregationError, match="shapes"):
        onto(a_delta(1), a_delta(2, outputs=13), 2)
