"""The comparison: what is shown, what may be chance, and how often one may look."""

from __future__ import annotations

import math

import pytest

from services.learning.policy import Policy
from services.learning.rollout.cohorts import in_order, members, new_salt, reach_of, size_of
from services.learning.rollout.compare import (
    SHARES,
    chance_of,
    compare,
    due,
    error_of,
    newcombe,
    wilson,
)
from services.learning.rollout.tally import NodeTally, Pair

ALLOWED = Policy.load().of("general").rollout
NODES = [f"node-{number}" for number in range(25)]


def pair(now, before, node="a"):
    return Pair(node, NodeTally(**now), NodeTally(**before))


def rise(name, pairs, look=0):
    return next(one for one in compare(pairs, ALLOWED, look) if one.name == name)


def test_intervals_are_those_of_the_literature():
    low, high = wilson(81 / 263, 263, 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)  # Newcombe 1998, 81 of 263
    low, high = newcombe(56 / 70, 70, 48 / 80, 80, 0.025)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)  # the same, 56/70 - 48/80


def test_a_great_rise_is_shown_and_a_small_one_is_not():
    before = {"answers": 400, "overrides": 40}
    assert rise("overrides", [pair({"answers": 50, "overrides": 20}, before)]).worse
    small = rise("overrides", [pair({"answers": 50, "overrides": 8}, before)])
    assert (small.worse, small.beyond) == (False, True)
    equal = rise("overrides", [pair({"answers": 50, "overrides": 5}, before)])
    assert (equal.worse, equal.beyond) == (False, False)


def test_a_rise_that_is_allowed_is_not_worse_however_sure_it_is():
    pairs = [pair({"answers": 90_000, "overrides": 11_700}, {"answers": 90_000, "overrides": 9000})]
    found = rise("overrides", pairs)
    assert found.low > 0
    assert not found.worse


def test_a_busy_clinic_with_a_rate_of_its_own_is_no_effect():
    calm = ({"answers": 50, "overrides": 2}, {"answers": 1000, "overrides": 40})
    hard = ({"answers": 500, "overrides": 150}, {"answers": 100, "overrides": 30})
    found = rise("overrides", [pair(*calm, node="calm"), pair(*hard, node="hard")])
    assert found.before == pytest.approx(found.now)
    assert not found.beyond


def test_nothing_is_shown_where_there_is_nothing_to_compare():
    for pairs in ([], [pair({"answers": 0}, {"answers": 0})], [pair({"answers": 9}, {})]):
        assert not any(one.worse for one in compare(pairs, ALLOWED, 0))


def test_latency_is_judged_by_windows_that_are_slow_for_their_own_node():
    before = {"answers": 90, "latencies": (100.0, 110.0, 90.0)}
    slow = rise("latency", [pair({"answers": 90, "latencies": (200.0,) * 10}, before)])
    assert slow.worse
    few = rise("latency", [pair({"answers": 90, "latencies": (200.0,) * 3}, before)])
    assert (few.worse, few.beyond) == (False, True)
    machine = pair({"answers": 9, "latencies": (900.0,) * 10}, {"latencies": (900.0,)}, "slow")
    assert not rise("latency", [machine]).worse


def test_the_error_of_all_looks_and_measures_is_that_of_the_policy():
    spent = sum(error_of(look, ALLOWED) for look in range(10_000)) * (len(SHARES) + 1)
    assert spent == pytest.approx(1 - ALLOWED.confidence, rel=1e-3)
    assert chance_of(0, 10) == 1.0
    assert chance_of(10, 10) == pytest.approx(2**-10)


def test_looks_come_when_the_answers_have_grown_by_half():
    asked, looks = [], 0
    for answers in range(1000):
        if due(answers, looks, ALLOWED):
            asked.append(answers)
            looks += 1
    assert asked[:4] == [50, 75, math.ceil(112.5), math.ceil(168.75)]
    assert len(asked) == 8


@pytest.mark.parametrize(
    ("nodes", "sizes"),
    [(0, (0, 0, 0)), (1, (1, 1, 1)), (9, (1, 1, 9)), (10, (1, 1, 10)), (11, (1, 2, 11))],
    ids=["none", "one", "nine", "ten", "eleven"],
)
def test_cohorts_of_small_fleets_have_the_sizes_that_are_stated(nodes, sizes):
    assert tuple(size_of(c, nodes) for c in ("one-clinic", "tenth", "all")) == sizes
    assert size_of("simulator", nodes) == 0


def test_cohorts_grow_and_a_node_that_has_a_release_keeps_it():
    salt = new_salt(NODES)
    one = reach_of("one-clinic", NODES, salt, None)
    tenth = reach_of("tenth", NODES, salt, one)
    assert members(NODES, salt, None) == []
    assert members(NODES, salt, one) == in_order(NODES, salt)[:1]
    assert members(NODES, salt, tenth) == in_order(NODES, salt)[:3]
    assert members(NODES, salt, reach_of("all", NODES, salt, tenth)) == in_order(NODES, salt)
    first = in_order(NODES, salt)[0]
    newer = [node for node in NODES if node != first]
    assert members([first], salt, reach_of("tenth", newer[:1], salt, one)) == [first]


def test_the_order_is_another_for_each_release_and_cannot_be_foreseen():
    firsts = {in_order(NODES, new_salt(NODES))[0] for _ in range(60)}
    assert len(firsts) > 5


def test_the_first_node_is_one_that_is_preferred():
    for _ in range(20):
        assert in_order(NODES, new_salt(NODES, NODES[:8]))[0] in NODES[:8]
    assert new_salt(NODES, ["unknown"])
