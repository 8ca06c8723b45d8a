"""Units as a person thinks in them: right, and only where the text says enough."""

from __future__ import annotations

import pytest

from patient_app.personal.conversions import converted


@pytest.mark.parametrize(
    ("text", "system", "said"),
    [
        ("A fever is 38 °C or more.", "us", [("38 °C", "100.4 °F")]),
        ("Call if it is over 103°F.", "metric", [("103°F", "39.4 °C")]),
        ("You weigh 82 kg.", "us", [("82 kg", "181 lb")]),
        ("You weigh 181 pounds.", "metric", [("181 pounds", "82.1 kg")]),
        ("Keep blood sugar at 70 to 130 mg/dL.", "metric", [("70 to 130 mg/dL", "3.9–7.2 mmol/L")]),
        ("La glucosa fue 5.5 mmol/L.", "us", [("5.5 mmol/L", "99 mg/dL")]),
        ("LDL was 100 mg/dL.", "metric", [("100 mg/dL", "2.6 mmol/L")]),
        ("Walk 2 miles a day.", "metric", [("2 miles", "3.2 km")]),
        ("Store at 2-8 °C.", "us", [("2-8 °C", "35.6–46.4 °F")]),
    ],
)
def test_a_quantity_is_converted(text, system, said):
    assert list(converted(text, system)) == said


@pytest.mark.parametrize(
    "text",
    [
        "Take 10 mg/kg of body weight.",
        "The calcium was 9 mg/dL.",
        "Creatinine and glucose were 1.1 mg/dL and 90 mg/dL.",
        "Glucose and cholesterol were 90 mg/dL and 180 mg/dL.",
        "A rise of 1 °F was seen.",
        "BMI of 31 kg/m².",
        "82 kg",
    ],
    ids=[
        "dose by weight",
        "another substance",
        "two substances",
        "two that are known",
        "a difference",
        "a square",
        "already in these units",
    ],
)
def test_what_would_be_wrong_or_needless_is_left_alone(text):
    assert list(converted(text, "metric")) == []
