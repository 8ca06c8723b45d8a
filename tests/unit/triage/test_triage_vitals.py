"""Numbers read from text: a table for each kind, with what must not be read."""

from __future__ import annotations

import pytest
import yaml

from services.consult.messages import Person
from services.consult.triage import TriageRules
from services.consult.triage.vitals import NumberPattern, VitalReader, VitalsFile

RULES = TriageRules.load()


def read(text: str, kind: str, country: str = "US") -> list[float]:
    case = RULES._case(text, Person(country=country))
    return sorted({round(r.value, 2) for r, _ in case.readings if r.kind == kind})


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("temp of 103", "temperature_c", [39.44]),
        ("fever 38.5", "temperature_c", [38.5]),
        ("fiebre de 38,5", "temperature_c", [38.5]),
        ("39.5 C", "temperature_c", [39.5]),
        ("100.4 °F", "temperature_c", [38.0]),
        ("it reads 101 degrees", "temperature_c", [38.33]),
        ("sugar is 480", "glucose_mgdl", [480]),
        ("glucose 22 mmol/l", "glucose_mgdl", [396]),
        ("azúcar en 500", "glucose_mgdl", [500]),
        ("blood sugar 16.7", "glucose_mgdl", [300.6]),
        ("bp 190/125", "systolic", [190]),
        ("190 over 125", "diastolic", [125]),
        ("presión de 19/11", "systolic", [190]),
        ("sats 86", "oxygen_percent", [86]),
        ("84% oxygen", "oxygen_percent", [84]),
        ("heart rate of 160", "pulse", [160]),
        ("45 bpm", "pulse", [45]),
        ("34 weeks pregnant", "gestation_weeks", [34]),
        ("embarazada de 28 semanas", "gestation_weeks", [28]),
        ("I'm 8 months pregnant", "gestation_weeks", [34.8]),
        ("he is 71 and fell", "age_years", [71]),
        ("75yo man", "age_years", [75]),
        ("my 6 week old", "age_years", [0.12]),
        ("2-month-old baby", "age_years", [0.17]),
        ("my one month old", "age_years", [0.08]),
        ("bebé de 5 semanas", "age_years", [0.1]),
        ("mi hija tiene 3 años", "age_years", [3]),
        ("for 3 days", "duration_minutes", [4320]),
        ("seizure for seven minutes", "duration_minutes", [7]),
        ("took 30 tylenol", "doses", [30]),
        ("tomé veinte pastillas", "doses", [20]),
    ],
)
def test_a_number_is_read_in_one_unit(text: str, kind: str, values: list[float]) -> None:
    assert read(text, kind) == values


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("my room number is 190/125", "systolic"),
        ("appointment on 11/21", "systolic"),
        ("20/20 vision", "systolic"),
        ("losartan 100/25 mg", "systolic"),
        ("fever for 38 hours", "temperature_c"),
        ("I weigh 103 pounds", "temperature_c"),
        ("my a1c is 7.2", "glucose_mgdl"),
        ("30 g of sugar", "glucose_mgdl"),
        ("sugar high for 100 days", "glucose_mgdl"),
        ("I take 2 tablets a day", "doses"),
        ("ibuprofen 800 mg", "doses"),
        ("for 6 weeks", "age_years"),
        ("for 6 weeks", "gestation_weeks"),
        ("oxygen at 2 liters", "oxygen_percent"),
    ],
)
def test_other_numbers_are_left_alone(text: str, kind: str) -> None:
    assert read(text, kind) == []


def test_a_bare_glucose_is_read_in_the_unit_of_the_country() -> None:
    assert read("my sugar is 30", "glucose_mgdl", "US") == [30]
    assert read("my sugar is 30", "glucose_mgdl", "GB") == [540]


def test_a_number_past_belief_is_not_read() -> None:
    assert read("glucose 5000", "glucose_mgdl") == []
    assert read("bp 900/800", "systolic") == []


@pytest.mark.parametrize("match", ["(", "<nothing> <n>"])
def test_a_bad_pattern_is_refused(match: str) -> None:
    file = VitalsFile(
        words={},
        patterns=[NumberPattern(kind="pulse", match=match)],
        pressure=[],
        units={},
        implied=[],
    )
    with pytest.raises(ValueError, match=r"unknown word list|regular expression"):
        VitalReader(file)


def test_a_reading_speaks_for_a_concept() -> None:
    assert RULES.assess("chemo patient, 38.6").rule == "fever-with-weak-defences"


def test_the_packaged_file_is_plain_yaml() -> None:
    from services.consult.triage.service import _DATA

    assert yaml.safe_load((_DATA / "vitals.yaml").read_text("utf-8"))["patterns"]
