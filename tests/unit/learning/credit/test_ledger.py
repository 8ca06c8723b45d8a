"""Credit is measured after a release, one coalition a step, within its means."""

from __future__ import annotations

from collections import Counter

import pytest

from services.learning.credit import JOB, Credits
from services.learning.gates import Scores
from services.learning.intake.withdrawal import withdraw
from services.learning.rounds import Measured, State, read_delta
from services.learning.rounds.show import credit_report
from tests.support.rounds import DOMAIN, GOOD, POLICY, Parent, a_change

ITEMS = 20


class Knows:
    """An evaluator that sees whose change is in a candidate, and scores what these know."""

    def __init__(self):
        self.asked = []

    def measure(self, candidate):
        """Each of seeds 0 to 2 knows four items, if its change points where the candidate does."""
        change = read_delta(candidate.path)
        there = [n for n in range(3) if _along(change, a_change(n)) > 0.2]
        self.asked.append(tuple(candidate.policy.release.protected))
        after = (1.0,) * (4 * len(there)) + (0.0,) * (ITEMS - 4 * len(there))
        learned = Scores((0.0,) * ITEMS, after)
        return Measured({**GOOD.suites, "learned": learned})


def _along(change, other):
    """Cosine of two changes."""
    products = [(change[m].dense().ravel(), other[m].dense().ravel()) for m in other]
    inner = sum(float(one @ two) for one, two in products)
    lengths = [sum(float(pair[side] @ pair[side]) for pair in products) for side in (0, 1)]
    return inner / (lengths[0] * lengths[1]) ** 0.5


@pytest.fixture
def jobs():
    return Counter()


@pytest.fixture
def parent(tmp_path):
    mean = POLICY.replace("rule: trimmed-mean, hostile: 1", "rule: mean, hostile: 0")
    made = Parent(tmp_path, policy=mean)
    made.knows = made.rounds.evaluator = Knows()
    made.rounds._judging = type(made.rounds._judging)(
        made.rounds.files, made.knows, made.rounds.book.approvals
    )
    yield made
    made.close()


def released(parent):
    ids = parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.rounds.approve(id_, parent.rounds.book.get(id_).candidate, "ana")
    parent.rounds.advance(id_)
    assert parent.rounds.advance(id_) == State.RELEASED
    return ids, id_


def credits_of(parent, jobs=None):
    return Credits(parent.rounds, lambda _session, kind, subject: jobs.update([(kind, subject)]))


def test_each_contribution_gets_the_credit_that_it_measurably_has(parent, jobs):
    ids, id_ = released(parent)
    credit = credits_of(parent, jobs)
    credit.schedule()
    assert jobs == {(JOB, f"{id_}.0"): 1}
    steps = 1
    while credit.step(id_):
        steps += 1
    held = parent.rounds.book.get(id_).credit
    assert (held["method"], held["evaluations"], steps) == ("shapley", 6, 7)
    assert [one["gain"] for one in held["contributions"]] == pytest.approx([0.2] * 3, abs=1e-6)
    assert held["whole"]["gain"] == pytest.approx(0.6)
    assert [parent.contribution(one).gain for one in ids] == pytest.approx([0.2] * 3)
    assert parent.knows.asked[1:] == [()] * 6  # nothing but what is to get better is measured
    assert list((parent.rounds.files.of(id_) / "trials").iterdir()) == []
    jobs.clear()
    credit.schedule()
    assert not jobs  # a release is measured once
    assert credit.step(id_) is False


def test_it_is_bounded_and_who_was_not_measured_has_no_gain(parent, jobs):
    _, id_ = released(parent)
    few = parent.rounds.policy.of(DOMAIN)
    bounded = few.credit.model_copy(update={"method": "leave-one-out", "evaluations": 2})
    parent.rounds.policy.domains[DOMAIN] = few.model_copy(update={"credit": bounded})
    credit = credits_of(parent, jobs)
    while credit.step(id_):
        pass
    held = parent.rounds.book.get(id_).credit
    assert held["evaluations"] == 2
    assert sorted(one["gain"] is None for one in held["contributions"]) == [False, False, True]


def test_a_contribution_that_was_withdrawn_meanwhile_is_left_out(parent, jobs):
    ids, id_ = released(parent)
    credit = credits_of(parent, jobs)
    credit.step(id_)
    told = withdraw(parent.rounds, ids[0])
    assert told.next == "proposed"
    while credit.step(id_):
        pass
    held = parent.rounds.book.get(id_).credit
    gains = {one["id"]: one["gain"] for one in held["contributions"]}
    assert gains[ids[0]] is None
    assert gains[ids[1]] == pytest.approx(0.2)


def test_while_a_round_works_no_credit_is_begun_and_a_policy_may_want_none(parent, jobs):
    _, id_ = released(parent)
    credit = credits_of(parent, jobs)
    for number in range(3, 6):
        parent.contribute(f"site-{number}", seed=number)
    running = parent.rounds.propose(DOMAIN)
    credit.schedule()
    assert not jobs
    with parent.database.transaction() as session:
        parent.rounds.book.row(session, running).state = State.FAILED
    none = parent.rounds.policy.of(DOMAIN)
    parent.rounds.policy.domains[DOMAIN] = none.model_copy(
        update={"credit": none.credit.model_copy(update={"method": "none"})}
    )
    credit.schedule()
    assert not jobs
    assert credit.step(id_) is False


def test_what_cannot_be_measured_is_said_and_not_tried_for_ever(parent, jobs):
    _, id_ = released(parent)
    parent.rounds.evaluator = parent.evaluator
    parent.evaluator.found = Measured()
    credit = credits_of(parent, jobs)
    assert credit.step(id_) is False
    held = parent.rounds.book.get(id_).credit
    assert "was not measured" in held["error"]
    assert {one["gain"] for one in held["contributions"]} == {None}
    assert credit_report(held, "released") is not None


def test_credit_weighs_nothing(parent, jobs):
    ids, id_ = released(parent)
    rows = [parent.contribution(one) for one in ids]
    policy = parent.rounds.policy.of(DOMAIN)
    before = parent.rounds.combining.together(rows, policy, lambda _text: None)
    credit = credits_of(parent, jobs)
    while credit.step(id_):
        pass
    rows = [parent.contribution(one) for one in ids]
    after = parent.rounds.combining.together(rows, policy, lambda _text: None)
    assert after.weights == before.weights
