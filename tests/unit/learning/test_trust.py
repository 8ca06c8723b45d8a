"""Trust in a node: faults take it, time and releases give it back, nothing saves it up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import NotFoundError
from services.learning.models import TrustEvent
from services.learning.rounds import WORKING
from services.learning.trust import BOUND, HALF_LIFE, Trust, score
from tests.support.rounds import Parent

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def parent(tmp_path):
    made = Parent(tmp_path)
    yield made
    made.close()


def said(change, at=NOW, decided=None):
    return TrustEvent(key="A" * 16, at=at, change=change, reason="x", decided=decided)


def test_a_new_node_is_trusted_and_nothing_raises_it_above_that():
    assert score([], NOW) == 1.0
    assert score([said(0.1)] * 50, NOW) == 1.0


def test_good_deeds_are_not_saved_up_against_a_later_fault():
    assert score([*[said(0.1)] * 50, said(-0.6)], NOW) == pytest.approx(0.4)


def test_half_of_what_was_lost_comes_back_in_the_half_life():
    assert score([said(-0.6)], NOW + HALF_LIFE) == pytest.approx(0.7)


def test_what_was_lifted_or_comes_later_does_not_count():
    assert score([said(-0.6, decided="lifted"), said(-0.6, NOW + DAY)], NOW) == 1.0


def test_trust_never_falls_below_nothing():
    assert score([said(-0.9), said(-0.9)], NOW) == 0.0


def test_to_be_late_costs_nothing_and_a_fault_does(parent):
    trust = Trust(parent.database)
    trust.refused("A" * 16, "stale-epoch")
    assert trust.of("A" * 16) == 1.0
    trust.refused("A" * 16, "too-long")
    assert BOUND < trust.of("A" * 16) < 1.0


def test_the_weights_of_a_round_are_those_of_the_moment_when_the_last_one_came(parent):
    trust, ids = Trust(parent.database), parent.three()
    there = [parent.contribution(one) for one in ids]
    before = trust.weigh(there)
    trust.refused(there[0].key, "not-finite")
    assert trust.weigh(there) == before == [1.0, 1.0, 1.0]


def test_a_release_gives_back_to_those_who_had_a_part_in_it_once(parent):
    trust, ids = Trust(parent.database), parent.three()
    key = parent.contribution(ids[0]).key
    trust.refused(key, "not-finite")
    round_id = parent.rounds.propose("general")
    while parent.rounds.advance(round_id) in WORKING:
        pass
    parent.rounds.approve(round_id, parent.rounds.book.get(round_id).candidate, "ana")
    while parent.rounds.advance(round_id) in WORKING:
        pass
    trust.settle()
    trust.settle()
    assert [one.reason for one in trust.events(key)] == ["counted", "not-finite"]
    assert trust.of(key) == pytest.approx(0.8, abs=0.01)


def test_a_node_appeals_against_its_own_and_against_nothing_twice(parent):
    trust = Trust(parent.database)
    trust.refused("A" * 16, "too-long")
    (event,) = trust.events()
    with pytest.raises(NotFoundError):
        trust.appeal("B" * 16, event.id, "mine")
    trust.appeal("A" * 16, event.id, "a broken disk")
    trust.decide(event.id, "upheld")
    with pytest.raises(NotFoundError):
        trust.appeal("A" * 16, event.id, "again")
    with pytest.raises(NotFoundError):
        trust.decide(event.id + 1, "lifted")
