"""The aggregation bench: files of the real size, a process each, Flower loaded by itself."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.learning.aggregate import Rule
from services.learning.bench import aggregation_app, flower, scale
from services.learning.bench.report import show_scale

FUNCTIONS = """
import numpy as np
from flwr.common import FitRes, NDArrays
from flwr.server.client_proxy import ClientProxy

def aggregate(results): return [np.mean(m, 0) for m in zip(*(r for r, _ in results))]
def aggregate_median(results): return [np.median(m, 0) for m in zip(*(r for r, _ in results))]
def aggregate_trimmed_avg(results, share):
    cut = int(share * len(results))
    kept = (np.sort(m, 0)[cut : len(m) - cut] for m in zip(*(r for r, _ in results)))
    return [m.mean(0) for m in kept]
"""
SMALL = {"q_proj": (24, 20)}


def row(count, processor):
    return scale.Measured(Rule.MEAN, count, processor, processor, 100.0, 0, None)


def test_a_line_is_told_by_its_power_and_drawn_on():
    held = scale.growth([row(n, 0.02 * n) for n in (100, 200, 400)])
    assert held.power == pytest.approx(1)
    assert held.at(10_000) == pytest.approx(200)


def test_one_count_is_no_line():
    assert scale.growth([row(10, 1.0)]) is None


def test_real_files_are_measured_in_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "SHAPES", SMALL)
    monkeypatch.setattr(scale, "LAYERS", 2)
    told = CliRunner().invoke(
        aggregation_app, ["--count", "12", "--folder", str(tmp_path), "--json"]
    )
    assert told.exit_code == 0, told.output
    (measured,) = json.loads(told.stdout)["measured"]
    assert measured["counted"] == 0
    assert measured["hostile"] == 2
    assert 0 < measured["memory"] < 2048
    assert len(list(tmp_path.iterdir())) == 12


def test_flowers_file_is_loaded_without_the_rest_of_flower(tmp_path, monkeypatch):
    path = tmp_path / flower.FILE
    path.parent.mkdir(parents=True)
    path.write_text(FUNCTIONS)
    monkeypatch.setattr(scale, "SHAPES", SMALL)
    functions = flower.load(tmp_path)
    monkeypatch.setattr(
        flower,
        "_rules",
        lambda held, _: {Rule.MEAN: held.aggregate, Rule.MEDIAN: held.aggregate_median},
    )
    assert all(one.apart < 1e-5 for one in flower.compare(functions, scale.drawn(9), 2))


def test_a_folder_without_flower_is_told(tmp_path):
    with pytest.raises(BadInputError, match="Flower is not in"):
        flower.load(tmp_path)


def test_the_tables_are_printed_with_the_extrapolation_named(capsys):
    rows = [row(100, 2.0), row(1000, 20.0)]
    show_scale(rows, [flower.Compared(Rule.MEAN, 0.1, 0.2, 1e-7)])
    printed = capsys.readouterr().out
    assert "extrapolated, not measured" in printed
    assert "Flower" in printed
