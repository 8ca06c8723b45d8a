"""What must not go wrong: doses by mistake, children, other people, units, unknown things."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.consult.messages import Person
from services.consult.record import Record, spelling, words
from services.consult.record.mishap import is_mishap
from services.consult.record.situation import stated_ages

TODAY = date(2026, 11, 21)
PATIENT = {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1980-05-05"}
SUBJECT = {"reference": "Patient/a"}
NOBODY = Record((), today=TODAY)


def order(text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": text.partition(" ")[0],
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def result(loinc: str, value: float, unit: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{day}",
        "status": "final",
        "code": {"coding": [{"code": loinc}]},
        "subject": SUBJECT,
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit},
        **more,
    }


def said(question: str, *resources: dict[str, Any], language: str = "en") -> str:
    answer = Record([PATIENT, *resources], today=TODAY).answer(question, language)
    return answer.text if answer else ""


@pytest.mark.parametrize(
    "text",
    [
        "I took two of my blood pressure pills by mistake",
        "accidentally took my metformin twice",
        "I doubled up on my water pill this morning",
        "forgot I had my insulin and took it again",
        "I took my husband's pills",
        "gave my son two doses by accident",
        "I gave my daughter too much Tylenol",
        "took the wrong pill tonight",
        "took 3 lithium instead of 2",
        "I missed yesterday's so I took two today",
        "tomé dos pastillas por error",
        "me tomé el doble de la dosis sin querer",
        "le di la medicina dos veces a mi hijo",
        "tomé la pastilla de mi esposo",
    ],
)
def test_a_dose_taken_by_mistake_is_seen_and_answered_even_without_a_record(text):
    assert is_mishap(spelling.read(words.fold(text)))
    answer = NOBODY.answer(text)
    assert answer is not None
    assert "1-800-222-1222" in answer.text
    assert answer.citations[0].id == answer.facts[0].id == "rule:dose-by-mistake"


@pytest.mark.parametrize(
    "text",
    [
        "my doctor doubled my metformin",
        "can I take two ibuprofen",
        "I take two pills a day",
        "what if I take two by mistake",
        "should I take a double dose after missing one",
        "I had two flu shots this year",
        "my blood pressure was taken twice",
        "I took lisinopril for two years",
        "puedo tomar dos pastillas",
    ],
)
def test_doses_that_were_meant_are_no_mistake(text):
    assert not is_mishap(spelling.read(words.fold(text)))


def test_the_number_to_call_is_that_of_the_country():
    british = Record((), today=TODAY, person=Person(country="GB"))
    answer = british.answer("I took my tablets twice by mistake")
    assert answer is not None
    assert "111" in answer.text
    assert "1-800" not in answer.text


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("can my child take aspirin for fever", "Reye"),
        ("is Pepto ok for my 9 year old", "Reye"),
        ("can I give my toddler cough syrup", "under 4 years"),
        ("can my 5 yr old have Dimetapp", "4 to 6 years"),
        ("can I put honey in my 10 month old's bottle", "botulism"),
        ("can I give my 4 month old Advil", "6 months"),
        ("can my newborn have Tylenol", "3 months"),
        ("can my daughter, 11, take codeine", "under 12 years"),
        ("can I give my son tramadol", "under 12 years"),
        ("is imodium ok for my 18 month old", "under 2 years"),
        ("can I give my kid one of my oxycodone", "breathing"),
        ("can my 6 year old have my zolpidem", "own doctor prescribed"),
        ("can I use orajel on my baby's gums", "oxygen"),
    ],
)
def test_a_child_and_a_medicine_are_answered_by_rule_with_or_without_a_record(question, part):
    grown = order("warfarin 5 MG Oral Tablet")
    for answer in (NOBODY.answer(question), Record([PATIENT, grown], today=TODAY).answer(question)):
        assert answer is not None
        assert part in answer.text
        assert "warfarin" not in answer.text
        assert answer.facts[0].warning
        assert "Source: " in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "can my 8 year old take ibuprofen",
        "why should children not take aspirin",
        "what was my last A1c",
        "can I take ibuprofen",
        "can I take ibuprofen with warfarin",
    ],
)
def test_without_a_record_only_children_and_mistakes_are_answered(question):
    assert NOBODY.answer(question) is None


def test_warnings_without_a_record_still_go_along_as_facts():
    facts = NOBODY.facts_for("can I take ibuprofen with warfarin")
    assert "bleeding" in facts[0].text
    assert facts[0].text.startswith("You mention warfarin")


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("my 8 month old", (8, 8)),
        ("shes 4 years old", (48, 59)),
        ("my 15 yr old", (180, 191)),
        ("hijo de 7 anos", (84, 95)),
        ("6 week old baby", (1, 1)),
        ("i took it for 3 days", None),
        ("28 weeks pregnant", None),
        ("in 2 months", None),
    ],
)
def test_ages_are_read_and_durations_are_not(text, ages):
    found = stated_ages(text)
    assert ((found.low, found.high) if found else None) == ages


def test_the_same_medicine_under_another_name_is_seen():
    text = said("can I take Tylenol with DayQuil")
    assert "both contain acetaminophen" in text
    listed = said("can I take NyQuil", order("acetaminophen 500 MG Oral Tablet"))
    assert "twice" in listed
    assert "twice" not in said("can I take my ibuprofen", order("ibuprofen 200 MG Oral Tablet"))


def test_a_medicine_of_the_same_group_is_seen():
    assert "same group" in said("can I take Aleve", order("ibuprofen 200 MG Oral Tablet"))


def test_results_in_different_units_are_never_compared():
    text = said(
        "what was my last glucose",
        result("2345-7", 5.5, "mmol/L", "2026-10-01"),
        result("2345-7", 120, "mg/dL", "2026-05-01"),
    )
    assert "5.5 mmol/L" in text
    assert "higher" not in text
    assert "lower" not in text


def test_a_trend_skips_the_results_in_another_unit():
    text = said(
        "what was my last glucose",
        result("2345-7", 100, "mg/dL", "2026-10-01"),
        result("2345-7", 5.0, "mmol/L", "2026-07-01"),
        result("2345-7", 120, "mg/dl", "2026-05-01"),
    )
    assert "lower than the one before" in text
    assert "mmol" not in text


def test_a_result_without_a_range_gets_the_usual_one_with_its_source_and_no_verdict():
    text = said("what was my last potassium", result("2823-3", 4.0, "mmol/L", "2026-10-01"))
    assert "3.5 – 5.1 mmol/L" in text
    assert "MedlinePlus" in text
    assert "within" not in text
    other = said("what was my last potassium", result("2823-3", 4.0, "mg/dL", "2026-10-01"))
    assert "usual range" not in other


@pytest.mark.parametrize("more", [{"doNotPerform": True}, {"intent": "proposal"}])
def test_what_was_not_ordered_is_not_taken(more):
    assert said("can I take ibuprofen", order("warfarin 5 MG", **more)) == ""


def test_a_condition_not_listed_is_not_denied_when_a_result_speaks_for_it():
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    text = said("do I have diabetes", result("4548-4", 7.4, "%", "2026-10-01", **high))
    assert text.startswith("Hemoglobin A1c")
    assert "does not rule it out" in text


def test_a_childs_missing_doses_are_asked_about_and_not_counted_from():
    child = {**PATIENT, "birthDate": "2020-01-01"}
    answer = Record([child], today=TODAY).answer("when is my son's next polio shot due")
    assert answer is None  # a daughter by the record
    answer = Record([child], today=TODAY).answer("when is my daughter's next polio shot due")
    assert answer is not None
    assert "lists 4 doses and the record shows 0" in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "when should I see a doctor about a tremor",
        "can ibuprofen cause stomach pain",
        "why does metformin upset the stomach",
        "I lift weights and read about creatinine, could muscle do that?",
        "how can I lower my cholesterol without medicines",
        "what is a healthy weight",
        "here is a photo, what disease do I have",
        "how fast do food allergies show up",
        "do I need to fast for a cholesterol test",
    ],
)
def test_general_questions_are_not_answered_from_the_record(question):
    assert said(question, result("2160-0", 1.0, "mg/dL", "2026-10-01")) == ""


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("alergic", "alerg"),
        ("lisinipril", "lisinopril"),
        ("colesterol", "colesterol"),
        ("apointment", "appointment"),
        ("children", "children"),
        ("cuando", "cuando"),
        ("father", "father"),
        ("whats", "what is"),
    ],
)
def test_slips_are_mended_and_ordinary_words_left(typed, read):
    assert spelling.read(typed).startswith(read)
