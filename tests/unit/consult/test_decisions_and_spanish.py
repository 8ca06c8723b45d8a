"""What a clinician must decide, and how a Spanish question is put to English sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consult.decisions import own_decision
from services.consult.spanish import in_english, is_spanish


@pytest.mark.parametrize(
    "text",
    [
        "Should I stop taking my blood pressure pills?",
        "can i double my dose",
        "is it ok to skip my insulin",
        "¿Puedo dejar de tomar la pastilla?",
        "do i have cancer",
        "What’s wrong with me",
    ],
)
def test_a_decision_about_ones_own_care_is_recognised(text: str) -> None:
    assert own_decision(text)


def test_to_change_a_named_medicine_is_a_decision() -> None:
    assert own_decision("should I stop metformin?", medicine=True)
    assert not own_decision("should I stop eating salt?")


@pytest.mark.parametrize(
    "text",
    ["What is asthma?", "How is gout treated?", "what do they do to stop a nosebleed", "¿Qué es?"],
)
def test_a_general_question_is_no_decision(text: str) -> None:
    assert not own_decision(text)


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("¿Cuáles son los síntomas del asma?", True),
        ("que es la gota", True),
        ("What are the signs of asthma?", False),
        ("gout diet", False),
        ("", False),
    ],
)
def test_spanish_is_told_by_its_small_words(text: str, spanish: bool) -> None:
    assert is_spanish(text) is spanish


def test_a_spanish_question_is_asked_of_the_sources_in_english() -> None:
    assert in_english("symptoms", "Asthma") == "What are the symptoms of Asthma?"
    assert in_english("something new", "Asthma") == "What is Asthma?"


@given(st.text(max_size=300))
def test_every_text_can_be_looked_at(text: str) -> None:
    own_decision(text)
    is_spanish(text)
