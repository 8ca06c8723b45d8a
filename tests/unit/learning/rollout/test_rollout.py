"""A release goes through its cohorts, and comes back by itself when it is worse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.errors import BadInputError, NotFoundError
from services.learning.errors import RoundBlockedError
from services.learning.models import LearningRound
from services.learning.policy import Policy
from services.learning.rollout import Measures, RolloutOverError
from services.learning.rollout.simulator import Rates, SimulatedFleet
from services.learning.rollout.tally import NodeTally, pairs
from services.learning.rounds.standing import standing

OLD, NEW = "general@1", "general@2"
DAYS = 24 * 60


def cohorts(rollout, brick=NEW):
    return [step["cohort"] for step in rollout.book.get(brick).channel.steps]


def state(rollout, brick=NEW):
    return rollout.book.get(brick).deployment.state


def test_a_healthy_release_reaches_one_clinic_then_a_tenth_then_all(fleet, rollout, told):
    rollout.start(NEW, OLD)
    assert fleet.using(2) == 0
    counts = set()
    while state(rollout) == "watching":
        counts.add((rollout.book.get(NEW).deployment.cohort, fleet.using(2)))
        fleet.live(rollout, 180)
    assert state(rollout) == "released"
    assert cohorts(rollout) == ["simulator", "one-clinic", "tenth", "all", "all"]
    assert {n for cohort, n in counts if cohort == "tenth"} <= {1, 2}
    assert {n for cohort, n in counts if cohort == "one-clinic"} <= {0, 1}
    assert fleet.using(2) == 20
    moves = [move for _, move, _ in told.moves]
    assert moves == ["started", "moved-on", "moved-on", "moved-on", "released"]


@pytest.mark.parametrize(
    ("worse", "named"),
    [
        (Rates(overrides=0.4), "overrides rose"),
        (Rates(abstentions=0.5), "abstentions rose"),
        (Rates(referrals=0.5), "referrals rose"),
        (Rates(latency_ms=900), "latency rose"),
    ],
    ids=["overrides", "abstentions", "referrals", "latency"],
)
def test_a_planted_regression_is_stopped_at_one_clinic_and_rolled_back(
    fleet, rollout, worse, named
):
    rollout.start(NEW, OLD)
    fleet.worse[NEW] = worse
    fleet.live(rollout, 3 * DAYS, until=NEW)
    case = rollout.book.get(NEW)
    assert (case.deployment.state, case.deployment.cohort) == ("rolled-back", "one-clinic")
    assert named in case.deployment.reason
    assert fleet.using(2) == 1
    fleet.live(rollout, 180)
    assert (fleet.using(1), fleet.using(2)) == (20, 0)


def test_a_small_regression_is_found_in_a_later_cohort(database):
    fleet = SimulatedFleet(30, seed=4, window=180)
    rollout = fleet.rollout(database, Policy.load())
    fleet.live(rollout, 1440)
    rollout.start(NEW, OLD)
    fleet.worse[NEW] = Rates(overrides=0.12)
    fleet.live(rollout, 6 * DAYS, until=NEW)
    assert state(rollout) == "rolled-back"
    assert fleet.using(2) <= 3


def test_a_failing_canary_stops_a_release_before_any_node_has_it(fleet, rollout):
    fleet.canaries_failed = ("“How much of this may I take?”",)
    rollout.start(NEW, OLD)
    rollout.tick()
    case = rollout.book.get(NEW)
    assert (case.deployment.state, case.channel.reach) == ("stopped", None)
    assert "1 of 10 canary questions failed: “How much" in case.deployment.reason
    fleet.live(rollout, 180)
    assert fleet.using(2) == 0


def test_a_canary_that_fails_at_a_node_brings_the_release_back_at_once(fleet, rollout):
    rollout.start(NEW, OLD)
    fleet.live(rollout, 180)
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    rollout.observe(first, Measures(answers=1, canaries=5, canaries_failed=1))
    rollout.tick()
    assert state(rollout) == "rolled-back"
    assert "canary" in rollout.book.get(NEW).deployment.reason


def test_without_canary_questions_a_person_has_to_let_it_out(fleet, database):
    from services.learning.rollout.ports import no_canaries

    rollout = fleet.rollout(database, Policy.load(), canaries=no_canaries)
    rollout.start(NEW, OLD)
    rollout.tick()
    assert (state(rollout), fleet.using(2)) == ("held", 0)
    rollout.go_on(NEW, by="user-1", reason="Asked by hand.")
    assert rollout.book.get(NEW).deployment.cohort == "one-clinic"


def test_what_was_taken_back_is_never_offered_again_and_a_later_version_is(fleet, rollout):
    rollout.start(NEW, OLD)
    fleet.worse[NEW] = Rates(overrides=0.4)
    fleet.live(rollout, 3 * DAYS, until=NEW)
    rollout.start("general@3", OLD)
    fleet.live(rollout, 6 * DAYS, until="general@3")
    assert (state(rollout, "general@3"), fleet.using(3)) == ("released", 20)
    assert fleet.channels.lines["general"].withdrawn.keys() == {2}


def test_starting_twice_is_starting_once(fleet, rollout, told):
    first = rollout.book.get(rollout.start(NEW, OLD).brick).channel.salt
    rollout.tick()
    rollout.start(NEW, OLD)
    case = rollout.book.get(NEW)
    assert (case.channel.salt, case.deployment.cohort) == (first, "one-clinic")
    assert [move for _, move, _ in told.moves].count("started") == 1


def test_a_second_release_of_a_brick_waits_until_the_first_has_ended(rollout):
    rollout.start(NEW, OLD)
    with pytest.raises(RoundBlockedError, match="general@2 is still on its way"):
        rollout.start("general@3", NEW)


def test_a_clinic_that_was_away_joins_later(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    own = rollout.nodes_of(rollout.book.get(NEW))
    away = [node for key, node in sorted(fleet.nodes.items()) if key not in own][:3]
    for node in away:
        node.away = True
    fleet.live(rollout, 6 * DAYS, until=NEW)
    assert (state(rollout), fleet.using(2)) == ("released", 17)
    for node in away:
        node.away = False
    fleet.live(rollout, 180)
    assert fleet.using(2) == 20


def test_a_clinic_that_was_away_during_a_rollback_never_has_the_release(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    fleet.nodes[first].away = True
    rollout.roll_back(NEW, by="user-1", reason="Odd answers.")
    fleet.nodes[first].away = False
    fleet.live(rollout, 180)
    assert fleet.using(2) == 0


def test_a_clinic_that_never_reports_counts_as_silent_and_does_not_hold_up_the_rest(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    own = rollout.nodes_of(rollout.book.get(NEW))
    for key in sorted(set(fleet.nodes) - set(own))[:7]:
        fleet.nodes[key].silent = True
    fleet.live(rollout, 6 * DAYS, until=NEW)
    case = rollout.book.get(NEW)
    assert case.deployment.state == "released"
    assert (case.deployment.now["cohort"], case.deployment.now["silent"]) == (20, 7)


def test_a_cohort_that_says_nothing_is_not_healthy_and_waits_for_a_person(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    for node in fleet.nodes.values():
        node.silent = True
    fleet.live(rollout, 4 * DAYS, until=NEW)
    case = rollout.book.get(NEW)
    assert (case.deployment.state, case.deployment.cohort) == ("held", "one-clinic")
    assert "0 of 1 nodes report" in case.deployment.reason
    assert fleet.using(2) == 1
    rollout.go_on(NEW, by="user-1", reason="Telephoned: all is well.")
    assert rollout.book.get(NEW).deployment.cohort == "tenth"


def test_the_first_clinic_is_one_that_reports(fleet, database):
    for node in list(fleet.nodes.values())[1:]:
        node.silent = True
    rollout = fleet.rollout(database, Policy.load())
    fleet.live(rollout, 180)
    rollout.start(NEW, OLD)
    rollout.tick()
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    assert first == next(iter(fleet.nodes)) or fleet.nodes[first].silent  # 64 draws of one in 20


def test_a_revoked_clinic_is_not_asked_and_the_next_takes_its_place(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    fleet.live(rollout, 180)
    del fleet.nodes[first]
    assert not rollout.observe(first, Measures(answers=100, overrides=100))
    rollout.tick()
    (second,) = rollout.nodes_of(rollout.book.get(NEW))
    assert second != first
    assert state(rollout) == "watching"


def test_with_one_clinic_there_is_one_and_it_is_watched_once(database):
    fleet = SimulatedFleet(1, seed=2, window=180)
    rollout = fleet.rollout(database, Policy.load())
    fleet.live(rollout, 1440)
    rollout.start(NEW, OLD)
    fleet.live(rollout, 3 * DAYS, until=NEW)
    assert state(rollout) == "released"
    assert cohorts(rollout) == ["simulator", "one-clinic", "one-clinic"]


def test_a_hospital_without_clinics_has_nobody_to_judge_a_release(database):
    fleet = SimulatedFleet(0, seed=2, window=240)
    rollout = fleet.rollout(database, Policy.load())
    rollout.start(NEW, OLD)
    fleet.live(rollout, 4 * DAYS, until=NEW)
    assert state(rollout) == "held"
    assert "there is no node" in rollout.book.get(NEW).deployment.reason


@pytest.mark.parametrize("hours", [-6, 6], ids=["behind", "ahead"])
def test_clocks_that_are_hours_off_change_nothing(fleet, rollout, hours):
    for node in list(fleet.nodes.values())[::2]:
        node.skew = timedelta(hours=hours)
    rollout.start(NEW, OLD)
    fleet.live(rollout, 6 * DAYS, until=NEW)
    assert state(rollout) == "released"


@pytest.mark.parametrize("days", [-40, 2], ids=["behind", "ahead"])
def test_a_report_of_a_clock_that_is_days_off_is_refused(fleet, rollout, days):
    node = next(iter(fleet.nodes))
    with pytest.raises(BadInputError, match="is dated"):
        rollout.observe(
            node, Measures(answers=1), release=OLD, since=fleet.now + timedelta(days=days)
        )


def test_the_same_window_again_counts_once(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    (first,) = rollout.nodes_of(rollout.book.get(NEW))
    for _ in range(3):
        rollout.observe(first, Measures(answers=10), release=NEW, since=fleet.now)
    rollout.tick()
    assert rollout.book.get(NEW).deployment.now["answers"] == 10


def test_a_clinic_outside_the_cohort_has_no_say(fleet, rollout):
    rollout.start(NEW, OLD)
    rollout.tick()
    own = set(rollout.nodes_of(rollout.book.get(NEW)))
    other = next(node for node in fleet.nodes if node not in own)
    assert not rollout.observe(other, Measures(answers=100, overrides=100), release=NEW)
    assert not rollout.observe(other, Measures(answers=100), release="general@99")
    assert not rollout.observe("f" * 32, Measures(answers=100), release=OLD)
    assert rollout.observe(other, Measures(answers=100), release=OLD)


def test_a_clinic_of_many_counts_for_three_times_the_one_in_the_middle_at_most():
    before = {node: NodeTally(answers=100, overrides=10) for node in "abcd"}
    now = {node: NodeTally(answers=20, overrides=2) for node in "abc"}
    now["d"] = NodeTally(answers=90_000, overrides=90_000)
    found = {pair.node: pair.now for pair in pairs(now, before)}
    assert (found["d"].answers, found["d"].overrides, found["a"].answers) == (60, 60, 20)


def test_a_person_can_hold_a_release_let_it_go_on_and_take_it_back(fleet, rollout, told):
    rollout.start(NEW, OLD)
    fleet.live(rollout, 180)
    rollout.hold(NEW, by="user-1", reason="A clinic called.")
    fleet.live(rollout, 2 * DAYS)
    assert (state(rollout), fleet.using(2)) == ("held", 1)
    rollout.go_on(NEW, by="user-1", reason="It was nothing.")
    assert state(rollout) == "watching"
    rollout.roll_back(NEW, by="user-2", reason="It was something.")
    assert state(rollout) == "rolled-back"
    fleet.live(rollout, 180)
    assert fleet.using(2) == 0
    assert [(move, by) for _, move, by in told.moves if by] == [
        ("held", "user-1"),
        ("gone-on", "user-1"),
        ("rolled-back", "user-2"),
    ]


def test_a_held_release_still_comes_back_by_itself_when_it_is_worse(fleet, rollout):
    rollout.start(NEW, OLD)
    fleet.live(rollout, 180)
    rollout.hold(NEW, by="user-1", reason="A clinic called.")
    fleet.worse[NEW] = Rates(overrides=0.5)
    fleet.live(rollout, 2 * DAYS)
    assert state(rollout) == "rolled-back"


def test_what_a_person_decides_needs_a_reason_and_the_right_state(rollout):
    rollout.start(NEW, OLD)
    with pytest.raises(RolloutOverError, match="needs a reason"):
        rollout.hold(NEW, by="user-1", reason="  ")
    with pytest.raises(RolloutOverError, match="is watching"):
        rollout.go_on(NEW, by="user-1", reason="Go.")
    rollout.roll_back(NEW, by="user-1", reason="No.")
    with pytest.raises(RolloutOverError, match="is stopped"):
        rollout.roll_back(NEW, by="user-1", reason="No.")
    with pytest.raises(NotFoundError):
        rollout.hold("general@7", by="user-1", reason="What?")


def test_what_is_taken_back_after_its_release_is_no_parent_any_more(fleet, rollout, database):
    rollout.start(NEW, OLD)
    row = LearningRound(
        id="r" * 36,
        domain="general",
        epoch=0,
        state="released",
        fence=1,
        policy="p",
        base="b",
        rule="mean",
        brick=NEW,
        started=fleet.now,
        changed=fleet.now,
    )
    with database.transaction() as session:
        session.add(row)
    fleet.live(rollout, 6 * DAYS, until=NEW)
    rollout.roll_back(NEW, by="user-1", reason="A dose was wrong.")
    with database.reading() as session:
        assert standing(session, "general").parent is None
    fleet.live(rollout, 180)
    assert fleet.using(1) == 20
