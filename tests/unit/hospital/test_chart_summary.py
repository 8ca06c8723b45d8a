"""The chart summary: by rules, each line with its resource, void entries left out."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.fhir.sandbox.generate import SANDBOX_DAY, generate
from services.hospital.chart import Reader, summarise
from services.hospital.chart.source import choose
from services.hospital.chart.stored import TYPES, Stored
from services.hospital.chart.vaccines import years_after

sys.path.insert(0, str(Path(__file__).parent))

from chart_people import (
    CATALOGUE,
    allergy,
    chart,
    coded,
    conflicts,
    gaps,
    make,
    medicine,
    part,
    problem,
    result,
    visit,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"


def sandbox(person: str, language: str):
    """The summary of a person of the sandbox."""
    made = list(generate())
    patient = next(r for r in made if r["resourceType"] == "Patient" and r["id"] == person)
    mine = [
        Stored(r["resourceType"], r["id"], json.dumps(r), json.dumps(r.get("code")))
        for r in made
        if r["resourceType"] in TYPES and f'"Patient/{person}"' in json.dumps(r)
    ]
    record = choose(patient, mine, SANDBOX_DAY)
    reader = Reader(None, CATALOGUE.translator(language), language, SANDBOX_DAY)
    return summarise(reader.view(record))


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("person", ["p01", "p02", "p05"])
def test_the_summary_of_a_sandbox_person_is_as_it_was(person, language):
    """To renew: delete the file and run the test; then read what changed."""
    said = sandbox(person, language).model_dump_json(indent=1, exclude_none=True) + "\n"
    file = SNAPSHOTS / f"{person}.{language}.json"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_text(said, "utf-8")
        pytest.fail(f"{file.name} was missing and has been written: read it and keep it.")
    assert said == file.read_text("utf-8")


@pytest.mark.parametrize("person", [f"p{n:02}" for n in range(1, 19)])
def test_every_line_names_resources_of_the_person_alone(person):
    summary = sandbox(person, "en")
    lines = [*summary.conflicts, *summary.gaps, *summary.changes.lines]
    lines += [line for section in summary.sections for line in section.lines]
    sources = {ref for line in lines for ref in line.sources}
    assert lines
    assert all(re.fullmatch(rf"(?:Patient/{person}|\w+/{person}-[\w-]+)", ref) for ref in sources)


VOID = [
    problem("x", "Asthma", verificationStatus=coded("entered-in-error")),
    problem("x", "Asthma", verificationStatus=coded("refuted")),
    problem("x", "Asthma", "resolved"),
    problem("x", "Asthma", "inactive"),
    problem("x", "Asthma", subject={"reference": "Patient/other"}),
    medicine("x", "Asthma", status="entered-in-error"),
    medicine("x", "Asthma", status="stopped"),
    medicine("x", "Asthma", doNotPerform=True),
    medicine("x", "Asthma", intent="proposal"),
    allergy("x", "Asthma", clinicalStatus=coded("resolved")),
    allergy("x", "Asthma", verificationStatus=coded("entered-in-error")),
    result("x", "2026-10-01", 9, code={"text": "Asthma"}, status="entered-in-error"),
    result("x", "2026-10-01", 9, code={"text": "Asthma"}, status="registered"),
    result("x", "2027-10-01", 9, code={"text": "Asthma"}),
    result("x", "2026-10-01", 9, code={"text": "Asthma"}, subject={"reference": "Patient/other"}),
    make("Immunization", "x", status="not-done", vaccineCode={"text": "Asthma"}),
    make("Procedure", "x", status="not-done", code={"text": "Asthma"}),
    make("Procedure", "x", status="in-progress", code={"text": "Asthma"}),
    visit("x", "2026-10-01", status="cancelled", type=[{"text": "Asthma"}]),
    visit("x", "2026-10-01", status="entered-in-error", type=[{"text": "Asthma"}]),
    make("ServiceRequest", "x", status="revoked", intent="order", code={"text": "Asthma"}),
    make("ServiceRequest", "x", status="active", intent="plan", code={"text": "Asthma"}),
]


@pytest.mark.parametrize("void", VOID, ids=lambda r: f"{r['resourceType']} {r.get('status')}")
def test_what_is_void_or_over_is_in_no_line(void):
    assert "Asthma" not in chart(void).model_dump_json()


def test_what_was_left_out_is_counted_by_cause():
    summary = chart(VOID[0], {**VOID[1], "id": "y"}, {**VOID[4], "id": "z"})
    assert summary.left_out == {"error": 1, "other": 1, "refuted": 1}


def test_an_error_at_the_top_of_a_series_does_not_hide_the_result_below_it():
    wrong = [result(f"w{n}", f"2026-11-{n:02}", 5, status="entered-in-error") for n in range(1, 9)]
    summary = chart(result("good", "2026-01-02", 70), *wrong)
    assert part(summary, "results") == ["Kidney function (eGFR): 70 mL/min/1.73 m2"]
    assert summary.left_out == {"error": 8}


def test_results_out_of_range_come_first_with_their_change():
    weight = {"code": {**coded("29463-7"), "text": "Weight"}, "referenceRange": []}
    summary = chart(
        result("w", "2026-11-01", 80, **weight, valueQuantity={"value": 80, "unit": "kg"}),
        result("old", "2026-01-01", 54),
        result("new", "2026-10-01", 47),
    )
    first, second = next(s for s in summary.sections if s.id == "results").lines
    assert (first.flag, first.sources) == ("low", ("Observation/new", "Observation/old"))
    assert "\N{MINUS SIGN}7 against 54 mL/min/1.73 m2 (2026-01-01)" in first.detail
    assert second.text == "Weight: 80 kg"


def test_values_in_other_units_are_not_subtracted():
    old = result("old", "2026-01-01", 0.9, valueQuantity={"value": 0.9, "unit": "mL/s"})
    line = next(s for s in chart(old, result("new", "2026-10-01", 47)).sections if s.lines).lines[0]
    assert "Before: 0.9 mL/s" in line.detail


IBUPROFEN = medicine("ibu", "ibuprofen 400 MG Oral Tablet")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([result("e", "2026-10-01", 47)], "may harm the kidneys"),
        ([allergy("a", "Aspirin")], "recorded allergy to Aspirin: the same or a related medicine"),
        ([medicine("w", "warfarin 5 MG")], "risk of bleeding"),
        ([medicine("n", "naproxen 250 MG")], "are of one class"),
        ([medicine("n", "Advil 200 MG")], "both hold ibuprofen"),
    ],
)
def test_what_stands_against_an_active_medicine_is_named(others, said):
    summary = chart(IBUPROFEN, *others)
    assert said in conflicts(summary)
    line = next(li for li in summary.conflicts if said in li.text)
    assert len(line.sources) == 2


def test_an_interaction_is_said_once_and_not_from_both_sides():
    summary = chart(IBUPROFEN, medicine("w", "warfarin 5 MG"))
    rules = [li.rule.id for li in summary.conflicts if li.rule]
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize(
    "gone",
    [
        {"status": "stopped"},
        {"status": "entered-in-error"},
        {"doNotPerform": True},
    ],
)
def test_a_medicine_that_is_not_taken_contradicts_nothing(gone):
    assert "bleeding" not in conflicts(chart({**IBUPROFEN, **gone}, medicine("w", "warfarin 5 MG")))


def test_an_old_kidney_result_fires_no_rule():
    assert "kidney" not in conflicts(chart(IBUPROFEN, result("e", "2020-01-01", 20)))


def test_no_known_allergy_beside_an_allergy_is_a_contradiction():
    none, some = allergy("n", "No known allergies"), allergy("p", "Peanut")
    assert "stands beside Peanut" in conflicts(chart(none, some))
    assert conflicts(chart(allergy("n", "No known drug allergies"), some)) == ""


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [
                medicine("m", "metformin", reasonReference=[{"reference": "Condition/c"}]),
                problem("c", "Prediabetes", "resolved"),
            ],
            "its reason is not: Prediabetes",
        ),
        (
            [medicine("m", "x", dispenseRequest={"validityPeriod": {"end": "2026-02-01"}})],
            "its order ended 2026-02-01",
        ),
        ([problem("c", "Gout", abatementDateTime="2025-01-01")], "has an end date"),
        ([problem("c", "Gout"), problem("d", "Gout", "resolved")], "as active and as over"),
    ],
)
def test_entries_that_cannot_both_hold_are_named(records, said):
    assert said in conflicts(chart(*records))


def test_gaps_are_named_and_not_filled():
    summary = chart(
        medicine("m", "Zorblax"), problem("c", "Type 2 diabetes mellitus", onsetDateTime="2019")
    )
    said = gaps(summary)
    for gap in (
        "No reason is recorded for Zorblax.",
        "No dose is recorded for Zorblax.",
        "do not know Zorblax",
        "Neither an allergy nor",
        "no result of Hemoglobin A1c",
    ):
        assert gap in said


def test_of_many_entries_a_gap_names_some_and_counts_the_rest():
    said = gaps(chart(*(medicine(f"m{n}", f"Zorblax {n}") for n in range(40))))
    assert "and 34 more" in said
    assert said.count("Zorblax") == 3 * 6


def test_an_empty_record_says_that_nothing_is_recorded_and_not_that_nothing_is_wrong():
    summary = chart()
    assert all(section.empty for section in summary.sections if section.id != "immunizations")
    assert "Neither an allergy nor" in gaps(summary)


def test_changes_are_what_is_dated_after_the_last_finished_visit():
    summary = chart(
        visit("v1", "2026-06-01"),
        visit("v2", "2026-11-21", status="in-progress"),
        problem("old", "Gout", recordedDate="2026-05-01"),
        problem("new", "Asthma", recordedDate="2026-07-01"),
        problem("done", "Sprain", "resolved", abatementDateTime="2026-08-01"),
        medicine("a", "lisinopril", authoredOn="2026-09-01"),
        result("r", "2026-06-01", 70),
    )
    assert summary.changes.visit.sources == ("Encounter/v1",)
    said = [line.text for line in summary.changes.lines]
    assert said == ["New medicine: lisinopril", "Resolved: Sprain", "New problem: Asthma"]


def test_without_a_visit_nothing_is_compared():
    assert chart(problem("new", "Asthma", recordedDate="2026-07-01")).changes.visit is None


@pytest.mark.parametrize(
    ("given", "due"),
    [([], True), (["2016-11-22"], False), (["2016-11-21"], True), (["2010"], True)],
)
def test_a_tetanus_booster_is_due_ten_years_after_the_last(given, due):
    doses = [
        make("Immunization", f"t{n}", status="completed", occurrenceDateTime=day,
             vaccineCode={**coded("115"), "text": "Tdap"})
        for n, day in enumerate(given)
    ]  # fmt: skip
    said = part(chart(*doses), "immunizations")
    assert any("tetanus" in text for text in said) is due


def test_one_of_two_shingles_doses_is_not_enough():
    dose = make("Immunization", "s", status="completed", occurrenceDateTime="2025-01-01",
                vaccineCode={**coded("187"), "text": "Shingrix"})  # fmt: skip
    assert any("shingles" in text for text in part(chart(dose), "immunizations"))


def test_a_leap_day_counts_to_the_28th():
    assert years_after(date(2016, 2, 29), 10) == date(2026, 2, 28)


def test_appointments_and_open_referrals_are_listed():
    appointment = {
        "resourceType": "Appointment", "id": "a", "status": "booked", "description": "Review",
        "start": "2026-12-01T14:00:00Z", "participant": [{"actor": {"reference": "Patient/me"}}],
    }  # fmt: skip
    referral = make("ServiceRequest", "s", status="active", intent="order", priority="urgent",
                    code={"text": "Nephrology"})  # fmt: skip
    summary = chart(appointment, referral)
    assert part(summary, "appointments") == ["Review"]
    (line,) = next(one for one in summary.sections if one.id == "appointments").lines
    assert line.at == datetime(2026, 12, 1, 14, tzinfo=UTC)
    assert line.detail is None
    assert part(summary, "referrals") == ["Nephrology"]


def test_the_head_tells_how_severe_an_allergy_is_and_what_it_does():
    severe = allergy(
        "a1", "Penicillin", criticality="high",
        reaction=[{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}],
    )  # fmt: skip
    who = chart(allergy("a2", "Latex"), severe).who
    assert who.allergies == ("Penicillin (severe, Anaphylaxis)", "Latex")
    assert who.allergic


def test_the_head_warns_of_nothing_where_it_is_recorded_that_there_is_no_allergy():
    who = chart(allergy("a1", "No known allergies")).who
    assert who.allergies == ("No known allergies",)
    assert not who.allergic
