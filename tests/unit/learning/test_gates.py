"""Gates say which criterion blocks, and never yes because something was not measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from compliance.errors import BadInputError
from services.learning.gates import Evidence, Readiness, Scores, may_release, may_start
from services.learning.gates.bootstrap import paired
from services.learning.policy import POLICY, Policy
from services.learning.rounds.standing import _drift

POLICY_OF = Policy.load().of("general")
READY = Readiness(contributions=9, sites=9, signals=50, error_rate=0.2, days=9.0)


def same(n, value=1.0):
    return Scores((value,) * n, (value,) * n)


GOOD = Evidence(
    suites={
        "learned": Scores((0.0,) * 100, (1.0,) * 100),
        "protected": same(400),
        "safety": same(60),
    },
    lost=0.1,
    shadow=(40, 3),
    approvals=frozenset({"ruiz"}),
    epsilon=3.0,
)


def blocking(criteria):
    return {c.name for c in criteria if not c.holds}


def test_a_round_that_has_all_it_needs_may_start():
    assert blocking(may_start(POLICY_OF, READY)) == set()


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ({"contributions": 1}, "contributions"),
        ({"sites": 1}, "sites"),
        ({"signals": 0, "error_rate": None}, "error-signal"),
        ({"signals": 0, "error_rate": 0.01}, "error-signal"),
        ({"days": 0.1}, "wait"),
        ({"running": True}, "one-at-a-time"),
    ],
)
def test_what_is_lacking_blocks_a_round_by_name(changes, blocks):
    ready = dataclasses.replace(READY, **changes)
    assert blocking(may_start(POLICY_OF, ready)) == {blocks}


def test_a_rise_of_errors_since_the_release_is_a_sign_by_itself():
    quiet = dataclasses.replace(READY, signals=0, error_rate=0.08)
    assert blocking(may_start(POLICY_OF, quiet)) == {"error-signal"}
    assert blocking(may_start(POLICY_OF, dataclasses.replace(quiet, drift=0.06))) == set()
    assert blocking(may_start(POLICY_OF, dataclasses.replace(quiet, drift=0.01))) == {
        "error-signal"
    }


@pytest.mark.parametrize(
    ("ever", "since", "drift"),
    [((14, 140), (9, 40), 0.175), ((9, 40), (9, 40), None), ((3, 60), (0, 5), None)],
)
def test_drift_is_told_where_enough_spoke_before_and_after_the_release(ever, since, drift):
    assert _drift(ever, since) == (None if drift is None else pytest.approx(drift))


def test_the_first_round_waits_for_no_former_one():
    assert blocking(may_start(POLICY_OF, dataclasses.replace(READY, days=None))) == set()


def test_an_update_that_is_better_and_harms_nothing_may_go_out():
    assert blocking(may_release(POLICY_OF, GOOD)) == set()


def suites(**changes):
    return dataclasses.replace(GOOD, suites={**GOOD.suites, **changes})


@pytest.mark.parametrize(
    ("evidence", "blocks"),
    [
        (suites(learned=same(100)), "gain:learned"),
        (suites(learned=Scores((0.0,) * 5, (1.0,) * 5)), "gain:learned"),
        (suites(protected=Scores((1.0,) * 400, (1.0,) * 380 + (0.0,) * 20)), "protected:protected"),
        (suites(protected=same(30)), "protected:protected"),
        (suites(safety=Scores((1.0,) * 60, (1.0,) * 59 + (0.9,))), "safety:safety"),
        (suites(safety=Scores((1.0,) * 60, (1.0,) * 59 + (float("nan"),))), "safety:safety"),
        (dataclasses.replace(GOOD, suites={**GOOD.suites, "safety": None}), "safety:safety"),
        (dataclasses.replace(GOOD, lost=0.9), "projection"),
        (dataclasses.replace(GOOD, epsilon=None), "privacy"),
        (dataclasses.replace(GOOD, epsilon=99.0), "privacy"),
        (dataclasses.replace(GOOD, shadow=(0, 0)), "shadow"),
        (dataclasses.replace(GOOD, shadow=(40, 30)), "shadow"),
        (dataclasses.replace(GOOD, approvals=frozenset()), "approvals"),
    ],
    ids=[
        "no gain",
        "too few items",
        "a protected suite worse",
        "a protected suite too small to be sure",
        "one safety item worse",
        "one safety item without a number",
        "safety not measured",
        "projection loses too much",
        "no privacy said",
        "budget overspent",
        "no shadow",
        "lost in the shadow",
        "nobody approved",
    ],
)
def test_what_is_wrong_blocks_a_release_by_name(evidence, blocks):
    assert blocking(may_release(POLICY_OF, evidence)) == {blocks}


def test_nothing_measured_lets_nothing_out():
    names = {c.name for c in may_release(POLICY_OF, Evidence()) if not c.holds}
    assert {"gain:learned", "protected:protected", "safety:safety", "shadow", "approvals"} <= names


def test_a_gain_by_luck_is_not_a_sure_gain():
    random = np.random.default_rng(3)
    sure = 0
    for _ in range(100):
        before, after = random.integers(0, 2, (2, 40))
        sure += paired(before, after, confidence=0.95, samples=400).low > 0
    assert sure <= 9


def test_a_real_gain_is_seen():
    before = [0.0] * 50 + [1.0] * 50
    after = [1.0] * 30 + [0.0] * 20 + [1.0] * 50
    gain = paired(before, after, confidence=0.95, samples=2000)
    assert 0.15 < gain.low < gain.mean == 0.3 < gain.high


def test_few_items_that_are_all_alike_are_not_sure():
    gain = paired([1.0] * 10, [1.0] * 10, confidence=0.95, samples=500)
    assert gain.low < -0.2


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("hostile: 1", "hostile: -1", "hostile"),
        ("rule: ", "rule: best-", "rule"),
        ("min_gain: 0.05", "min_gain: .nan", "min_gain"),
        ("approvals: 1", "approvals: 0", "approvals"),
        ("tenth, all]", "tenth]", "rollout|cohort|all"),
        ("sites: 3", "sites: 30", "sites"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_by_its_field(tmp_path, old, new, names):
    path = tmp_path / "policy.yaml"
    text = POLICY.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInputError, match=names):
        Policy.load(path)


def test_a_domain_without_a_policy_learns_nothing():
    with pytest.raises(BadInputError, match="cardiology"):
        Policy.load().of("cardiology")


def test_another_policy_has_another_digest(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.read_text().replace("approvals: 1", "approvals: 2"))
    assert Policy.load(path).digest != Policy.load().digest
