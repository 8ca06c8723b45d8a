"""A request gets the context that has most of its work done already."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.engines.llama.lanes import Lanes

AMBER, BIRCH = SimpleNamespace(retired=False), SimpleNamespace(retired=False)


class Lane:
    def __init__(self, held=None, kept=()) -> None:
        self.held, self.kept, self.ended = held, kept, 0

    def end(self) -> None:
        self.ended += 1

    def apply(self, held) -> None:
        self.held, self.kept = held, ()


@pytest.fixture
def lanes():
    return [Lane(), Lane(kept=(1, 2)), Lane(held=AMBER), Lane(held=AMBER, kept=(1, 2))]


@pytest.mark.parametrize(
    ("held", "head", "wanted"),
    [
        (None, (1, 2), 1),
        (None, (3,), 0),
        (AMBER, (1, 2), 3),
        (AMBER, (3,), 2),
        (BIRCH, (1, 2), 0),
    ],
)
def test_the_lane_that_needs_least_is_lent(lanes, held, head, wanted):
    with Lanes(lanes).lend(held, head) as lane:
        assert lane is lanes[wanted]
    assert lane.ended == 1


def test_a_lane_is_lent_to_one_at_a_time_and_comes_back_after_a_failure(lanes):
    pool = Lanes(lanes[:1])
    with pytest.raises(RuntimeError), pool.lend(None, ()):
        raise RuntimeError
    with pool.lend(None, ()) as lane:
        assert lane is lanes[0]


def test_a_retired_adapter_is_taken_off_free_lanes_at_once_and_off_busy_ones_after(lanes):
    pool, retired = Lanes(lanes), SimpleNamespace(retired=True)
    free, busy = lanes[2:]
    busy.held = free.held = retired
    with pool.lend(retired, (1, 2)) as lane:
        assert lane is busy
        pool.part_with(retired)
        assert (free.held, busy.held) == (None, retired)
    assert busy.held is None
