"""Results over time and the timeline: what is drawn is what is recorded, and nothing else."""

from __future__ import annotations

import gc
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.fhir.store import FhirStore
from services.hospital.chart import Charts, Reader
from services.hospital.chart.years import Shown
from services.web.curves import BOTTOM, HEIGHT, LEFT, WIDTH, curve

sys.path.insert(0, str(Path(__file__).parent))

from chart_people import CATALOGUE, PATIENT, TODAY, coded, make, problem, result
from chart_people import visit as encounter

SECONDS = 1.5
"""Bound of the thread's time at 10,000 resources, generous for a busy machine."""
WAITED = 5.0
"""Bound with what the database takes: without statistics PostgreSQL takes eight."""
READER = Reader(None, CATALOGUE.translator("en"), "en", TODAY)


LETTER = {
    "status": "current",
    "date": "2024-03-01T09:00:00Z",
    "description": "Letter",
    "content": [{"attachment": {"title": "Letter"}}],
}


def visit(id_, day, **fields):
    return encounter(id_, day, **({"class": {"code": "AMB"}} | fields))


@pytest.fixture
def charts_of(database):
    def make_charts(*resources):
        report = FhirStore(database).put_many([PATIENT, *resources])
        assert not report.rejected
        return Charts(database, lambda *_: None)

    return make_charts


def trends(charts):
    return list(charts.trends(READER, "me")[1].tests)


def timeline(charts, kind=None, year=None):
    return charts.timeline(READER, "me", shown=Shown(kind, year))[1]


