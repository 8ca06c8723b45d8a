"""What a person entered is said to be of their list, never of the record."""

from __future__ import annotations

from datetime import date

import pytest

from services.consult.record import Record

TODAY = date(2026, 11, 26)


def taken(name: str, id_: str = "own-1", **more) -> dict:
    return {
        "resourceType": "MedicationStatement",
        "id": id_,
        "status": "active",
        "medicationCodeableConcept": {"text": name},
        **more,
    }


def said(question: str, language: str, *resources: dict) -> str:
    record = Record(resources, today=TODAY)
    answer = record.answer(question, language)
    facts = record.facts_for(question, language)
    return " ".join([answer.text if answer else "", *(fact.text for fact in facts)])


QUESTIONS = [
    "can I take ibuprofen?",
    "should I stop my warfarin?",
    "do I take warfarin?",
    "how do I take my warfarin?",
    "can I take coumadin?",
    "can I take apixaban?",
    "I took two warfarin tablets by mistake",
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("language", "own", "recorded"),
    [("en", "your list", "your record"), ("es", "su lista", "su historial")],
)
@pytest.mark.parametrize("dose", [{}, {"dosage": [{"text": "5 mg at night"}]}])
def test_it_is_named_as_of_the_list(question, language, own, recorded, dose):
    told = said(question, language, taken("warfarin", **dose)).lower()
    assert own in told
    assert recorded not in told
    assert "prescribed" not in told
    assert "receta:" not in told


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_the_record_holds_is_named_as_of_the_record(question):
    told = said(question, "en", taken("warfarin", "of-the-clinic")).lower()
    assert "your record" in told
    assert "your list" not in told


@pytest.mark.parametrize(
    ("language", "opening"),
    [
        ("en", "Your record and your own list have "),
        ("es", "Su historial y su propia lista tienen "),
    ],
)
def test_what_stands_in_both_is_named_as_of_both(language, opening):
    both = taken("warfarin", "of-the-clinic"), taken("apixaban")
    assert opening in said("can I take ibuprofen?", language, *both)


def test_what_was_stopped_is_said_to_be_stopped_on_the_list():
    told = said("do I take warfarin?", "en", {**taken("warfarin"), "status": "stopped"})
    assert told.startswith("Your list has warfarin as stopped")
