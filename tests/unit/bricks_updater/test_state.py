"""Which version is in use, and which one comes back."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from services.bricks.errors import BrickError, BrickRevokedError, BrickUnknownError
from services.bricks.updater.installed import Installed


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "bricks")


def test_nothing_is_in_use_at_first(installed):
    assert installed.active() == {}
    assert not installed.folder.exists()


def test_the_version_before_becomes_the_last_good_one(installed):
    for version in (1, 2, 3):
        installed.activate(f"a@{version}")

    now = installed.state().of("a")
    assert (now.active, now.good, now.highest) == (3, 2, 3)


def test_putting_the_same_version_in_use_again_changes_nothing(installed):
    installed.activate("a@1")
    installed.activate("a@2")
    before = installed.path.read_bytes()

    installed.activate("a@2")

    assert installed.path.read_bytes() == before


def test_a_worse_measure_brings_the_last_good_version_back(installed):
    installed.activate("a@1")
    installed.activate("a@2")

    assert installed.fall_back("a", "Unsafe answers rose.") == 1

    assert installed.active() == {"a": 1}
    assert installed.permits("a@2") == "a@2 was put aside here: Unsafe answers rose."
    assert installed.permits("a@3") is None


def test_falling_back_twice_leaves_nothing_in_use(installed):
    installed.activate("a@1")
    installed.activate("a@2")
    installed.fall_back("a", "worse")

    assert installed.fall_back("a", "worse still") is None
    assert installed.active() == {}
    with pytest.raises(BrickUnknownError):
        installed.fall_back("a", "and again")


def test_what_is_withdrawn_late_does_not_touch_the_version_that_took_its_place(installed, caplog):
    installed.activate("a@1")
    installed.activate("a@2")

    assert installed.fall_back("a", "worse", version=1) == 2

    assert installed.active() == {"a": 2}
    assert "fell back" not in caplog.text


def test_a_pin_does_not_hold_what_is_withdrawn(installed):
    installed.activate("a@1")
    installed.activate("a@2")
    installed.pin("a", 2)

    assert installed.fall_back("a", "worse", version=2) == 1
    assert "put aside" in installed.permits("a@2")


def test_the_last_good_version_is_none_that_was_taken_back(installed):
    installed.activate("a@1")
    installed.activate("a@2")
    installed.revoke({"a@1": "unsafe"})

    assert installed.fall_back("a", "worse") is None


def test_what_was_taken_back_is_never_put_in_use(installed):
    installed.revoke({"a@1": "unsafe"})

    with pytest.raises(BrickRevokedError, match="unsafe"):
        installed.activate("a@1")
    with pytest.raises(BrickRevokedError):
        installed.pin("a", 1)
    with pytest.raises(BrickRevokedError):
        installed.roll_back("a@1", "the operator said so")


def test_taking_a_pinned_version_back_wins_over_the_pin(installed):
    installed.activate("a@1")
    installed.pin("a", 1)

    assert installed.revoke({"a@1": "unsafe", "b@7": "old"}) == ["a@1"]
    assert installed.active() == {}


def test_what_was_once_taken_back_stays_so(installed):
    installed.revoke({"a@1": "unsafe"})
    installed.revoke({})

    assert installed.permits("a@1") is not None


def test_a_lower_version_comes_by_an_operator_only(installed):
    installed.activate("a@5")

    with pytest.raises(BrickError, match="lower than a@5"):
        installed.activate("a@4")
    with pytest.raises(BrickError, match="not lower"):
        installed.roll_back("a@6", "x")
    installed.roll_back("a@4", "x")
    assert installed.active() == {"a": 4}


def test_an_operator_can_take_back_up_what_was_put_aside_by_rolling_back_to_it(installed):
    for version in (1, 2, 3):
        installed.activate(f"a@{version}")
    installed.roll_back("a@1", "all were bad")
    installed.activate("a@4")
    installed.roll_back("a@3", "3 was better after all")

    assert installed.active() == {"a": 3}
    assert installed.permits("a@3") is None


def test_a_pin_forbids_every_other_version(installed):
    installed.activate("a@2")
    installed.pin("a", 2)

    assert installed.permits("a@3") == "a is pinned to 2."
    with pytest.raises(BrickError, match="pinned"):
        installed.roll_back("a@1", "x")
    installed.pin("a", None)
    assert installed.permits("a@3") is None


def test_what_an_operator_dropped_comes_back_by_a_pull_only(installed):
    installed.activate("a@2")
    installed.drop("a")

    assert installed.active() == {}
    assert installed.state().of("a").dropped
    installed.activate("a@2")
    assert installed.active() == {"a": 2}


def _activate(folder: Path, brick: str) -> None:
    for version in range(1, 11):
        Installed(folder).activate(f"{brick}@{version}")


def test_changes_of_several_processes_come_one_after_another(installed):
    forks = multiprocessing.get_context("fork")
    running = [
        forks.Process(target=_activate, args=(installed.folder, brick)) for brick in ("a", "b", "c")
    ]
    for process in running:
        process.start()
    for process in running:
        process.join(60)

    assert [process.exitcode for process in running] == [0, 0, 0]
    assert installed.active() == {"a": 10, "b": 10, "c": 10}
