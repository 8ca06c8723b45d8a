"""Questions and records made so that a rule of the record would reassure, or run without end."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from services.consult.messages import Person
from services.consult.record import Record
from services.consult.record.mishap import is_mishap
from services.consult.record.results import number_text, read_results

TODAY = date(2026, 11, 21)
ADULT = {"resourceType": "Patient", "id": "a", "birthDate": "1980-05-05", "gender": "female"}


@pytest.mark.parametrize("words", ["took two ", "mistake took ", "took two pills ", "tome dos "])
def test_a_question_of_repeated_words_is_read_in_a_moment(words):
    began = time.process_time()
    is_mishap((words * 4000)[:8000])
    assert time.process_time() - began < 2


ACCIDENTS = [
    "i took too many pills by mistake is it safe to take more tomorrow",
    "i accidentally took a double dose of my metoprolol can i take two tomorrow",
    "i had a scan this morning and afterwards i accidentally took double my insulin",
    "i accidentally took my husbands pills what should i do if i feel dizzy",
    "two years ago i had a stroke and today i took too many warfarin by mistake",
    "me equivoque y tome doble dosis puedo tomar otra mas tarde",
    "last spring my blood pressure was measured at the clinic and all was well " * 5
    + "i accidentally took a double dose of metoprolol",
]


@pytest.mark.parametrize("told", ACCIDENTS)
def test_what_else_a_message_says_does_not_hide_a_dose_taken_by_mistake(told):
    assert is_mishap(told)


@pytest.mark.parametrize(
    "told",
    [
        "i accidentally took the test twice",
        "i accidentally took double my dose three years ago",
        "should i take two tablets of ibuprofen",
    ],
)
def test_no_dose_by_mistake_is_made_of_what_is_none(told):
    assert not is_mishap(told)


def said(question: str, *resources: dict[str, Any]) -> str:
    answer = Record([ADULT, *resources], today=TODAY, person=Person()).answer(question)
    return answer.text if answer else ""


MOST = "Is it safe to take {} and what is the most I can take?"
LIVER = {
    "resourceType": "Condition",
    "id": "c",
    "subject": {"reference": "Patient/a"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"text": "Cirrhosis of liver"},
}
ALLERGY = {
    "resourceType": "AllergyIntolerance",
    "id": "i",
    "patient": {"reference": "Patient/a"},
    "code": {"text": "Ibuprofen"},
}


def test_the_usual_most_is_said_to_an_adult_with_nothing_against_it():
    assert "1,200 mg" in said(MOST.format("ibuprofen"))


@pytest.mark.parametrize(
    ("question", "resource"),
    [
        (MOST.format("acetaminophen"), LIVER),
        (MOST.format("ibuprofen"), ALLERGY),
    ],
)
def test_the_usual_most_is_not_said_beside_a_warning(question, resource):
    text = said(question, resource)
    assert text
    assert "24 hours" not in text


def test_the_usual_most_is_not_said_to_somebody_pregnant():
    assert "24 hours" in said(MOST.format("loratadine"))
    assert "24 hours" not in said("I am pregnant. " + MOST.format("loratadine"))


def result(**more: Any) -> Any:
    held = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"code": "2823-3"}], "text": "Potassium"},
        "valueQuantity": {"value": 4.0, "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
    }
    return read_results([held | more])[0]


def test_a_result_that_the_laboratory_calls_abnormal_is_not_called_normal():
    assert result().flag == "normal"
    assert result(interpretation=[{"coding": [{"code": "A"}]}]).flag is None


def test_a_large_number_is_said_with_all_its_digits():
    assert number_text(1234567) == "1234567"
    assert number_text(7.2 - 6.9) == "0.3"
