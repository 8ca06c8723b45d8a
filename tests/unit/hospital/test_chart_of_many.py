"""A record of thousands: only the newest of a series is read, on both databases."""

from __future__ import annotations

import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.fhir.store import FhirStore
from services.hospital.chart import Charts, Reader

sys.path.insert(0, str(Path(__file__).parent))

from chart_people import CATALOGUE, PATIENT, TODAY, result, visit

MANY = 3000
SECONDS = 1.5
"""Bound of the processor's time, generous for a busy machine; measured: 0.06 s."""


@pytest.fixture
def charts(database):
    day = date(2026, 11, 1)
    made = [PATIENT]
    for n in range(MANY):
        then = (day - timedelta(days=n)).isoformat()
        code = {"coding": [{"system": "http://loinc.org", "code": f"{n % 40}-0"}]}
        text = {"text": f"Test {n % 40}"}
        made.append(result(f"r{n}", then, n + 1.0, code=code | text))
    made += [
        visit(f"v{n}", (day - timedelta(days=90 * n)).isoformat(), **{"class": {"code": "AMB"}})
        for n in range(50)
    ]
    report = FhirStore(database).put_many(made)
    assert not report.rejected
    return Charts(database, lambda *_: None)


def test_the_newest_of_each_series_is_shown_and_quickly(charts):
    say = CATALOGUE.translator("en")
    began = time.process_time()
    summary = charts.open(Reader(None, say, "en", TODAY), "me")
    took = time.process_time() - began
    lines = next(s for s in summary.sections if s.id == "results").lines
    assert {line.sources[0] for line in lines} == {f"Observation/r{n}" for n in range(40)}
    assert all(line.sources[1:] for line in lines)
    assert summary.changes.visit.sources == ("Encounter/v0",)
    assert took < SECONDS
