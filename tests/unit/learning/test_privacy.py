"""The accountant gives the published values, adds up, and a spent budget trains no more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.errors import BadInputError
from services.learning.privacy import PrivacyLedger, epsilon_of, noise_for
from services.learning.privacy.accountant import Mechanism
from services.learning.privacy.ledger import BudgetSpentError


def test_one_step_over_all_examples_is_no_better_than_the_exact_gaussian():
    """Balle and Wang 2018: s = 1, δ = 1e-5 costs ε = 4.377; Rényi accounting a little more."""
    assert 4.377 <= epsilon_of([Mechanism(1, 1.0, 1.0)], 1e-5) < 4.9


def test_the_usual_example_of_dp_sgd():
    """60,000 examples, batch 256, noise 1.1, 60 epochs, δ = 1e-5: ε = 3.0 as published."""
    rate = 256 / 60_000
    steps = math.ceil(60 / rate)
    spent = epsilon_of([Mechanism(steps, rate, 1.1)], 1e-5)
    assert 2.5 < spent < 3.05


def test_without_noise_there_is_no_privacy():
    assert epsilon_of([Mechanism(1, 0.1, 0.0)], 1e-5) == math.inf


def test_nothing_done_costs_nothing():
    assert epsilon_of([], 1e-5) == 0
    assert epsilon_of([Mechanism(0, 0.5, 1.0)], 1e-5) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.floats(0.001, 1.0), st.floats(0.6, 8.0))
def test_more_steps_and_less_noise_never_cost_less(steps, rate, noise):
    spent = epsilon_of([Mechanism(steps, rate, noise)], 1e-6)
    assert epsilon_of([Mechanism(steps + 10, rate, noise)], 1e-6) >= spent
    assert epsilon_of([Mechanism(steps, rate, noise * 1.5)], 1e-6) <= spent


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 8.0])
def test_the_noise_for_a_budget_keeps_to_it_and_wastes_little(epsilon):
    noise = noise_for(epsilon, 1e-5, steps=40, rate=0.2)
    spent = epsilon_of([Mechanism(40, 0.2, noise)], 1e-5)
    assert 0.97 * epsilon <= spent <= epsilon


@pytest.mark.parametrize(
    ("mechanism", "delta"),
    [
        (Mechanism(1, 0.0, 1.0), 1e-5),
        (Mechanism(1, 1.5, 1.0), 1e-5),
        (Mechanism(-1, 0.5, 1.0), 1e-5),
        (Mechanism(1, 0.5, 1.0), 0.0),
        (Mechanism(1, 0.5, 1.0), 1.0),
    ],
)
def test_what_is_no_mechanism_is_refused(mechanism, delta):
    with pytest.raises(BadInputError):
        epsilon_of([mechanism], delta)


def test_a_ledger_sums_over_rounds_and_lives_on(tmp_path):
    path = tmp_path / "learning" / "privacy.jsonl"
    one = Mechanism(40, 0.2, 1.5)
    first = PrivacyLedger(path).spend("general", 1, one, None)
    second = PrivacyLedger(path).spend("general", 2, one, None)
    assert first < second < 2 * first
    assert [s.epoch for s in PrivacyLedger(path).spendings()] == [1, 2]


def test_a_training_beyond_the_budget_is_refused_and_not_written(tmp_path):
    ledger = PrivacyLedger(tmp_path / "p.jsonl")
    one = Mechanism(40, 0.2, 1.5)
    budget = ledger.epsilon(one) * 1.1
    ledger.spend("general", 1, one, budget)
    with pytest.raises(BudgetSpentError, match="ε would be"):
        ledger.spend("general", 2, one, budget)
    assert len(ledger.spendings()) == 1


def test_a_line_that_was_torn_stops_training_and_is_said(tmp_path):
    path = tmp_path / "p.jsonl"
    ledger = PrivacyLedger(path)
    ledger.spend("general", 1, Mechanism(40, 0.2, 1.5), None)
    path.write_text(path.read_text() + '{"at": "2026-')
    with pytest.raises(BudgetSpentError, match="cannot be read"):
        ledger.spend("general", 2, Mechanism(40, 0.2, 1.5), None)
