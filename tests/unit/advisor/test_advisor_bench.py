"""The bench of the advisor goes to its end, and says which estimate is too far off."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from services.advisor import bench
from services.advisor.errors import TrialError
from services.advisor.memory import on_processor
from services.advisor.trial import Trial


@pytest.fixture
def seen(monkeypatch):
    """Measures by what it is told, and makes no files."""
    told = {"share": 1.0, "fails": ()}

    def tried(file, *, context, **_):
        if context in told["fails"]:
            raise TrialError("It took longer than 3600 s.")
        shape = bench.Catalogue.load().model(bench.EMBEDDED).shape
        size = file.stat().st_size
        estimate = on_processor(shape, "Q4_1", size, context=context).resident
        return Trial(int(estimate / told["share"]), 1.0, 1.0)

    monkeypatch.setattr(bench, "try_model", tried)
    monkeypatch.setattr(bench, "CASES", bench.CASES[:3])
    return told


def run():
    result = CliRunner().invoke(bench.app, ["--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)["rows"]


def test_all_estimates_within_the_bound_are_a_success(seen):
    code, rows = run()
    assert code == 0
    assert [row["context"] for row in rows] == list(bench.CONTEXTS)
    assert all(row["good"] and abs(row["off"]) < 0.01 for row in rows)


def test_an_estimate_too_far_off_is_a_failure(seen):
    seen["share"] = 1.2
    code, rows = run()
    assert code == 1
    assert not any(row["good"] for row in rows)


def test_a_case_that_cannot_be_seen_is_said_and_the_others_are_measured(seen):
    seen["fails"] = (2048,)
    code, rows = run()
    assert code == 1
    assert [row["good"] for row in rows] == [True, False, True]
    assert rows[1]["why"] == "It took longer than 3600 s."
    shown = CliRunner().invoke(bench.app, catch_exceptions=False)
    assert "not seen" in shown.stdout


def test_what_is_measured_is_named(seen):
    heard = []
    assert len(list(bench.rows(heard.append))) == 3
    assert heard[0] == "1 of 3: smollm2-135m-instruct, Q4_1, 512 tokens"
