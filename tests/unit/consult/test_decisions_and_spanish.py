"""What a clinician must decide, and how a Spanish question is put to English sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consult.decisions import own_decision
from services.consult.spanish import in_english, is_spanish, plain_question


@pytest.mark.parametrize(
    "text",
    [
        "Should I stop taking my blood pressure pills?",
        "can i double my dose",
        "is it ok to skip my insulin",
        "¿Puedo dejar de tomar la pastilla?",
        "do i have cancer",
        "What’s wrong with me",
        "Is my MRI normal?",
        "looking at my scan, is the lump benign",
        "will my baby be born healthy",
    ],
)
def test_a_decision_about_ones_own_care_is_recognised(text: str) -> None:
    assert own_decision(text)


def test_to_change_a_named_medicine_is_a_decision() -> None:
    assert own_decision("should I stop metformin?", medicine=True)
    assert not own_decision("should I stop eating salt?")


@pytest.mark.parametrize(
    "text",
    [
        "my neighbor gave me her oxycodone, how many do I take",
        "a website says to take furosemide before a weigh-in, how much",
    ],
)
def test_an_amount_that_others_told_is_for_a_clinician(text: str) -> None:
    assert own_decision(text, medicine=True)


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


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("¿Cuáles son los efectos secundarios de la metformina?", ("side effects", "metformin")),
        ("¿A qué hora se toma la levotiroxina?", ("time", "take", "levothyroxine")),
        ("me duele la cabeza desde ayer, ¿qué puedo tomar?", ("head", "yesterday", "take")),
    ],
)
def test_a_spanish_question_is_put_in_rough_english(text: str, english: tuple[str, ...]) -> None:
    said = in_english(text)

    assert all(word in said for word in english), said


def test_what_the_glossary_lacks_and_what_is_no_spanish_stays() -> None:
    assert "palmoxetrol" in in_english("¿Para qué sirve el Palmoxetrol?")
    assert in_english("What is Gout?") == "What is Gout?"


def test_each_kind_has_a_plain_question() -> None:
    assert plain_question("symptoms", "Asthma") == "What are the symptoms of Asthma?"
    assert plain_question("something new", "Asthma") == "What is Asthma?"


def test_what_may_be_described_is_no_diagnosis_when_it_is_named() -> None:
    assert own_decision("could it be serious, this lump")
    assert not own_decision("hot and losing weight, could it be my thyroid", named=True)
    assert own_decision("do i have cancer", named=True)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("quiero dejar de fumar", False),
        ("quiero dejar de tomar la pastilla", True),
        ("¿puedo bajar la dosis de insulina?", True),
    ],
)
def test_in_spanish_a_treatment_has_to_be_meant(text: str, own: bool) -> None:
    assert own_decision(text) is own


@given(st.text(max_size=300))
def test_every_text_can_be_looked_at(text: str) -> None:
    own_decision(text)
    is_spanish(text)
    in_english(text)
