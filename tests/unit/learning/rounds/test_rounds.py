"""A round goes from contributions to a release, step by step, and stops where a gate says no."""

from __future__ import annotations

import dataclasses
import json

import pytest
from sqlalchemy.exc import IntegrityError

from compliance.errors import NotFoundError
from services.learning.errors import RoundBlockedError
from services.learning.rounds import FencedOffError, State
from services.learning.rounds.service import ATTEMPTS
from tests.support.rounds import BAD, DOMAIN, GOOD, contribute


def begun(parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    assert id_ is not None
    return id_


def waiting(parent):
    id_ = begun(parent)
    for state in (State.AGGREGATING, State.EVALUATING, State.WAITING):
        assert parent.rounds.advance(id_) == state
    return id_


def approve(parent, id_, by="ana"):
    return parent.rounds.approve(id_, parent.rounds.book.get(id_).candidate, by)


def test_a_round_goes_from_contributions_to_a_release(parent):
    id_ = waiting(parent)
    assert parent.rounds.advance(id_) == State.WAITING  # nothing goes on without a person
    assert approve(parent, id_) == State.PUBLISHING
    assert parent.rounds.advance(id_) == State.ROLLING_OUT
    assert parent.rounds.advance(id_) == State.RELEASED
    row = parent.rounds.book.get(id_)
    assert (row.brick, parent.publisher.published) == ("general@1", ["general@1"])
    assert all(one["holds"] for one in row.criteria)
    (release,) = parent.publisher.releases
    assert release.approvals == ("ana",)
    assert release.sites == ("site-0", "site-1", "site-2")
    assert release.policy_digest == parent.rounds.policy.digest


def test_after_a_release_contributions_stand_on_the_next_epoch_and_the_new_brick(parent):
    id_ = waiting(parent)
    approve(parent, id_)
    parent.rounds.advance(id_)
    parent.rounds.advance(id_)
    now = parent.rounds.standing(DOMAIN)
    assert (now.epoch, now.parent) == (1, "general@1")
    expected = parent.rounds.expected(DOMAIN, lambda _manifest: False)
    assert (expected.epoch, expected.parent, expected.rank) == (1, "general@1", 2)
    assert expected.shapes["layers.1.v_proj"] == (4, 5)


def test_no_round_starts_with_too_few_contributions_or_beside_another(parent):
    parent.contribute("site-0")
    assert parent.rounds.propose(DOMAIN) is None
    begun(parent)
    parent.three()
    assert parent.rounds.propose(DOMAIN) is None
    blocking = {one.name for one in parent.rounds.dry_run(DOMAIN).blocking}
    assert "one-at-a-time" in blocking


def test_the_evidence_tells_what_each_site_gave_and_lies_in_a_file(parent):
    id_ = waiting(parent)
    row = parent.rounds.book.get(id_)
    assert {one["site"] for one in row.evidence["contributions"]} == {"site-0", "site-1", "site-2"}
    assert row.evidence["epsilon"] == 2.0
    held = json.loads((parent.rounds.files.of(id_) / "evidence.json").read_text())
    assert held["candidate"] == row.candidate
    assert held["suites"]["learned"]["after"] == list(GOOD.suites["learned"].after)


def test_a_candidate_that_a_gate_stops_waits_for_nobody(parent):
    parent.evaluator.found = BAD
    id_ = begun(parent)
    parent.rounds.advance(id_)
    parent.rounds.advance(id_)
    assert parent.rounds.advance(id_) == State.BLOCKED
    with pytest.raises(RoundBlockedError):
        approve(parent, id_)
    assert [one.name for one in parent.rounds.dry_run(DOMAIN).blocking] == [
        "safety:safety",
        "approvals",
    ]
    assert parent.publisher.published == []


def test_a_blocked_round_is_measured_again_when_a_person_retries_it(parent):
    parent.evaluator.found = BAD
    id_ = begun(parent)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.evaluator.found = GOOD
    assert parent.rounds.retry(id_) == State.EVALUATING
    assert parent.rounds.advance(id_) == State.WAITING


def test_what_was_not_measured_blocks(parent):
    parent.evaluator.found = dataclasses.replace(GOOD, suites={})
    id_ = begun(parent)
    for _ in range(3):
        parent.rounds.advance(id_)
    assert parent.rounds.book.get(id_).state == State.BLOCKED


def test_a_person_rejects_with_a_reason(parent):
    id_ = waiting(parent)
    candidate = parent.rounds.book.get(id_).candidate
    with pytest.raises(RoundBlockedError):
        parent.rounds.reject(id_, candidate, "ana", "  ")
    assert parent.rounds.reject(id_, candidate, "ana", "It is too short.") == State.BLOCKED
    row = parent.rounds.book.get(id_)
    assert row.error == "rejected: It is too short."
    assert [one.approved for one in parent.rounds.book.approvals(row)] == [False]


def test_an_approval_counts_for_the_candidate_that_was_looked_at_alone(parent):
    id_ = waiting(parent)
    with pytest.raises(RoundBlockedError, match="Another candidate"):
        parent.rounds.approve(id_, "sha256:" + "0" * 64, "ana")
    assert parent.rounds.book.get(id_).state == State.WAITING


def test_one_person_twice_is_not_two(tmp_path):
    from tests.support.rounds import POLICY, Parent

    parent = Parent(tmp_path, policy=POLICY.replace("approvals: 1", "approvals: 2"))
    id_ = waiting(parent)
    assert approve(parent, id_) == State.WAITING
    assert approve(parent, id_) == State.WAITING
    assert approve(parent, id_, "ben") == State.PUBLISHING
    parent.close()


def test_a_withdrawn_contribution_makes_the_candidate_anew_and_old_approvals_void(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    former = parent.rounds.book.get(id_).candidate
    approve(parent, id_)
    parent.withdraw(ids[3])
    assert parent.rounds.advance(id_) == State.AGGREGATING  # found out before it was published
    assert parent.rounds.advance(id_) == State.EVALUATING
    assert parent.rounds.advance(id_) == State.WAITING
    assert parent.rounds.book.get(id_).candidate != former
    assert parent.publisher.published == []
    with pytest.raises(RoundBlockedError):
        parent.rounds.approve(id_, former, "ana")


def test_the_caller_who_withdraws_has_the_candidate_made_anew_at_once(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.withdraw(ids[0])
    with parent.database.transaction() as session:
        assert parent.rounds.again(session, id_)
    assert parent.rounds.advance(id_) == State.EVALUATING
    made_of = {one["id"] for one in parent.rounds.book.get(id_).evidence["contributions"]}
    assert made_of == set(ids[1:])


def test_a_withdrawal_while_the_candidate_is_made_fences_that_off(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.advance(id_)
    running = parent.rounds.book.take(id_)
    parent.withdraw(ids[0])
    with parent.database.transaction() as session:
        assert parent.rounds.again(session, id_)
    with pytest.raises(FencedOffError):
        parent.rounds.book.require(running)
    assert parent.rounds.advance(id_) == State.EVALUATING
    made_of = {one["id"] for one in parent.rounds.book.get(id_).evidence["contributions"]}
    assert made_of == set(ids[1:])


def test_too_few_left_fail_the_round_and_the_rest_wait_for_another(parent):
    ids = parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.advance(id_)
    parent.withdraw(ids[0])
    assert parent.rounds.advance(id_) == State.FAILED
    assert "2 contributions from 2 sites" in parent.rounds.book.get(id_).error
    assert [parent.contribution(one).state for one in ids] == ["withdrawn", "waiting", "waiting"]
    parent.contribute("site-9")
    assert parent.rounds.propose(DOMAIN) not in {None, id_}


def test_a_candidate_that_was_changed_on_the_disk_is_made_anew(parent):
    id_ = begun(parent)
    parent.rounds.advance(id_)
    parent.rounds.advance(id_)
    path = parent.rounds.files.candidate(id_)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert parent.rounds.advance(id_) == State.AGGREGATING
    assert parent.rounds.advance(id_) == State.EVALUATING
    assert parent.rounds.advance(id_) == State.WAITING


def test_a_step_that_keeps_failing_fails_its_round_and_can_be_retried_where_it_was(parent):
    id_ = waiting(parent)
    approve(parent, id_)

    def broken(_release):
        raise OSError

    parent.publisher.before = broken
    with pytest.raises(OSError, match=r"^$"):
        parent.rounds.advance(id_, attempt=1)
    assert parent.rounds.book.get(id_).state == State.PUBLISHING
    assert parent.rounds.advance(id_, attempt=ATTEMPTS) == State.FAILED
    assert parent.rounds.book.get(id_).error == "publishing: OSError"
    parent.publisher.before = lambda _release: None
    assert parent.rounds.retry(id_) == State.PUBLISHING
    assert parent.rounds.advance(id_) == State.ROLLING_OUT


def test_a_round_that_nobody_knows_is_named_so(parent):
    with pytest.raises(NotFoundError):
        parent.rounds.advance("nothing")
    with pytest.raises(NotFoundError):
        parent.rounds.approve("nothing", "x", "ana")


def test_a_candidate_that_one_rejected_stays_blocked_whoever_approved_it(tmp_path):
    from tests.support.rounds import POLICY, Parent

    parent = Parent(tmp_path, policy=POLICY.replace("approvals: 1", "approvals: 2"))
    id_ = waiting(parent)
    candidate = parent.rounds.book.get(id_).candidate
    approve(parent, id_, "ana")
    parent.rounds.reject(id_, candidate, "ben", "It forgets the dose.")
    assert parent.rounds.retry(id_) == State.AGGREGATING
    assert parent.rounds.advance(id_) == State.EVALUATING
    measured = parent.evaluator.calls
    assert parent.rounds.advance(id_) == State.BLOCKED
    assert parent.evaluator.calls == measured  # the same candidate is not measured again
    row = parent.rounds.book.get(id_)
    assert (row.candidate, row.error) == (candidate, "rejected: It forgets the dose.")
    assert [one.name for one in parent.rounds.dry_run(DOMAIN).blocking] == [
        "rejections",
        "approvals",
    ]
    with pytest.raises(RoundBlockedError):
        approve(parent, id_, "cleo")
    parent.close()


def test_another_candidate_of_a_rejected_round_waits_for_people_again(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.rounds.reject(id_, parent.rounds.book.get(id_).candidate, "ana", "Without site-3.")
    parent.withdraw(ids[3])
    parent.rounds.retry(id_)
    parent.rounds.advance(id_)
    assert parent.rounds.advance(id_) == State.WAITING
    assert approve(parent, id_) == State.PUBLISHING


def test_what_came_for_a_former_release_is_refused_by_the_next_round_not_rebased(parent):
    id_ = waiting(parent)
    late = parent.contribute("site-9", seed=9)
    approve(parent, id_)
    parent.rounds.advance(id_)
    parent.rounds.advance(id_)
    begun(parent)
    parent.rounds.advance(parent.rounds.book.listing()[0].id)
    row = parent.contribution(late)
    assert (row.state, row.reason, row.round) == ("refused", "stale-epoch", None)


def test_a_node_has_one_contribution_in_an_epoch_also_when_a_round_gives_one_back(parent):
    ids = parent.three()
    first = parent.contribution(ids[1])
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.advance(id_)
    key = parent.keys[first.key]
    newer = contribute(parent.database, parent.rounds, key, "site-1", seed=9)
    with pytest.raises(IntegrityError):
        contribute(parent.database, parent.rounds, key, "site-1", seed=10)
    parent.withdraw(ids[0])
    assert parent.rounds.advance(id_) == State.FAILED
    older = parent.contribution(ids[1])
    assert (older.state, older.reason) == ("refused", "superseded")
    assert parent.contribution(newer).state == parent.contribution(ids[2]).state == "waiting"
