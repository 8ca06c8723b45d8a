"""Aggregation: of products, as the dense rules say, bounded against hostile contributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.learning.aggregate import Factors, InMemory, Rule, aggregate
from services.learning.aggregate.gram import gram
from services.learning.aggregate.project import lost, to_rank
from services.learning.aggregate.rules import least
from services.learning.errors import AggregationError

SHAPES = {"q": (12, 9), "down": (7, 16)}
RANK = 3


def deltas(n, *, seed=0, spread=0.3):
    """Contributions that scatter about one change of rank 2."""
    random = np.random.default_rng(seed)
    common = {
        name: (random.normal(size=(o, 2)), random.normal(size=(2, i)))
        for name, (o, i) in SHAPES.items()
    }
    made = []
    for _ in range(n):
        one = {}
        for name, (up, down) in common.items():
            o, i = SHAPES[name]
            left = np.concatenate([up, spread * random.normal(size=(o, 1))], axis=1)
            right = np.concatenate([down, spread * random.normal(size=(1, i))])
            one[name] = Factors(left.astype(np.float32), right.astype(np.float32))
        made.append(one)
    return made


def dense(held):
    """All products, flat: (n, coordinates)."""
    return np.stack(
        [np.concatenate([d[m].dense().ravel() for m in sorted(d)]) for d in held]
    ).astype(np.float64)


def flat(delta):
    return np.concatenate([delta[m].dense().ravel() for m in sorted(delta)])


def by_hand(rule, points, f):
    """The rule as its paper has it, on dense points."""
    n = len(points)
    apart = ((points[:, None] - points[None]) ** 2).sum(-1)

    def krum_order(rows):
        part = apart[np.ix_(rows, rows)] + np.diag([np.inf] * len(rows))
        near = max(1, len(rows) - f - 2)
        return [rows[i] for i in np.argsort(np.sort(part, 1)[:, :near].sum(1), kind="stable")]

    norm = np.linalg.norm(points, axis=1)
    simple = {
        Rule.MEAN: lambda: points.mean(0),
        Rule.MEDIAN: lambda: np.median(points, 0),
        Rule.TRIMMED_MEAN: lambda: np.sort(points, 0)[f : n - f].mean(0),
        Rule.KRUM: lambda: points[krum_order(list(range(n)))[0]],
        Rule.MULTI_KRUM: lambda: points[krum_order(list(range(n)))[: n - f]].mean(0),
        Rule.NORM_CLIP: lambda: (points * np.minimum(1, np.median(norm) / norm)[:, None]).mean(0),
    }
    if rule in simple:
        return simple[rule]()
    left, chosen = list(range(n)), []
    for _ in range(n - 2 * f):
        best = krum_order(left)[0] if len(left) > 1 else left[0]
        chosen.append(best)
        left.remove(best)
    held = points[sorted(chosen)]
    order = np.argsort(np.abs(held - np.median(held, 0)), 0, kind="stable")
    return np.take_along_axis(held, order[: len(held) - 2 * f], 0).mean(0)


@pytest.mark.parametrize(
    "rule", [r for r in Rule if r is not Rule.GEOMETRIC_MEDIAN], ids=lambda r: r.value
)
def test_a_rule_on_factors_gives_what_it_gives_on_products(rule):
    held = deltas(11)
    made = aggregate(InMemory(held), rule, rank=9, hostile=2)
    assert np.allclose(flat(made.delta), by_hand(rule, dense(held), 2), atol=2e-4)


def test_the_geometric_median_has_the_least_sum_of_distances():
    held = deltas(9, spread=1.0)
    points = dense(held)
    at = flat(aggregate(InMemory(held), Rule.GEOMETRIC_MEDIAN, rank=9).delta)

    def cost(point):
        return np.linalg.norm(points - point, axis=1).sum()

    random = np.random.default_rng(1)
    best = cost(at)
    for _ in range(50):
        assert cost(at + 0.05 * random.normal(size=at.shape)) > best
    assert best <= cost(points.mean(0)) + 1e-6


def test_averaging_the_factors_apart_would_be_wrong():
    held = deltas(8, spread=1.0)
    right = dense(held).mean(0)
    ups = {m: np.mean([d[m].up for d in held], 0) for m in SHAPES}
    downs = {m: np.mean([d[m].down for d in held], 0) for m in SHAPES}
    wrong = np.concatenate([(ups[m] @ downs[m]).ravel() for m in sorted(SHAPES)])
    made = flat(aggregate(InMemory(held), Rule.MEAN, rank=9).delta)
    assert np.allclose(made, right, atol=1e-4)
    assert np.linalg.norm(wrong - right) / np.linalg.norm(right) > 0.05


def test_inner_products_of_factors_are_those_of_products():
    held = deltas(6)
    points = dense(held)
    assert np.allclose(gram(InMemory(held)), points @ points.T, rtol=1e-4)


def test_weights_count_where_the_rule_weighs():
    held = deltas(3)
    points = dense(held)
    made = aggregate(InMemory(held), Rule.MEAN, rank=9, weights=[1, 1, 6])
    assert np.allclose(flat(made.delta), (points * [[1 / 8], [1 / 8], [6 / 8]]).sum(0), atol=1e-4)
    assert made.weights == (0.125, 0.125, 0.75)


@pytest.mark.parametrize("weights", [[1, 1], [1, 0, 1], [1, -1, 1], [1, float("nan"), 1]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(AggregationError):
        aggregate(InMemory(deltas(3)), Rule.MEAN, rank=3, weights=weights)


@pytest.mark.parametrize("rule", list(Rule), ids=lambda r: r.value)
def test_a_round_too_small_for_its_rule_is_refused(rule):
    needed = least(rule, 2)
    if needed > 1:
        with pytest.raises(AggregationError, match=str(needed)):
            aggregate(InMemory(deltas(needed - 1)), rule, rank=3, hostile=2)
    aggregate(InMemory(deltas(needed)), rule, rank=3, hostile=2)


def test_no_contribution_is_no_round():
    with pytest.raises(AggregationError):
        aggregate(InMemory([]), Rule.MEAN, rank=3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_a_projection_is_as_good_as_the_full_decomposition(rank, seed):
    matrix = np.random.default_rng(seed).normal(size=(20, 14)).astype(np.float32)
    values = np.linalg.svd(matrix, compute_uv=False)
    best = np.sqrt((values[rank:] ** 2).sum() / (values**2).sum())
    assert lost(matrix, to_rank(matrix, rank)) <= best * 1.02 + 1e-6


def test_what_has_the_rank_already_is_kept_whole():
    random = np.random.default_rng(3)
    matrix = (random.normal(size=(30, 4)) @ random.normal(size=(4, 20))).astype(np.float32)
    assert lost(matrix, to_rank(matrix, 4)) < 1e-4
    assert lost(matrix * 0, to_rank(matrix * 0, 4)) == 0


def test_blocks_of_rows_change_nothing(monkeypatch):
    held = deltas(9)
    whole = flat(aggregate(InMemory(held), Rule.MEDIAN, rank=9).delta)
    monkeypatch.setattr("services.learning.aggregate.coordinate.BLOCK_BYTES", 400)
    parted = flat(aggregate(InMemory(held), Rule.MEDIAN, rank=9).delta)
    assert np.allclose(whole, parted, atol=1e-5)


def test_progress_is_told_for_each_module():
    told = []
    aggregate(InMemory(deltas(3)), Rule.MEAN, rank=2, progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]


def scattered(n, hostile, seed=4):
    """Changes of the embedded model's width: honest ones alike, hostile ones turned round."""
    random = np.random.default_rng(seed)
    up, down = random.normal(size=(96, 4)), random.normal(size=(4, 80))
    made = []
    for number in range(n):
        sign = -1 if number < hostile else 1
        made.append(
            {
                f"layers.{layer}.q_proj": Factors(
                    (sign * up + 0.4 * random.normal(size=up.shape)).astype(np.float32),
                    (down + 0.4 * random.normal(size=down.shape)).astype(np.float32),
                )
                for layer in range(4)
            }
        )
    return made


