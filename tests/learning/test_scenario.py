"""The whole story with real training on the embedded model: about five minutes on two cores."""

from __future__ import annotations

import pytest

from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import torch_python
from services.learning.evaluate import Suites
from services.learning.policy import Policy
from services.learning.scenario.cast import POLICY
from services.learning.scenario.facts import facts
from services.learning.scenario.report import as_json, lines
from services.learning.scenario.story import run
from services.learning.train.material import protected

pytestmark = [pytest.mark.xdist_group("training"), pytest.mark.timeout(1800)]
LEAST = 0.5
"""Share of the held-out questions that parent and third clinic answer at least."""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story, run once."""
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")
    outcome = run(tmp_path_factory.mktemp("scenario") / "state", print)
    print("\n".join(lines(outcome)))  # noqa: T201 - shown where a test fails
    return outcome


def test_no_question_that_judges_is_trained_on():
    rules = facts().rules
    taught = {e.question for rule in rules for e in rule.examples("east") + rule.examples("west")}
    taught |= {e.question for side in ("everywhere", "north") for e in facts().besides(side)}
    taught |= {e.question for e in protected()}
    asked = {item.ask for rule in rules for item in rule.items()}
    for name in ("protected", "safety"):
        asked |= {item.ask for item in Suites().get(name).items}
    assert not taught & asked


def test_nobody_knows_the_rules_before_and_the_clinics_that_were_told_know_them(told):
    assert all(site.before.right == 0 for site in told.sites)
    assert told.site("east").alone.share >= LEAST
    assert told.site("west").alone.share >= LEAST
    assert told.site("north").alone.right == 0


def test_the_parent_and_the_clinic_that_never_saw_the_rules_answer_them_afterwards(told):
    assert told.first.state == "released"
    assert told.first.quality.share >= LEAST
    assert told.site("north").after.share >= LEAST
    assert told.first.quality.wrong == told.site("north").after.wrong == 0


def test_the_hostile_change_is_refused_beyond_the_bound_and_harmless_within(told):
    assert told.refused == "too-long"
    assert told.trust < 1.0
    assert told.site("hostile").alone.wrong > 0
    weights = told.first.weights
    assert weights["hostile"] == min(weights.values())
    assert told.mean.right < told.first.quality.right


def test_protected_suites_stay_within_the_bounds_of_the_policy(told):
    asked = Policy.load(POLICY).of("general").release
    assert all(told.first.criteria.values())
    for name in (*asked.protected, *asked.safety):
        before, after = told.first.suites[name]
        assert after >= before - asked.worse_by


def test_the_release_is_signed_and_goes_out_by_cohorts(told):
    assert told.first.signed
    assert [step.rpartition(" ")[2] for step in told.first.steps[1:]] == [
        "one-clinic",
        "tenth",
        "all",
        "all",
    ]
    assert all(0 < site.fetched < told.model_bytes / 20 for site in told.sites)
    assert all(0 < site.sent < told.model_bytes / 20 for site in told.sites)


def test_a_hostile_release_that_was_signed_past_the_gates_comes_back_by_itself(told):
    assert told.second.unasked.right < told.first.unasked.right
    assert told.second.state in {"stopped", "rolled-back"}  # by canaries, or by clinicians
    assert told.second.reason


def test_a_release_that_forgot_is_found_out_by_what_clinicians_override(told):
    assert told.third.unasked.right < told.first.unasked.right
    assert told.third.state == "rolled-back"
    assert "overrides" in told.third.reason
    assert told.kept == 1.0
    assert told.third.brick in told.again


def test_the_whole_takes_no_more_of_the_processor_than_ten_minutes_of_two_cores(told):
    assert told.cpu < 2 * 600
    assert as_json(told)["seconds"] > 0
