"""Results of the laboratory told in words: read by their test's name, and as urgent as they are."""

from __future__ import annotations

import pytest

from services.consult.messages import Person, Urgency
from services.consult.triage import TriageRules

RULES = TriageRules.load()


def read(text: str, kind: str) -> list[float]:
    case = RULES._case(text, Person())
    return sorted({round(r.value, 2) for r, _ in case.readings if r.kind == kind})


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("my mom's potassium is 6.1", "potassium_mmol", [6.1]),
        ("potassium level came back at 6.8 mEq/L", "potassium_mmol", [6.8]),
        ("mi potasio salió en 6,8", "potassium_mmol", [6.8]),
        ("with a 6.1 potassium", "potassium_mmol", [6.1]),
        ("potassium went from 6.5 to 4.2", "potassium_mmol", [4.2]),
        ("potassium 6.1 (3.5-5.1)", "potassium_mmol", [6.1]),
        ("sodium dropped to 121", "sodium_mmol", [121]),
        ("mi sodio está en 115", "sodium_mmol", [115]),
        ("hemoglobin 6.2 g/dL", "haemoglobin_gdl", [6.2]),
        ("Hb is 62 g/L", "haemoglobin_gdl", [6.2]),
        ("INR came back 5.1", "inr", [5.1]),
        ("creatinine of 4.5 mg/dL", "creatinine_mgdl", [4.5]),
        ("creatinina 450", "creatinine_mgdl", [5.09]),
        ("el potasio de mi mamá es 6,9", "potassium_mmol", [6.9]),
        ("ketones 3.2 mmol/l", "ketones_mmol", [3.2]),
        ("I am 61 and my potassium is 4.1", "potassium_mmol", [4.1]),
        ("hb 6.2 potassium 4.1", "potassium_mmol", [4.1]),
    ],
)
def test_a_result_is_read_in_one_unit(text: str, kind: str, values: list[float]) -> None:
    assert read(text, kind) == values


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a banana has 400 mg of potassium", "potassium_mmol"),
        ("potassium chloride 8 mEq daily", "potassium_mmol"),
        ("I take potassium 8 mEq daily", "potassium_mmol"),
        ("potassium for 6 days", "potassium_mmol"),
        ("my potassium on 6/5", "potassium_mmol"),
        ("soup has sodium 140 mg per serving", "sodium_mmol"),
        ("my hemoglobin A1c is 6.2", "haemoglobin_gdl"),
        ("hemoglobin (a1c) 6.4", "haemoglobin_gdl"),
        ("HbA1c 48", "haemoglobin_gdl"),
        ("INR check in 6 days", "inr"),
        ("creatinine clearance 45", "creatinine_mgdl"),
        ("my LDL is 2.6 mmol/L", "glucose_mgdl"),
        ("potassium 2.8 mmol/L", "glucose_mgdl"),
        ("my calcium is 2.3 mmol/L", "glucose_mgdl"),
        ("ketones 0.3 mmol/L", "glucose_mgdl"),
    ],
)
def test_other_numbers_are_left_alone(text: str, kind: str) -> None:
    assert read(text, kind) == []


@pytest.mark.parametrize(
    "text",
    [
        "potassium 6.8",
        "what does a potassium of 7 mean",
        "potassium 2.3",
        "potassium 6.1 and my heart is racing",
        "sodium is 118",
        "my dad is confused, sodium 127",
        "hemoglobin 6.2",
        "hemoglobina 7.5 y me desmayé",
        "my INR is 9.2",
        "my troponin came back positive",
        "mi troponina salió elevada",
        "ketones 3.2 mmol/l",
    ],
)
def test_what_cannot_wait_is_an_emergency(text: str) -> None:
    assert RULES.assess(text).level is Urgency.EMERGENCY


@pytest.mark.parametrize(
    "text",
    [
        "my mom's potassium is 6.1",
        "my potassium is 6.1, is that high?",
        "what does my potassium of 6.1 mean",
        "potasio 2.8",
        "sodium 126",
        "hemoglobin 7.4",
        "INR 5.6, no bleeding",
        "creatinine is 4.5",
        "ketones are 2.1",
    ],
)
def test_what_needs_a_call_today_is_urgent(text: str) -> None:
    assert RULES.assess(text).level is Urgency.URGENT


@pytest.mark.parametrize(
    "text",
    [
        "potassium 4.1",
        "is 6.1 potassium high?",
        "is potassium 6.1 high?",
        "potassium 5.2",
        "my potassium was 6.8 last year",
        "if someone has a potassium of 6.8, what do doctors do",
        "sodium 138",
        "hemoglobin 13.1",
        "diabético, mi hemoglobina es 6.4",
        "INR 2.5 on warfarin",
        "on dialysis, creatinine 8",
        "troponin was negative",
        "high sensitivity troponin normal",
        "troponin normal, bp high",
        "ketones 0.3",
        "my calcium is 2.3 mmol/l",
        "what does elevated troponin mean",
        "my LDL is 2.6 mmol/L",
    ],
)
def test_what_is_no_alarm_stays_none(text: str) -> None:
    assert RULES.assess(text).level is Urgency.ROUTINE
