"""What each player added, from what coalitions make: on games whose answer is known."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from services.learning.credit import method_for, shares

HOW = {"tolerance": 0.0, "confidence": 0.95, "samples": 200}
ITEMS = 40


def scores(right):
    return (1.0,) * right + (0.0,) * (ITEMS - right)


def game(players, worth):
    """All coalitions of a game; ``worth`` gives how many items each answers."""
    sets = chain.from_iterable(combinations(players, n) for n in range(len(players) + 1))
    return {frozenset(one): scores(worth(set(one))) for one in sets}


def added(there):
    """A knows 10 items, b the same 10, c another 20: so a and b share theirs."""
    return 10 * bool(there & {"a", "b"}) + 20 * ("c" in there)


def test_shapley_shares_what_two_know_alike_and_adds_up_to_the_whole():
    known = game("abc", added)
    made = shares("abc", known, "shapley", **HOW)
    gains = {player: gain.mean for player, gain in made.gains.items()}
    assert made.wanted is None
    assert gains == pytest.approx({"a": 5 / ITEMS, "b": 5 / ITEMS, "c": 20 / ITEMS})
    assert sum(gains.values()) == pytest.approx(30 / ITEMS)


def test_leave_one_out_sees_only_what_nobody_else_brings():
    made = shares("abc", game("abc", added), "leave-one-out", **HOW)
    assert {player: gain.mean for player, gain in made.gains.items()} == pytest.approx(
        {"a": 0.0, "b": 0.0, "c": 20 / ITEMS}
    )


@pytest.mark.parametrize("method", ["shapley", "leave-one-out"])
def test_the_interval_holds_the_gain_and_is_never_of_no_width(method):
    for gain in shares("abc", game("abc", added), method, **HOW).gains.values():
        assert gain.low <= gain.mean <= gain.high
        assert gain.high - gain.low > 0


@pytest.mark.parametrize(("method", "most"), [("shapley", 6), ("leave-one-out", 3)])
def test_it_asks_for_one_coalition_after_the_other_until_it_has_enough(method, most):
    full, asked = game("abc", added), 0
    known = {key: full[key] for key in (frozenset(), frozenset("abc"))}
    while (wanted := shares("abc", known, method, **HOW).wanted) is not None:
        known[wanted], asked = full[wanted], asked + 1
    assert asked == most
    assert set(shares("abc", known, method, **HOW).gains) == set("abc")


def test_the_whole_is_measured_first_when_it_is_not_known():
    assert shares("ab", {frozenset(): scores(0)}, "shapley", **HOW).wanted == frozenset("ab")


def test_an_order_ends_once_nothing_more_is_to_be_had():
    """The first alone is as good as all: no other coalition that holds it is measured."""
    full = game("abcd", lambda there: 30 * bool(there))
    known = {key: full[key] for key in (frozenset(), frozenset("abcd"))}
    asked = []
    while (wanted := shares("abcd", known, "shapley", **HOW).wanted) is not None:
        known[wanted] = full[wanted]
        asked.append(wanted)
    assert {len(one) for one in asked} == {1}
    gains = shares("abcd", known, "shapley", **HOW).gains
    assert [gain.mean for gain in gains.values()] == pytest.approx([30 / ITEMS / 4] * 4)


def test_with_many_orders_some_are_drawn_alike_each_time_and_the_sum_still_holds():
    known = game("abcdef", lambda there: 5 * len(there) + 5 * ({"a", "f"} <= there))
    one, again = (shares("abcdef", known, "shapley", **HOW).gains for _ in range(2))
    assert one == again
    assert sum(gain.mean for gain in one.values()) == pytest.approx(35 / ITEMS)
    assert one["a"].mean == pytest.approx(7.5 / ITEMS, abs=2 / ITEMS)


def test_shapley_is_for_few_and_leave_one_out_for_many():
    assert method_for(4, 14) == "shapley"
    assert method_for(5, 14) == "leave-one-out"
    assert method_for(1, 14) == "leave-one-out"
