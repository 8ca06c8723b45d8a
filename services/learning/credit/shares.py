"""What each of several players added, from what was measured of some of their coalitions.

Scores are by item of the suites; what a coalition is worth is their mean. A player's share is the
mean of its marginals: what is gained when it joins. *Leave one out* looks at one marginal, that to
all the others; *Shapley* at those in the orders in which they could have come, all of them where
they are few, else some drawn by a seed. In an order nothing more is asked once the coalition is as
good as the whole, within ``tolerance``: who comes later adds nothing there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np

from services.learning.gates.bootstrap import SEED, Gain, paired

Method = Literal["leave-one-out", "shapley"]
Coalition = frozenset[str]
Known = Mapping[Coalition, tuple[float, ...]]
"""Scores by item of what these contributions make together; of none, those of the parent."""
ORDERS = 64
"""Orders that are looked at, where there are more."""
_Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Shares:
    """What is known by now.

    Attributes:
        gains: of each player that enough was measured for.
        wanted: the coalition to measure next; None when nothing more is to be had.
    """

    gains: Mapping[str, Gain]
    wanted: Coalition | None


def method_for(players: int, evaluations: int) -> Method:
    """Shapley where all coalitions can be measured, else leave one out."""
    return "shapley" if players > 1 and 2**players - 2 <= evaluations else "leave-one-out"


def shares(
    players: Sequence[str],
    known: Known,
    method: Method,
    *,
    tolerance: float,
    confidence: float,
    samples: int,
) -> Shares:
    """Work shares out as far as they are known.

    Args:
        players: in the order in which they are measured.
        known: at least the coalition of none and that of all.
        method: how.
        tolerance: difference to the whole that counts as none.
        confidence: of the intervals.
        samples: of the bootstrap.
    """
    whole = frozenset(players)
    if whole not in known:
        return Shares({}, whole)
    if method == "leave-one-out":
        marginals, wanted = _left_out(players, known)
    else:
        marginals, wanted = _in_orders(players, known, tolerance)
    gains = {
        player: _gain(np.stack(rows), confidence, samples)
        for player, rows in marginals.items()
        if rows
    }
    return Shares(gains, wanted)


def _left_out(
    players: Sequence[str], known: Known
) -> tuple[dict[str, list[_Doubles]], Coalition | None]:
    whole = frozenset(players)
    marginals: dict[str, list[_Doubles]] = {}
    wanted = None
    for player in players:
        rest = whole - {player}
        if rest in known:
            marginals[player] = [_scores(known, whole) - _scores(known, rest)]
        elif wanted is None:
            wanted = rest
    return marginals, wanted


def _in_orders(
    players: Sequence[str], known: Known, tolerance: float
) -> tuple[dict[str, list[_Doubles]], Coalition | None]:
    """Marginals in every order that can be gone through to its end with what is known."""
    marginals: dict[str, list[_Doubles]] = {player: [] for player in players}
    all_ = _scores(known, frozenset(players))
    nothing = np.zeros_like(all_)
    for order in _orders(players):
        found: dict[str, _Doubles] = {}
        before, there = _scores(known, frozenset()), frozenset[str]()
        for player in order:
            there |= {player}
            if abs(float((all_ - before).mean())) <= tolerance and len(there) > 1:
                found[player] = nothing
                continue
            if there not in known:
                return marginals, there
            after = _scores(known, there)
            found[player], before = after - before, after
        for player, one in found.items():
            marginals[player].append(one)
    return marginals, None


def _orders(players: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if math.factorial(len(players)) <= ORDERS:
        yield from permutations(players)
        return
    random = np.random.default_rng(SEED)
    for _ in range(ORDERS):
        yield tuple(players[number] for number in random.permutation(len(players)))


def _scores(known: Known, coalition: Coalition) -> _Doubles:
    return np.asarray(known[coalition], np.float64)


def _gain(rows: _Doubles, confidence: float, samples: int) -> Gain:
    """The mean over orders and items, with an interval over both."""
    if len(rows) == 1:
        nothing = [0.0] * rows.shape[1]
        return paired(nothing, list(rows[0]), confidence=confidence, samples=samples)
    random = np.random.default_rng(SEED)
    drawn = [
        rows[random.integers(0, len(rows), len(rows))]
        .mean(axis=0)[random.integers(0, rows.shape[1], rows.shape[1])]
        .mean()
        for _ in range(samples)
    ]
    edge = (1 - confidence) / 2
    low, high = np.quantile(drawn, [edge, 1 - edge])
    return Gain(float(rows.mean()), float(low), float(high))
