"""The FHIR benchmark takes every figure, beside plain SQL, and leaves nothing behind."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from sqlalchemy import inspect
from typer.testing import CliRunner

from services.fhir.bench.corpus import Known, items
from services.fhir.bench.measures import SEARCHES
from services.fhir.bench.timing import of, whole
from services.fhir.validate import check
from services.hospital.bench import app, measure


def test_the_command_prints_every_figure_with_the_machine():
    made = CliRunner().invoke(app, ["--json", "--resources", "500", "--times", "4"])
    assert made.exit_code == 0, made.output
    result = json.loads(made.stdout)
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert {"import", "read", "transaction of 10"} <= set(figures)
    assert {f"search {name}" for name in SEARCHES} <= set(figures)
    assert sum("CDS" in name for name in figures) == 8
    assert figures["read"]["raw"]["per_second"] > 0
    assert "sqlite" in result["machine"]
    hanging = [f["p95_ms"] for name, f in figures.items() if "hangs" in name]
    assert len(hanging) == 4


def test_it_runs_on_every_database_and_drops_its_table(database, tmp_path):
    figures = measure(database, tmp_path, 300, None, 4)
    assert figures[0].name.startswith("parse and validate")
    with database.reading() as session:
        assert "bench_raw" not in inspect(session.connection()).get_table_names()


def test_the_corpus_is_valid_under_new_ids_and_points_into_itself():
    known = Known()
    made = list(items(1_200, None, known))
    assert len({(item.type, item.id) for item in made}) == 1_200
    for item in islice(made, 800, 1_200):
        resource = json.loads(item.text)
        check(resource)
        if item.patient:
            assert ("Patient", item.patient) in known.keys


@pytest.mark.parametrize("seconds", [[0.5], [0.1] * 19 + [2.0]])
def test_figures_are_of_calls_one_after_another(seconds):
    timing = of(seconds)
    assert timing.rate == pytest.approx(len(seconds) / sum(seconds))
    assert timing.p50 is not None
    assert timing.p95 is not None
    assert timing.p50 <= timing.p95


def test_a_whole_is_timed_by_the_clock_that_is_given():
    ticks = iter([1.0, 3.0])
    assert whole(lambda: 10, lambda: next(ticks)).rate == 5
