"""Training gives way to the people who use the machine."""

from __future__ import annotations

import pytest

from services.learning.train import limits
from services.learning.train.limits import (
    Limits,
    Machine,
    TrainingHeldError,
    held,
    look,
    start_or_hold,
    watched,
)

QUIET = Machine(busy=0.1, free=8000, plugged=None)


def test_a_quiet_machine_trains():
    start_or_hold(Limits(), QUIET)


def test_every_reason_is_named():
    with pytest.raises(TrainingHeldError) as raised:
        start_or_hold(Limits(), Machine(busy=0.9, free=300, plugged=False))
    for word in ("battery", "90%", "300 MB"):
        assert word in raised.value.message
    assert raised.value.retry_after


def test_a_machine_without_a_battery_is_on_power():
    assert not held(Limits(on_power=True), QUIET)


def test_a_battery_may_be_allowed():
    assert not held(Limits(on_power=False), Machine(0.1, 8000, plugged=False))


def test_what_training_takes_itself_is_not_held_against_it():
    assert not held(Limits(), Machine(busy=1.0, free=100, plugged=True), running=True)


def test_losing_power_ends_a_training(monkeypatch):
    monkeypatch.setattr(limits, "EVERY_SECONDS", -1.0)
    told = []
    hear = watched(Limits(), told.append, lambda: False, lambda: Machine(0.1, 8000, plugged=False))
    with pytest.raises(TrainingHeldError, match="battery"):
        hear("step 1 of 20")
    assert told == []


def test_a_person_ends_a_training_at_its_next_step():
    told, stop = [], [False, True]
    hear = watched(Limits(), told.append, lambda: stop.pop(0), lambda: QUIET)
    hear("step 1 of 20")
    with pytest.raises(TrainingHeldError, match="stopped"):
        hear("step 2 of 20")
    assert told == ["step 1 of 20"]


def test_a_look_says_something_of_this_machine(monkeypatch):
    monkeypatch.setattr(limits, "LOOK_SECONDS", 0.05)
    seen = look()
    assert 0 <= seen.busy <= 1
    assert seen.free > 0
