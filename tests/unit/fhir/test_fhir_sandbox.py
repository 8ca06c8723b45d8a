"""The synthetic clinic: valid, complete, deterministic, and plainly invented."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.fhir.references import links
from services.fhir.sandbox import SANDBOX_DAY, generate, people
from services.fhir.sandbox.coding import table
from services.fhir.validate import check

RESOURCES = generate()
BY_TYPE = defaultdict(list)
for _resource in RESOURCES:
    BY_TYPE[_resource["resourceType"]].append(_resource)


def test_every_resource_is_valid_r4():
    for resource in RESOURCES:
        check(resource)


def test_every_reference_leads_somewhere_and_to_something_before_it():
    seen: set[str] = set()
    known = {f"{r['resourceType']}/{r['id']}" for r in RESOURCES}
    for resource in RESOURCES:
        for link in links(resource):
            assert f"{link.target_type}/{link.target_id}" in known
            if link.target_type in {"Patient", "Practitioner", "Organization", "Location"}:
                assert f"{link.target_type}/{link.target_id}" in seen
        seen.add(f"{resource['resourceType']}/{resource['id']}")
    assert len(known) == len(RESOURCES)


def test_the_same_seed_and_day_make_the_same_clinic():
    assert generate(1) == RESOURCES
    assert generate(2) != RESOURCES


def test_another_day_moves_every_date_and_keeps_every_age():
    later = generate(1, SANDBOX_DAY + timedelta(days=400))
    born = {r["id"]: r["birthDate"] for r in later if r["resourceType"] == "Patient"}
    for patient in BY_TYPE["Patient"]:
        assert born[patient["id"]] > patient["birthDate"]
    for appointment in (r for r in later if r["resourceType"] == "Appointment"):
        assert appointment["start"] > (SANDBOX_DAY + timedelta(days=400)).isoformat()


@pytest.mark.parametrize("day", [date(2028, 2, 29), date(2027, 1, 1), date(2026, 12, 31)])
def test_any_day_can_be_the_sandboxs_day(day):
    for resource in generate(1, day):
        check(resource)


def test_there_are_people_of_all_ages_with_what_a_record_needs():
    assert len(people()) >= 12
    years = sorted(SANDBOX_DAY.year - int(p["birthDate"][:4]) for p in BY_TYPE["Patient"])
    assert years[0] <= 1
    assert years[-1] >= 90
    needed = {
        "RelatedPerson", "Practitioner", "Organization", "Location", "Condition", "Encounter",
        "MedicationRequest", "AllergyIntolerance", "Observation", "Immunization", "Procedure",
        "Appointment", "DocumentReference", "Goal",
    }  # fmt: skip
    assert needed <= set(BY_TYPE)


def test_everything_but_appointments_lies_in_the_past():
    today = SANDBOX_DAY.isoformat()
    for resource in RESOURCES:
        texts = re.findall(r"'(\d{4}-\d{2}-\d{2})", str(resource))
        if resource["resourceType"] == "Appointment":
            assert min(texts) > today
        else:
            assert max(texts, default="") <= today


def test_people_can_be_told_to_be_invented():
    for resource in RESOURCES:
        assert resource["meta"]["security"][0]["code"] == "HTEST"
    said = str(RESOURCES)
    assert set(re.findall(r"\d{3}-(\d{3}-\d{2})\d{2}\b", said)) <= {"555-01"}
    assert set(re.findall(r"@([\w.]+)", said)) == {"example.org"}


def test_flags_agree_with_the_reference_ranges():
    for observation in BY_TYPE["Observation"]:
        for bounds in observation.get("referenceRange", ()):
            value = observation["valueQuantity"]["value"]
            high = value > bounds.get("high", {}).get("value", value)
            low = value < bounds.get("low", {}).get("value", value)
            flag = "H" if high else "L" if low else "N"
            assert observation["interpretation"][0]["coding"][0]["code"] == flag


def test_codes_have_the_form_of_their_system():
    forms = {
        "http://snomed.info/sct": r"\d{6,18}",
        "http://loinc.org": r"\d{1,5}-\d",
        "http://www.nlm.nih.gov/research/umls/rxnorm": r"\d{1,8}",
        "http://hl7.org/fhir/sid/cvx": r"\d{2,3}",
        "http://hl7.org/fhir/sid/icd-10-cm": r"[A-Z]\d[0-9A-Z](\.\w{1,4})?",
    }
    found = re.findall(r"'system': '([^']+)', 'code': '([^']+)'", str(RESOURCES))
    for system, code in found:
        assert re.fullmatch(forms.get(system, ".+"), code), (system, code)


def _verhoeff(number: str) -> bool:
    """Check digit of SNOMED CT identifiers (Verhoeff 1969)."""
    multiply = [[(i + j) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
    for i in range(10):
        for j in range(10):
            a, b = i % 5, j % 5
            if i < 5:
                multiply[i][j] = (a + b) % 5 + (0 if j < 5 else 5)
            else:
                multiply[i][j] = (a - b) % 5 + (5 if j < 5 else 0)
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permute.append([permute[1][permute[-1][k]] for k in range(10)])
    check_sum = 0
    for position, digit in enumerate(reversed(number)):
        check_sum = multiply[check_sum][permute[position % 8][int(digit)]]
    return check_sum == 0


def test_snomed_codes_have_a_right_check_digit():
    for system, code in re.findall(r"'system': '([^']+)', 'code': '([^']+)'", str(RESOURCES)):
        if system == "http://snomed.info/sct":
            assert _verhoeff(code), code


def test_loinc_codes_have_a_right_check_digit():
    for _, loinc, *_ in table("codes")["tests"].values():
        number, check_digit = loinc.split("-")
        digits = [int(d) for d in reversed(number)]
        total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
        assert (10 - total % 10) % 10 == int(check_digit), loinc


def test_the_program_writes_one_file_for_each_type(tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "services.fhir.sandbox",
        str(tmp_path),
        "--today",
        "2026-11-21",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"{len(RESOURCES)} resources")
    assert {f.stem for f in tmp_path.iterdir()} == set(BY_TYPE)
