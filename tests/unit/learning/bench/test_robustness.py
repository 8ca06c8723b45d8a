"""The attack table: every cell keeps its bound, and what one hostile too many does at the gate."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
from typer.testing import CliRunner

from services.learning.aggregate import Rule
from services.learning.bench import cells, robustness_app
from services.learning.bench.attacks import Attack
from services.learning.bench.bed import Bed, trained
from services.learning.bench.bounds import beyond, bound
from services.learning.bench.cells import HOSTILE, run_cell
from services.learning.bench.door import refused
from services.learning.bench.gate import blocked_by
from services.learning.gates import Scores

OVER = HOSTILE + 1


@pytest.fixture(scope="module")
def bed():
    return Bed.made(20)


@pytest.fixture(scope="module")
def slipped(bed):
    """A backdoor that one hostile client too many brought past multi-Krum."""
    return run_cell(bed, Attack.BACKDOOR, Rule.MULTI_KRUM, there=OVER)


@pytest.mark.parametrize("rule", list(Rule), ids=lambda r: r.value)
@pytest.mark.parametrize("attack", list(Attack), ids=lambda a: a.value)
def test_a_cell_keeps_its_bound(bed, attack, rule):
    cell = run_cell(bed, attack, rule)
    assert beyond(cell) == ()
    if not bound(attack, rule).weak:
        assert blocked_by(cell) == ()


def test_the_mean_is_spoiled_by_one_loud_attack_and_the_gate_blocks(bed):
    cell = run_cell(bed, Attack.SIGN_FLIP, Rule.MEAN, rounds=1)
    assert cell.accuracy("learned") < 0.2
    assert "gain:learned" in blocked_by(cell)


@pytest.mark.parametrize(
    ("attack", "rule"),
    [
        (Attack.SIGN_FLIP, Rule.MEAN),
        (Attack.GAUSSIAN, Rule.MEAN),
        (Attack.GAUSSIAN, Rule.MULTI_KRUM),
        (Attack.SIGN_FLIP, Rule.KRUM),
    ],
)
def test_one_hostile_too_many_that_spoils_a_suite_is_blocked(bed, attack, rule):
    assert blocked_by(run_cell(bed, attack, rule, there=OVER)) != ()


def test_one_hostile_too_many_slips_a_backdoor_past_a_gate_whose_suites_lack_the_trigger(slipped):
    assert slipped.backdoor > 0.5
    assert blocked_by(slipped) == ()


def test_a_suite_that_holds_the_trigger_has_the_gate_block_the_backdoor(slipped):
    turned = round(slipped.backdoor * 60)
    canaries = Scores((1.0,) * 60, (0.0,) * turned + (1.0,) * (60 - turned))
    watched = replace(slipped, suites={**slipped.suites, "safety": canaries})
    assert blocked_by(watched) == ("safety:safety",)


def test_numbers_that_are_none_do_not_pass_the_door(bed):
    cell = run_cell(bed, Attack.NAN, Rule.MEAN, rounds=1)
    assert cell.refused == ("not-finite",) * HOSTILE


def test_a_change_longer_than_the_policy_allows_does_not_pass_the_door(bed):
    sent = trained(bed.model, bed.clients)[0]
    assert refused(sent) is None
    assert refused(sent, max_norm=0.01) == "too-long"


def test_the_task_is_not_known_before_it_is_learned(bed):
    assert sum(bed.model.right(bed.suites["learned"])) / 600 < 0.5
    assert sum(bed.model.right(bed.suites["protected"])) / 600 > 0.95


def test_the_bench_prints_the_attack_table_and_the_same_as_json(monkeypatch):
    few = partial(cells.table, attacks=[Attack.BACKDOOR])
    monkeypatch.setattr(cells, "table", few)
    told = CliRunner().invoke(robustness_app, ["--rounds", "1"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    assert "and past the gate" in told.stdout
    held = json.loads(CliRunner().invoke(robustness_app, ["--rounds", "1", "--json"]).stdout)
    assert {row["rule"] for row in held["borne"]} == {rule.value for rule in Rule}
    assert {row["hostile"] for row in held["over"]} == {OVER}