def pressure(id_, day, upper, lower):
    parts = [
        {"code": coded(code), "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("8480-6", upper), ("8462-4", lower))
    ]
    return make(
        "Observation", id_, status="final", code=coded("85354-9"), effectiveDateTime=day,
        component=parts,
    )  # fmt: skip


def test_a_trend_goes_from_the_oldest_to_the_newest_with_its_range(charts_of):
    charts = charts_of(result("b", "2026-03-01", 55.0), result("a", "2025-03-01", 70.0))
    (found,) = trends(charts)
    assert [(p.day, p.numbers, p.flag) for p in found.points] == [
        ("2025-03-01", (70.0,), None),
        ("2026-03-01", (55.0,), "low"),
    ]
    assert (found.low, found.high, found.unit) == (60.0, None, "mL/min/1.73 m2")
    assert [p.source for p in found.points] == ["Observation/a", "Observation/b"]


def test_units_are_never_drawn_on_one_axis(charts_of):
    other = {"valueQuantity": {"value": 1.2, "unit": "mL/s"}, "referenceRange": [{"text": "any"}]}
    charts = charts_of(
        result("a", "2025-01-01", 70.0), result("b", "2025-02-01", 60.0),
        result("c", "2025-03-01", 0.0, **other), result("d", "2025-04-01", 0.0, **other),
    )  # fmt: skip
    assert sorted(t.unit for t in trends(charts)) == ["mL/min/1.73 m2", "mL/s"]


@pytest.mark.parametrize(
    "second",
    [
        result("b", "2026", 55.0),
        result("b", "2027-01-01", 55.0),
        result("b", "2026-03-01", 55.0, status="entered-in-error"),
        result("b", "2026-03-01", 55.0, valueQuantity={"value": 5, "unit": "x", "comparator": "<"}),
        result("b", "2026-03-01", 55.0, subject={"reference": "Patient/other"}),
        result("b", "2026-03-01", 1e308),
    ],
    ids=["no-day", "later", "in-error", "no-number", "of-another", "no-picture"],
)
def test_what_cannot_be_placed_makes_no_curve(charts_of, second):
    others = {"resourceType": "Patient", "id": "other"}
    assert trends(charts_of(others, result("a", "2025-03-01", 70.0), second)) == []


def test_a_blood_pressure_is_one_trend_with_two_lines(charts_of):
    charts = charts_of(pressure("a", "2025-01-01", 150, 95), pressure("b", "2026-01-01", 130, 80))
    (found,) = trends(charts)
    assert [p.numbers for p in found.points] == [(150.0, 95.0), (130.0, 80.0)]
    drawn = curve(found, str)
    assert len(drawn.lines) == 2
    assert len(drawn.marks) == 4


def test_a_curve_lies_within_its_picture_and_in_proportion_to_time(charts_of):
    charts = charts_of(
        result("a", "2025-01-01", 70.0),
        result("b", "2025-01-11", 50.0),
        result("c", "2025-02-10", 90.0),
    )
    drawn = curve(trends(charts)[0], str)
    xs, ys = [m.x for m in drawn.marks], [m.y for m in drawn.marks]
    assert xs[1] - xs[0] == pytest.approx((xs[2] - xs[0]) / 4, abs=0.2)
    assert min(xs) >= LEFT
    assert max(xs) <= WIDTH
    assert min(ys) >= 0
    assert max(ys) <= HEIGHT - BOTTOM
    assert ys[2] < ys[0] < ys[1], "more is higher"
    assert drawn.band is not None
    assert drawn.band.height > 0


def test_equal_values_on_one_day_are_drawn(charts_of):
    (found,) = trends(charts_of(result("a", "2025-01-01", 0.0), result("b", "2025-01-01", 0.0)))
    assert all(m.x == LEFT for m in curve(found.model_copy(update={"low": None}), str).marks)


def test_the_newest_range_is_drawn_and_other_ranges_are_said(charts_of):
    charts = charts_of(
        result("a", "2025-01-01", 70.0, referenceRange=[{"low": {"value": 90}}]),
        result("b", "2026-01-01", 70.0),
    )
    (found,) = trends(charts)
    assert (found.low, found.ranges) == (60.0, 2)


def test_a_timeline_counts_every_year_and_shows_the_newest(charts_of):
    charts = charts_of(
        problem("gout", "Gout", onsetDateTime="2020-05-01"),
        visit("v", "2024-02-01", type=[{"text": "Check-up"}]),
        result("a", "2024-02-01", 50.0), result("b", "2024-02-01", 70.0, code={"text": "Other"}),
        make("DocumentReference", "note", **LETTER),
    )  # fmt: skip
    found = timeline(charts)
    assert found.years == ((2024, 4), (2020, 1))
    assert [d.day for d in found.days] == ["2024-03-01", "2024-02-01"]
    assert [e.kind for e in found.days[1].entries] == ["visits", "results"]
    results = found.days[1].entries[1].line
    assert results.text == "2 results"
    assert results.detail.startswith("1 out of range. Kidney function (eGFR): 50")
    assert found.days[0].entries[0].line.text == "Letter"


def test_no_result_of_a_day_is_hidden(charts_of):
    """A clinician who looks for one creatinine must not read that there was none."""
    tests = [f"Test {n}" for n in range(9)]
    charts = charts_of(
        *(result(f"r{n}", "2024-02-01", 80.0, code={"text": name}) for n, name in enumerate(tests)),
        *(result(f"x{n}", "2023-02-01", 5.0, code={"text": name}) for n, name in enumerate(tests)),
    )
    (entry,) = timeline(charts).days[0].entries
    assert (entry.left, len(entry.line.sources)) == (3, 6)
    (alone,) = timeline(charts, "results").days[0].entries
    assert alone.left == 0
    assert [name for name in tests if name not in alone.line.detail] == []
    (out,) = timeline(charts, year=2023).days[0].entries
    assert out.left == 0, "what is out of range is always named"
    assert [name for name in tests if name not in out.line.detail] == []


def test_one_kind_and_one_year_are_chosen(charts_of):
    charts = charts_of(
        problem("gout", "Gout", onsetDateTime="2020-05-01"), visit("v", "2024-02-01")
    )
    found = timeline(charts, "problems", 2020)
    assert [e.line.sources for d in found.days for e in d.entries] == [("Condition/gout",)]
    assert timeline(charts, "documents").days == ()
    assert timeline(charts, None, 1999).days == ()


def test_what_is_void_or_of_later_is_not_in_the_timeline(charts_of):
    charts = charts_of(
        visit("v", "2024-02-01", status="cancelled"), visit("w", "2030-01-01"),
        problem("x", "Wrong", onsetDateTime="2024-01-01", verificationStatus=coded("refuted")),
    )  # fmt: skip
    assert timeline(charts).days == ()


def test_what_a_long_series_leaves_out_is_counted_and_told(charts_of):
    days = [(date(2026, 11, 1) - timedelta(days=n)).isoformat() for n in range(150)]
    charts = charts_of(*(result(f"r{n}", day, 50.0 + n) for n, day in enumerate(days)))
    found = charts.trends(READER, "me")[1]
    assert len(found.tests[0].points) == 120
    assert found.older == 30
    asked = charts.ask(READER, "me", "highest eGFR?")[1]
    assert asked.reply.searched.older == 30
    assert charts_of().trends(READER, "me")[1].older == 30


def test_a_record_of_ten_thousand_opens_in_a_blink(charts_of):
    day = date(2026, 11, 1)
    charts = charts_of(
        *(
            result(
                f"r{n}", (day - timedelta(days=n % 3000)).isoformat(), n % 90 + 1.0,
                code={**coded(f"{n % 50}-0"), "text": f"Test {n % 50}"},
            )
            for n in range(9900)
        ),
        *(visit(f"v{n}", (day - timedelta(days=30 * n)).isoformat()) for n in range(100)),
    )  # fmt: skip
    for opening in (trends, timeline):
        opening(charts)  # tables are read once
        gc.disable()  # collecting what the other tests left is not the chart's work
        began, waited = time.thread_time(), time.perf_counter()
        assert opening(charts)
        spent, took = time.thread_time() - began, time.perf_counter() - waited
        gc.enable()
        assert spent < SECONDS, opening.__name__
        assert took < WAITED, opening.__name__