def test_sketches_keep_lengths_and_tell_about_how_changes_lie(monkeypatch):
    held = InMemory(scattered(40, 8))
    exact = gram(held)
    monkeypatch.setattr("services.learning.aggregate.gram.EXACT", 10)
    told = gram(held)
    assert np.allclose(np.diag(told), np.diag(exact))
    lengths = np.sqrt(np.diag(exact))
    assert (np.abs(told - exact) / np.outer(lengths, lengths)).max() < 0.25


@pytest.mark.parametrize("rule", [Rule.KRUM, Rule.MULTI_KRUM], ids=lambda r: r.value)
def test_the_hostile_are_left_out_by_sketches_too(rule, monkeypatch):
    monkeypatch.setattr("services.learning.aggregate.gram.EXACT", 10)
    made = aggregate(InMemory(scattered(40, 8)), rule, rank=4, hostile=8)
    assert np.flatnonzero(made.weights).min() >= 8


def test_the_same_round_gives_the_same_sketches_and_another_round_others(monkeypatch):
    monkeypatch.setattr("services.learning.aggregate.gram.EXACT", 10)
    held = scattered(12, 2)
    assert np.array_equal(gram(InMemory(held)), gram(InMemory(held)))
    other = [*held[:-1], scattered(1, 0, seed=9)[0]]
    assert not np.allclose(gram(InMemory(held))[:11, :11], gram(InMemory(other))[:11, :11])


@pytest.mark.parametrize("rule", list(Rule), ids=lambda r: r.value)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_stop_every_rule(rule, bad):
    held = deltas(11)
    held[3]["q"].up[0, 0] = bad
    with pytest.raises(AggregationError, match="Contribution 4"):
        aggregate(InMemory(held), rule, rank=3, hostile=2)
