"""A change and an adapter are the same thing in two forms."""

from __future__ import annotations

import numpy as np
import pytest

from services.learning.aggregate import Factors
from services.learning.convert import adapter_of, delta_of
from services.learning.errors import AggregationError

BASE = "sha256:" + "c" * 64


def a_delta(rank=3):
    random = np.random.default_rng(0)
    return {
        f"layers.{layer}.q_proj": Factors(
            random.normal(size=(6, rank)).astype(np.float32),
            random.normal(size=(rank, 5)).astype(np.float32),
        )
        for layer in (0, 11)
    }


def test_a_change_comes_back_from_an_adapter():
    given = a_delta()
    back = delta_of(adapter_of(given, BASE, "F32"))
    assert set(back) == set(given)
    for name, factors in given.items():
        assert np.array_equal(back[name].dense(), factors.dense())


def test_the_adapter_adds_exactly_the_change():
    given = a_delta()
    adapter = adapter_of(given, BASE)
    added = adapter.delta(11, "q_proj")
    assert np.allclose(added, given["layers.11.q_proj"].dense(), atol=2e-2)
    assert (adapter.rank, adapter.alpha, adapter.base) == (3, 3.0, BASE)


@pytest.mark.parametrize(
    "delta",
    [
        {},
        {"q_proj": a_delta()["layers.0.q_proj"]},
        {"layers.x.q_proj": a_delta()["layers.0.q_proj"]},
    ],
    ids=["nothing", "no layer", "no number"],
)
def test_what_is_no_change_of_a_model_is_refused(delta):
    with pytest.raises(AggregationError):
        adapter_of(delta, BASE)


def test_two_ranks_are_refused():
    both = {**a_delta(3), "layers.1.q_proj": a_delta(4)["layers.0.q_proj"]}
    with pytest.raises(AggregationError):
        adapter_of(both, BASE)
