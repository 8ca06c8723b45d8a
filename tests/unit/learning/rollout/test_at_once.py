"""Several processes of one hospital at the same release: each move is made once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from compliance.audit import AuditError
from compliance.errors import CaretierError
from services.learning.policy import Policy
from services.learning.rollout import CanaryResult
from services.learning.rollout.book import Change
from services.learning.rollout.simulator import Rates

OLD, NEW = "general@1", "general@2"


def state(rollout):
    return rollout.book.get(NEW).deployment.state


def test_four_processes_start_and_tick_and_each_move_is_made_once(fleet, rollout, told, database):
    asked = []

    def ask(_brick, _former):
        asked.append(threading.get_ident())
        time.sleep(0.2)
        return CanaryResult(5)

    several = [fleet.rollout(database, Policy.load(), audit=told, canaries=ask) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.start(NEW, OLD), several))
        list(pool.map(lambda one: one.tick(), several))
        list(pool.map(lambda one: one.tick(), several))
    assert len(asked) == 1
    assert [move for _, move, _ in told.moves] == ["started", "moved-on"]
    assert rollout.book.get(NEW).deployment.cohort == "one-clinic"


def test_a_process_that_looked_at_an_older_state_changes_nothing(fleet, rollout, told):
    rollout.start(NEW, OLD)
    older = rollout.book.get(NEW)
    rollout.roll_back(NEW, by="user-1", reason="No.")
    late = Change("moved-on", {"cohort": "all", "state": "watching"}, {"reach": "f" * 64})
    assert not rollout.book.change(older, fleet.now, late)
    assert (state(rollout), fleet.channels.lines["general"].next) == ("stopped", None)
    assert [move for _, move, _ in told.moves] == ["started", "stopped"]


def test_what_cannot_be_written_down_does_not_happen(fleet, rollout, database):
    def full(_what, _move, _by):
        raise AuditError("The disk is full.")

    rollout.start(NEW, OLD)
    broken = fleet.rollout(database, Policy.load(), audit=full)
    broken.tick()
    assert rollout.book.get(NEW).deployment.cohort == "simulator"
    with pytest.raises(AuditError):
        broken.roll_back(NEW, by="user-1", reason="No.")
    assert state(rollout) == "watching"


def test_a_process_that_dies_before_it_signed_is_made_good_by_the_next_tick(fleet, rollout):
    rollout.start(NEW, OLD)
    fleet.live(rollout, 180)
    case = rollout.book.get(NEW)
    rollout.book.change(case, fleet.now, Change("rolled-back", {"state": "rolled-back"}))
    assert fleet.channels.lines["general"].withdrawn == {}
    rollout.tick()
    assert fleet.channels.lines["general"].withdrawn.keys() == {2}


def test_canaries_that_could_not_be_asked_are_asked_again_and_then_a_person(
    fleet, rollout, database
):
    def away(_brick, _former):
        raise CaretierError("The engine is away.")

    rollout.start(NEW, OLD)
    broken = fleet.rollout(database, Policy.load(), canaries=away)
    broken.tick()
    assert (state(rollout), rollout.book.get(NEW).channel.lease) == ("watching", None)
    fleet.live(broken, 80 * 60, until=NEW)
    assert state(rollout) == "held"
    assert "could not be asked" in rollout.book.get(NEW).deployment.reason


def test_a_process_that_died_over_its_canaries_is_followed_by_another(fleet, rollout):
    rollout.start(NEW, OLD)
    case = rollout.book.get(NEW)
    from services.learning.rollout.moves import LEASE

    rollout.book.change(case, fleet.now, Change(None, channel={"lease": fleet.now + LEASE}))
    rollout.tick()
    assert rollout.book.get(NEW).deployment.cohort == "simulator"
    rollout.tick(fleet.now + 2 * LEASE)
    assert rollout.book.get(NEW).deployment.cohort == "one-clinic"


def test_one_release_that_fails_holds_up_no_other(fleet, rollout, database):
    def ask(brick, _former):
        if brick == NEW:
            raise CaretierError("Damaged.")
        return CanaryResult(3)

    both = fleet.rollout(database, Policy.load(), canaries=ask)
    both.start(NEW, OLD)
    both.start("cardiology@1", None, domain="general")
    both.tick()
    assert both.book.get("cardiology@1").deployment.cohort == "one-clinic"
    assert both.book.get(NEW).deployment.cohort == "simulator"


def test_figures_alone_change_no_step(fleet, rollout):
    rollout.start(NEW, OLD)
    fleet.worse[NEW] = Rates()
    fleet.live(rollout, 180)
    steps = len(rollout.book.get(NEW).channel.steps)
    rollout.tick()
    rollout.tick()
    assert len(rollout.book.get(NEW).channel.steps) == steps
