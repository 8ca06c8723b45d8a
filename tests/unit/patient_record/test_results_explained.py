"""A person's results: as recorded, compared in one unit, explained by a source or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from patient_app.results import explained

TODAY = date(2026, 11, 26)
PATIENT = {"resourceType": "Patient", "id": "me", "birthDate": "1970-01-01"}
H = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


def result(id_, day, value, unit="mg/dL", loinc="2345-7", **fields):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": "Patient/me"},
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}], "text": "As recorded"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit},
        **fields,
    }


def one(member, of_tests, *resources):
    member.import_record([PATIENT, *resources])
    (found,) = explained(member, of_tests, TODAY)["tests"]
    return found


def test_what_changed_is_the_difference_of_two_recorded_numbers(member, of_tests):
    found = one(member, of_tests, result("a", "2026-01-01", 100), result("b", "2026-05-01", 112.5))
    assert found["newest"]["value"] == "112.5 mg/dL"
    assert found["before"] == {
        "value": "100 mg/dL", "day": "2026-01-01", "step": "higher", "by": "12.5 mg/dL",
    }  # fmt: skip


def test_numbers_of_two_units_are_not_compared(member, of_tests):
    found = one(
        member, of_tests, result("a", "2026-01-01", 5.5, "mmol/L"), result("b", "2026-05-01", 112)
    )
    assert found["before"]["step"] is None
    assert found["curves"] == []


def test_without_range_and_flag_nothing_is_said_of_the_range(member, of_tests):
    found = one(member, of_tests, result("a", "2026-01-01", 112))
    assert (found["newest"]["flag"], found["newest"]["within"], found["range"]) == (
        None, False, None,
    )  # fmt: skip


def test_the_laboratorys_word_counts_before_the_range_beside_it(member, of_tests):
    said = {"interpretation": [{"coding": [{"system": H, "code": "H"}]}]}
    span = {"referenceRange": [{"low": {"value": 70}, "high": {"value": 200}}]}
    found = one(member, of_tests, result("a", "2026-01-01", 112, **said, **span))
    assert found["newest"]["flag"] == "high"
    assert not found["newest"]["within"]


@pytest.mark.parametrize(("units", "other"), [("metric", ["5.6 mmol/L"]), ("as-written", [])])
def test_other_units_are_added_where_the_person_wants_them(member, of_tests, units, other):
    member.set_profile({"units": units})
    assert one(member, of_tests, result("a", "2026-01-01", 100))["units"] == other


def test_a_test_is_explained_by_a_source_and_by_reading_level(ill, of_tests):
    ill.set_profile({"reading_level": "simple"})
    tests = {t["name"]: t for t in explained(ill, of_tests, TODAY)["tests"]}
    about = tests["Hemoglobin A1c"]["about"]
    assert [p["section"] for p in about["passages"]] == ["what"]
    assert all(p["source"] and p["url"].startswith("https://") for p in about["passages"])
    ill.set_profile({"reading_level": "detailed"})
    tests = {t["name"]: t for t in explained(ill, of_tests, TODAY)["tests"]}
    assert [p["section"] for p in tests["Hemoglobin A1c"]["about"]["passages"]][:2] == [
        "what", "why",
    ]  # fmt: skip


def test_a_test_that_no_source_here_explains_is_left_unexplained(member, of_tests):
    found = one(member, of_tests, result("a", "2026-01-01", 4.1, "mmol/L", "2823-3"))
    assert found["about"] is None


def test_what_is_written_for_adults_is_not_shown_to_a_child(member, of_tests):
    child = {**PATIENT, "birthDate": "2018-01-01"}
    member.import_record([child, result("a", "2026-01-01", 100)])
    (found,) = explained(member, of_tests, TODAY)["tests"]
    assert found["about"] is None


def test_what_is_out_of_range_comes_first_and_another_persons_results_never(ill, of_tests):
    with ill.vault.write() as tx:
        stray = result("stray", "2026-10-10", 999, subject={"reference": "Patient/other"})
        tx.put("record", "Observation/stray", stray)
    tests = explained(ill, of_tests, TODAY)["tests"]
    ranks = [t["newest"]["flag"] is None for t in tests]
    assert ranks == sorted(ranks)
    assert "999" not in str(tests)


def test_curves_lie_in_their_frame(ill, of_tests):
    shown = explained(ill, of_tests, TODAY)
    marks = [m for t in shown["tests"] for c in t["curves"] for m in c["marks"]]
    assert marks
    assert all(0 <= m["x"] <= shown["frame"]["width"] for m in marks)
    assert all(0 <= m["y"] <= shown["frame"]["height"] for m in marks)


def test_an_empty_record_has_no_results(member, of_tests):
    assert explained(member, of_tests, TODAY)["tests"] == []
